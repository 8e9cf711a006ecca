"""Emergency access as people see it: the notes above a patient's page, the queue of reviews, patients left alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pathway import access, errors
from pathway.access import Permit
from pathway.models import EmergencyGrant, EmergencyReason, Membership, Patient, Site, User, guarded
from pathway.selectors import covers, shown
from pathway.vocabulary import NO_CARE

LATE = timedelta(hours=72)  # a review that has waited longer is marked
GAPS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Running:
    """The person's own access, which they may give back."""

    grant: int
    until: str


@dataclass(frozen=True, slots=True)
class Opened:
    """Somebody has opened the record in an emergency, and nobody has reviewed it yet."""

    who: str
    when: str
    why: str


@dataclass(frozen=True, slots=True)
class Notes:
    """What stands above every page of a patient."""

    own: Running | None
    opened: Sequence[Opened]
    covers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Case:
    """One emergency access in the queue. The patient is named by number alone: reviewers need not see them."""

    grant: int
    patient_pk: int
    site: str
    number: str
    who: str
    why: str
    since: str
    until: str
    age: str
    is_late: bool
    is_own: bool
    verdict: str
    note: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A patient whose team nobody can change: no coordinator is left."""

    pk: int
    uuid: UUID
    number: str
    others: int  # people who see the patient all the same


@dataclass(frozen=True, slots=True)
class Gaps:
    site: Site
    count: int
    patients: Sequence[Gap]


def sites(user: User) -> list[Site]:
    """Where the person cares for patients, and may therefore open a record in an emergency."""
    held = Membership.objects.filter(user=user, is_active=True).exclude(role__in=NO_CARE)
    return list(Site.objects.filter(pk__in=held.values("site")).order_by("name", "pk"))


def reasons() -> list[tuple[str, str]]:
    """What a person may give as the reason, as codes and titles."""
    return [(code.value, str(code.label)) for code in EmergencyReason]


def already_seen(user: User, site: Site, number: str, at: datetime) -> Patient | None:
    """The patient with this number, where the person sees them already."""
    return access.patients(user, at).filter(site=site, identifier=number.strip()).first()


def address_of(user: User, patient: Patient, at: datetime) -> UUID:
    """The name in addresses of a patient whose record is open now."""
    return access.patients(user, at).values_list("uuid", flat=True).get(pk=patient.pk)


def notes(user: User, patient: Patient, at: datetime) -> Notes:
    """Their own access while it runs; what others opened until it is reviewed; for whom they stand in."""
    mine = Q(user=user, since__lte=at, until__gt=at)
    rows = EmergencyGrant.objects.filter(Q(reviewed_at=None) | mine, patient=patient)
    own, opened = None, []
    for row in rows.select_related("user").order_by("pk"):
        if row.user_id == user.pk and row.since <= at < row.until:
            own = Running(row.pk, shown.moment(row.until, patient.site))
        elif row.reviewed_at is None:
            why = _reason(row.reason_code, row.reason)
            opened.append(Opened(row.user.display_name, shown.moment(row.since, patient.site), why))
    return Notes(own, opened, covers.notes(user, patient, at))


# the queue of reviews


def waiting(user: User, at: datetime) -> list[Case]:
    """What nobody has reviewed, the oldest first; of all sites where the person reviews."""
    return _cases(user, at, "reviewed IS NULL ORDER BY begins, pk")


def reviewed(user: User, at: datetime) -> list[Case]:
    return _cases(user, at, "reviewed IS NOT NULL ORDER BY reviewed DESC, pk LIMIT 20")


def case_or_not_found(user: User, grant: int, at: datetime) -> Case:
    found = _cases(user, at, "pk = %s", grant)
    if not found:
        raise errors.NotFound("not-found", "There is nothing here")
    return found[0]


def _cases(user: User, at: datetime, which: str, *values: object) -> list[Case]:
    found = []
    for site in access.sites_with(user, Permit.REVIEW_ACCESS):
        question = f"SELECT * FROM pathway_emergencies(%s) WHERE {which}"
        rows = [_Row(*row) for row in guarded.ask(question, [site.pk, *values], by=user)]
        people = User.objects.in_bulk({row.person for row in rows} | {row.reviewer for row in rows if row.reviewer})
        found += [_case(row, site, people, user, at) for row in rows]
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the function, in its order."""

    grant: int
    person: int
    patient: int
    number: str
    code: str
    reason: str
    since: datetime
    until: datetime
    reviewer: int | None
    reviewed_at: datetime | None
    justified: bool | None
    note: str


def _case(row: _Row, site: Site, people: Mapping[int, User], user: User, at: datetime) -> Case:
    verdict = ""
    if row.reviewer is not None:
        who, when = people[row.reviewer].display_name, shown.moment(row.reviewed_at, site)
        said = _("justified") if row.justified else _("not justified")
        verdict = _("%(said)s, %(who)s on %(when)s") % {"said": said, "who": who, "when": when}
    return Case(
        grant=row.grant,
        patient_pk=row.patient,
        site=site.name,
        number=row.number,
        who=people[row.person].display_name,
        why=_reason(row.code, row.reason),
        since=shown.moment(row.since, site),
        until=shown.moment(row.until, site),
        age=_age(at - row.since),
        is_late=at - row.since > LATE,
        is_own=row.person == user.pk,
        verdict=verdict,
        note=row.note,
    )


def _age(waited: timedelta) -> str:
    hours = int(waited.total_seconds() // 3600)
    if hours < 48:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return shown.days(hours // 24)


def _reason(code: str, reason: str) -> str:
    return f"{EmergencyReason(code).label}: {reason}"


# patients whom nobody steers


def unsteered(user: User, at: datetime) -> list[Gaps]:
    """Site by site, for its coordinators: patients whose team nobody can change, by number alone."""
    found = []
    for site in access.sites_with(user, Permit.SET_TEAM):
        question = (
            "SELECT patient_pk, patient_uuid, number, others, count(*) OVER ()"
            " FROM pathway_unsteered(%s, %s::timestamptz) ORDER BY others, number LIMIT %s"
        )
        rows = guarded.ask(question, [site.pk, at, GAPS_SHOWN], by=user)
        found.append(Gaps(site, rows[0][4] if rows else 0, [Gap(*row[:4]) for row in rows]))
    return found
