"""Who looked at this patient, and what did this person look at: told from the audit, without clinical content.

The questions are asked with the rights of the audit, which knows patients by number and people by name. Doors ask
`access` first who may see the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Max, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pathway import actor, errors
from pathway.actor import Service
from pathway.models import AuditEvent, Membership, Patient, Purpose, Sight, Site, User
from pathway.selectors import shown

PAGE = 50
NUMBERS_SHOWN = 12  # of a list that was read
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# What a read is called; a change is called by its verb.
READS: Mapping[str, object] = {
    "patient.read": gettext_lazy("opened the patient's page"),
    "patient.why-read": gettext_lazy("opened the page of reasons"),
    "patient.results-read": gettext_lazy("opened all results"),
    "worklist.read": gettext_lazy("opened the worklist"),
    "inbox.read": gettext_lazy("opened the inbox"),
    "patients.listed": gettext_lazy("searched for patients"),
    "access.patient-report-read": gettext_lazy("looked at who looked at the patient"),
    "access.person-report-read": gettext_lazy("looked at what a person looked at"),
    "access.not-found": gettext_lazy("asked for something that is missing or not theirs to see"),
    "access.refused": gettext_lazy("asked for something that their role does not allow"),
}
COLUMNS = ("pk", "at", "action", "actor_id", "patient_id", "patients", "purpose", "ways", "address")


@dataclass(frozen=True, slots=True)
class Line:
    """`numbers`: hospital numbers of patients of the site; `others`: how many more there were."""

    when: str
    who: str
    what: str
    ways: str
    purpose: str
    address: str
    numbers: Sequence[str] = ()
    others: int = 0
    is_emergency: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    lines: Sequence[Line]
    next: str
    patient_pks: list[int]


@dataclass(frozen=True, slots=True)
class Visitor:
    """One person in the summary of a patient."""

    who: str
    times: int
    last: str


@dataclass(frozen=True, slots=True)
class Numbered:
    """A patient as auditors know them."""

    pk: int
    uuid: UUID
    number: str


@contextmanager
def as_the_audit() -> Iterator[None]:
    with actor.acting(actor.service(Service.AUDIT)):
        yield


def of_patient(patient_pk: int, site: Site, *, after: str = "") -> Report:
    """Everything that anybody saw or changed, newest first: single reads, and lists that the patient was on."""
    with as_the_audit():
        return _report(_about(patient_pk), site, after, with_numbers=False)


def visitors(patient_pk: int, site: Site) -> list[Visitor]:
    """Everybody who ever saw or changed something, the latest first."""
    with as_the_audit():
        rows = _about(patient_pk).exclude(actor=None).values("actor_id").annotate(times=Count("pk"), last=Max("at"))
        found = list(rows.order_by("-last"))
        names = people([row["actor_id"] for row in found])
    return [Visitor(names[row["actor_id"]], row["times"], shown.moment(row["last"], site)) for row in found]


def of_person(person_pk: int, site: Site, *, since: date | None, until: date | None, after: str = "") -> Report:
    """What this person saw and did; of patients, those of the site. Both days count, as at the site."""
    with as_the_audit():
        return _report(_within(AuditEvent.objects.filter(actor=person_pk), site, since, until), site, after)


def person_or_not_found(site: Site, person_pk: int) -> str:
    """The name of somebody who works or worked at the site."""
    with as_the_audit():
        if not Membership.objects.filter(site=site, user=person_pk).exists():
            raise errors.NotFound("not-found", "There is nothing here")
        return people([person_pk])[person_pk]


def staff(site: Site) -> list[tuple[int, str]]:
    with as_the_audit():
        names = people(Membership.objects.filter(site=site).values_list("user_id", flat=True))
    return sorted(names.items(), key=lambda pair: pair[1].casefold())


def numbered_or_not_found(
    sites: Sequence[Site], *, uuid: UUID | None = None, number: str = ""
) -> tuple[Numbered, Site]:
    """A patient of one of these sites, by the name in addresses or by hospital number."""
    wanted = Q(uuid=uuid) if uuid is not None else Q(identifier=number.strip())
    with as_the_audit():
        rows = Patient.objects.unscoped("audit").filter(wanted, site__in=sites)
        row = rows.order_by("pk").values_list("pk", "uuid", "identifier", "site_id").first()
    if row is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return Numbered(*row[:3]), next(site for site in sites if site.pk == row[3])


def people(pks: Iterable[int | None]) -> dict[int, str]:
    """Names by key, of the columns that the audit may read."""
    rows = User.objects.filter(pk__in={pk for pk in pks if pk is not None})
    found = rows.values_list("pk", "username", "first_name", "last_name")
    return {pk: f"{given} {family}".strip() or username for pk, username, given, family in found}


def numbers(pks: Iterable[int], site: Site) -> dict[int, str]:
    """Hospital numbers by key, of patients of this site."""
    rows = Patient.objects.unscoped("audit").filter(pk__in=set(pks), site=site)
    return dict(rows.values_list("pk", "identifier"))


def ways(text: str) -> str:
    return ", ".join(str(Sight.Way(way).label) for way in text.split())


def purpose(stored: str, seen_by: str) -> str:
    """An access by emergency alone is one for emergency treatment, whatever the door knew."""
    return Purpose.EMERGENCY.value if seen_by == Sight.Way.EMERGENCY else stored


def _about(patient_pk: int) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(Q(patient=patient_pk) | Q(patients__contains=[patient_pk]))


def _within(rows: QuerySet[AuditEvent], site: Site, since: date | None, until: date | None) -> QuerySet[AuditEvent]:
    zone = ZoneInfo(site.time_zone)
    if since is not None:
        rows = rows.filter(at__gte=datetime.combine(since, time(), zone))
    if until is not None and until < date.max:
        rows = rows.filter(at__lt=datetime.combine(until + timedelta(days=1), time(), zone))
    return rows


def _report(rows: QuerySet[AuditEvent], site: Site, after: str, *, with_numbers: bool = True) -> Report:
    found = list(_from(rows, after).order_by("-at", "-pk").values(*COLUMNS)[: PAGE + 1])
    page = found[:PAGE]
    names = people(row["actor_id"] for row in page)
    known = numbers({pk for row in page for pk in _patients(row)}, site) if with_numbers else {}
    cursor = f"{(page[-1]['at'] - EPOCH) // MICROSECOND}-{page[-1]['pk']}" if len(found) > PAGE else ""
    return Report([_line(row, site, names, known) for row in page], cursor, sorted(known))


def _from(rows: QuerySet[AuditEvent], after: str) -> QuerySet[AuditEvent]:
    """The next page. What is no place in the list is taken for its beginning."""
    moment, _dash, pk = after.partition("-")
    if not all(part.isascii() and part.isdigit() and len(part) <= 17 for part in (moment, pk)):
        return rows
    at = EPOCH + int(moment) * MICROSECOND
    return rows.filter(at__lte=at).exclude(at=at, pk__gte=int(pk))


def _patients(row: Mapping[str, object]) -> list[int]:
    one, several = row["patient_id"], row["patients"]
    if isinstance(one, int):
        return [one]
    return list(several) if isinstance(several, list) else []


def _line(row: Mapping[str, object], site: Site, names: Mapping[int, str], known: Mapping[int, str]) -> Line:
    who, at, seen_by = row["actor_id"], row["at"], str(row["ways"])
    mine = [known[pk] for pk in _patients(row) if pk in known]
    what_for = purpose(str(row["purpose"]), seen_by)
    return Line(
        when=shown.moment(at if isinstance(at, datetime) else None, site),
        who=names[who] if isinstance(who, int) else _("the server"),
        what=action(str(row["action"])),
        ways=ways(seen_by),
        purpose=str(Purpose(what_for).label) if what_for else "",
        address=str(row["address"] or ""),
        numbers=mine[:NUMBERS_SHOWN],
        others=max(len(mine) - NUMBERS_SHOWN, 0),
        is_emergency=what_for == Purpose.EMERGENCY,
    )


def action(code: str) -> str:
    """In words."""
    known = READS.get(code)
    return str(known) if known is not None else code.replace(".", ": ").replace("-", " ")
