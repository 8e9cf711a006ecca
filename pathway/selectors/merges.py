"""Two records side by side: are they one person, and what stands against making them one record?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pathway.models import (
    LIVE,
    LIVE_TASK,
    CareTask,
    CareTeamMember,
    Enrollment,
    EnrollmentStatus,
    Intervention,
    Merge,
    MergeStatus,
    Observation,
    Patient,
    PatientNumber,
    Transfer,
    TransferStatus,
)
from pathway.selectors import shown
from pathway.vocabulary import Role

PLACES = (*LIVE, EnrollmentStatus.DECEASED)  # of these a patient has one at most


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two records."""

    patient: Patient
    name: str
    identifier: str
    former_numbers: Sequence[str]
    birth: str
    sex: str
    died: str
    site: str
    enrollments: Sequence[str]
    tasks: Sequence[str]
    interventions: Sequence[str]
    results: int
    team: Sequence[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`differs` names what should make a person look twice, `obstacles` what has to be settled before."""

    survivor: Side
    source: Side
    differs: Sequence[str]
    obstacles: Sequence[str]
    doubled: Sequence[str]  # interventions that run in both: one of each goes on


def compare(survivor: Patient, source: Patient, at: datetime) -> Comparison:
    one, other = side(survivor, at), side(source, at)
    named = (
        ("Names", one.name, other.name),
        ("Birth dates", one.birth, other.birth),
        ("Sex", one.sex, other.sex),
    )
    differs = [what for what, mine, theirs in named if mine.casefold() != theirs.casefold()]
    doubled = sorted(set(one.interventions) & set(other.interventions))
    return Comparison(one, other, differs, obstacles(survivor, source), doubled)


def side(patient: Patient, at: datetime) -> Side:
    enrollments = Enrollment.objects.filter(patient=patient).select_related("version__pathway").order_by("-pk")
    tasks = CareTask.objects.filter(enrollment__patient=patient, status__in=LIVE_TASK).select_related("activity")
    running = Intervention.objects.filter(patient=patient, stopped_on=None).select_related("kind")
    team = CareTeamMember.objects.current(at).filter(patient=patient).select_related("user")
    return Side(
        patient=patient,
        name=str(patient),
        identifier=patient.identifier,
        former_numbers=list(PatientNumber.objects.filter(patient=patient).values_list("number", flat=True)),
        birth=shown.day(patient.birth_date),
        sex=str(patient.get_sex_display()),
        died=shown.day(patient.died_on) if patient.died_on else "",
        site=patient.site.name,
        enrollments=[
            f"{row.version.pathway.title}, {shown.day(row.enrolled_on)}: {row.get_status_display()}"
            for row in enrollments
        ],
        tasks=sorted(row.activity.title for row in tasks),
        interventions=sorted(row.kind.title for row in running),
        results=Observation.objects.filter(patient=patient).count(),
        team=[f"{row.user.display_name}, {Role(row.role).label}" for row in team.order_by("role", "user__username")],
    )


def obstacles(survivor: Patient, source: Patient) -> list[str]:
    """Sentences that say what has to be done first; none when the two can become one."""
    found = []
    if survivor.site_id != source.site_id:
        found.append("The records are of different sites: transfer one of them first")
    if any(one.merged_into_id or one.erased_at for one in (survivor, source)):
        found.append("One of the records is closed already")
    places = list(Enrollment.objects.filter(patient__in=(survivor, source), status__in=PLACES))
    if sum(row.is_live for row in places) > 1:
        found.append("Both records are on a pathway: withdraw the one that shall not go on, with a reason")
    elif len(places) > 1:
        found.append(
            "One of the records tells of a death, and both are on a pathway: reverse it, then withdraw that one"
        )
    elif any(row.is_live for row in places) and (survivor.died_on or source.died_on):
        found.append("One of the records tells of a death and the other is on a pathway: settle first which is true")
    if Transfer.objects.filter(patient__in=(survivor, source), status=TransferStatus.OFFERED).exists():
        found.append("One of the records is offered to another site: take that back first")
    return found


def proposed_for(patient: Patient) -> list[Merge]:
    """Proposals that wait, in which this patient is on either side; row-level security hides half-seen ones."""
    waiting = Merge.objects.filter(status=MergeStatus.PROPOSED).select_related("source", "survivor", "proposed_by")
    return [*waiting.filter(survivor=patient), *waiting.filter(source=patient)]


def done_for(patient: Patient) -> list[Merge]:
    """What this record has taken in, newest first."""
    rows = Merge.objects.filter(survivor=patient, status=MergeStatus.CONFIRMED).select_related("decided_by")
    return list(rows.order_by("-decided_at"))


def former_numbers(patient: Patient) -> list[PatientNumber]:
    return list(PatientNumber.objects.filter(patient=patient).select_related("site").order_by("-until"))
