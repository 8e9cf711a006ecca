"""What there is to choose from on a form."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from pathway import access, actor
from pathway.engine.catalogue import Kind
from pathway.engine.schedule import local_day
from pathway.models import (
    CareTeamMember,
    Intervention,
    Membership,
    Observation,
    PathwayVersion,
    Patient,
    PatientNumber,
    Site,
    User,
)
from pathway.selectors import definitions, offers, plans, shown
from pathway.selectors.cases import Case
from pathway.vocabulary import CLOSED_STAGE, NO_CARE, Role

Choice = tuple[str, str]
SEARCH_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A patient on a list of results."""

    pk: int
    patient: Patient
    name: str
    identifier: str
    birth: str
    age: str


def pathways(apart_from: str = "") -> list[Choice]:
    """The published ones by title."""
    rows = PathwayVersion.objects.filter(status="published").exclude(pathway__code=apart_from)
    found = rows.order_by("pathway__title").values_list("pathway__code", "pathway__title").distinct()
    return list(found)


def stages(case: Case, track: str) -> list[Choice]:
    """Where else a person may move the patient in this track. O9 is the server's."""
    present = case.stays[track].stage.code if track in case.stays else ""
    return [
        (stage.code, f"{stage.code} {stage.title}")
        for one in case.version.tracks
        if one.code == track
        for stage in one.stages
        if stage.code not in (present, CLOSED_STAGE)
    ]


def kinds() -> list[Kind]:
    """Every observation kind by title."""
    return sorted(definitions.vocabulary().catalogue.kinds.values(), key=lambda kind: kind.title.lower())


def kinds_for(activity: str) -> list[Kind]:
    """What completes a task of this activity when it is recorded."""
    known = definitions.vocabulary()
    asked = known.activities.get(activity)
    return [known.catalogue.kinds[code] for code in asked.completed_by] if asked is not None else []


def recently_used(patient: Patient, limit: int = 12) -> list[str]:
    """The kinds that this patient's record has most often, as codes."""
    counted: dict[str, int] = {}
    for code in Observation.objects.filter(patient=patient).order_by("-pk").values_list("kind", flat=True)[:300]:
        counted[code] = counted.get(code, 0) + 1
    return sorted(counted, key=lambda code: -counted[code])[:limit]


def kind(code: str) -> Kind | None:
    return definitions.vocabulary().catalogue.kinds.get(code)


def interventions(case: Case) -> tuple[list[Choice], list[Choice]]:
    """Those that are offered for this patient now, and the others; what is running is left out."""
    running = set(Intervention.objects.filter(patient=case.patient, stopped_on=None).values_list("kind_id", flat=True))
    offered = [code for code in offers.offered(case) if code not in running]
    known = case.vocabulary.interventions
    others = [code for code in known if code not in running and code not in offered]
    return [(code, known[code].title) for code in offered], [(code, known[code].title) for code in others]


def doses(case: Case, code: str) -> list[Choice]:
    """The coming doses of a running series, nearest first."""
    given = {label for row in case.running if row.kind_id == code for label, _day in case.doses_of(row.pk)}
    coming = sorted(plans.planned(case).get(code, {}).items(), key=lambda pair: pair[1])
    return [(label, f"{label} ({shown.day(day)})") for label, day in coming if label not in given]


def roles() -> list[Choice]:
    """Roles that may have a task."""
    return [(role.value, str(role.label)) for role in Role if role not in NO_CARE]


def site_people(site: Site) -> list[Choice]:
    """Who works at the site in which clinical role, as `user:role`."""
    rows = Membership.objects.filter(site=site, is_active=True, user__is_active=True).exclude(role__in=NO_CARE)
    return [
        (f"{row.user_id}:{row.role}", f"{row.user.display_name}, {Role(row.role).label}")
        for row in rows.select_related("user").order_by("role", "user__last_name", "user__username")
    ]


def team_of(patient: Patient, at: datetime) -> list[str]:
    """The present members as `user:role`."""
    rows = CareTeamMember.objects.current(at).filter(patient=patient)
    return [f"{user}:{role}" for user, role in rows.values_list("user_id", "role").distinct()]


def team_ends(patient: Patient, at: datetime) -> dict[tuple[int, str], datetime]:
    """Until when those have their places whose places end by themselves."""
    rows = CareTeamMember.objects.current(at).filter(patient=patient)
    kept = set(rows.filter(until=None).values_list("user_id", "role"))
    ending = rows.exclude(until=None).order_by("until").values_list("user_id", "role", "until")
    return {(user, role): until for user, role, until in ending if until is not None and (user, role) not in kept}


def registering_sites(user: User) -> list[Choice]:
    """Sites where the user may register a patient."""
    rows = Membership.objects.filter(user=user, is_active=True).select_related("site").order_by("site__name")
    allowed = {row.site_id: row.site.name for row in rows if access.Permit.REGISTER in access.GRANTS[Role(row.role)]}
    return [(str(pk), name) for pk, name in allowed.items()]


@actor.listing()
def patients(user: User, text: str, at: datetime) -> list[Found]:
    """Visible patients whose name or hospital number contains every word of the text; all of them for none."""
    rows = access.patients(user, at).select_related("site")
    for word in text.split():
        rows = rows.filter(
            Q(family_name__icontains=word)
            | Q(given_name__icontains=word)
            | Q(identifier__icontains=word)
            | Q(pk__in=PatientNumber.objects.filter(number__icontains=word).values("patient"))
        )
    return list(_found(rows.order_by("family_name", "given_name", "pk")[:SEARCH_LIMIT], at))


def _found(rows: Iterable[Patient], at: datetime) -> Iterable[Found]:
    for row in rows:
        age = shown.age(row.birth_date, row.died_on or local_day(at, row.site.time_zone))
        yield Found(row.pk, row, str(row), row.identifier, shown.day(row.birth_date), age)


def was_recorded(patient: Patient, source_id: str) -> bool:
    """Whether the form with this token has been stored already."""
    return Observation.objects.filter(patient=patient, source="person", source_id=source_id).exists()
