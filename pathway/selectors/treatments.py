"""What is being done for a patient, as a page shows it: courses, doses, dates ahead, reviews of equipment, exercise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from pathway.models import ExerciseItem, Intervention
from pathway.selectors import equipment, plans, shown, worklists
from pathway.selectors.cases import Case

DATES_SHOWN = 6  # of one plan; the others follow as these are done


@dataclass(frozen=True, slots=True)
class Ahead:
    """One planned date: a dose, a laboratory test, the end of a programme. `timeliness` as in worklists."""

    label: str
    day: str
    timeliness: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The coming dates of one series, calendar or programme."""

    title: str
    dates: Sequence[Ahead]
    more: int  # how many come after these


@dataclass(frozen=True, slots=True)
class InterventionView:
    """`concerns` are why it was outside of its licence or conditions on its start, one sentence each."""

    pk: int
    code: str
    title: str
    from_day: str
    until_day: str
    is_running: bool
    is_planned: bool
    detail: str
    doses: str
    has_doses: bool
    has_review: bool
    review_on: str
    review_late: str
    outside_licence: bool
    concerns: Sequence[str]


@dataclass(frozen=True, slots=True)
class ExerciseView:
    kind: str
    detail: str
    note: str
    day: str
    by: str


@dataclass(frozen=True, slots=True)
class Treatments:
    running: Sequence[InterventionView]
    ended: Sequence[InterventionView]
    plans: Sequence[Plan]
    exercises: Sequence[ExerciseView]


def of(case: Case) -> Treatments:
    every = Intervention.objects.filter(patient=case.patient).select_related("kind").prefetch_related("administrations")
    rows = list(every.order_by("-started_on", "-pk"))
    found = [_intervention(case, row) for row in rows]
    return Treatments(
        running=sorted((one for one in found if one.is_running), key=lambda one: not one.review_late),
        ended=[one for one in found if not one.is_running],
        plans=_plans(case, rows) if case.running and not case.is_dead else (),
        exercises=[_exercise(case, row) for row in _exercise_items(case)],
    )


# courses


def _intervention(case: Case, row: Intervention) -> InterventionView:
    told = {**row.details, **({"use": row.extent} if row.extent else {})}
    if row.dose_mg is not None:
        told["dose"] = shown.entered(row.dose_mg, "mg")
    given = sorted(row.administrations.all(), key=lambda dose: (dose.given_on, dose.pk))
    kind = case.vocabulary.interventions.get(row.kind_id)
    late = row.review_on is not None and row.review_on < case.today
    return InterventionView(
        pk=row.pk,
        code=row.kind_id,
        title=row.kind.title,
        from_day=shown.day(row.started_on),
        until_day=shown.day(row.stopped_on),
        is_running=row.stopped_on is None,
        is_planned=row.stopped_on is None and row.started_on > case.today,
        detail=", ".join(f"{shown.words(key)}: {shown.words(str(value))}" for key, value in told.items()),
        doses=", ".join(f"{dose.label} {shown.day(dose.given_on)}" for dose in given),
        has_doses=kind is not None and kind.series is not None,
        has_review=kind is not None and equipment.has_review(kind),
        review_on=shown.day(row.review_on),
        review_late=worklists.lateness(row.review_on, case.today) if late and row.review_on else "",
        outside_licence=row.outside_licence,
        concerns=[line for line in row.concerns.split("\n") if line],
    )


# dates ahead


def _plans(case: Case, rows: Iterable[Intervention]) -> list[Plan]:
    """What has been done already is left out; what is late stays until it is done."""
    given = {row.kind_id: {dose.label for dose in row.administrations.all()} for row in rows if row.stopped_on is None}
    found = []
    for code, dates in plans.planned(case).items():
        coming = {label: day for label, day in dates.items() if label not in given.get(code, ())}
        if not _is_dose_plan(case, code):
            coming = {label: day for label, day in coming.items() if day >= case.today}
        if coming:
            found.append(_plan(case, code, coming))
    return found


def _is_dose_plan(case: Case, code: str) -> bool:
    kind = case.vocabulary.interventions.get(code)
    return kind is not None and kind.series is not None


def _plan(case: Case, code: str, dates: Mapping[str, date]) -> Plan:
    inorder = sorted(dates.items(), key=lambda pair: (pair[1], pair[0]))
    return Plan(
        title=_plan_title(case, code),
        dates=[
            Ahead(shown.words(label), shown.day(day), worklists.timeliness(day, case.today))
            for label, day in inorder[:DATES_SHOWN]
        ],
        more=max(0, len(inorder) - DATES_SHOWN),
    )


def _plan_title(case: Case, code: str) -> str:
    known = case.vocabulary
    if code in known.activities:
        return known.activities[code].title
    return known.interventions[code].title if code in known.interventions else shown.words(code).capitalize()


# exercise


def _exercise_items(case: Case) -> Iterable[ExerciseItem]:
    rows = ExerciseItem.objects.filter(patient=case.patient, ended_at=None).select_related("planned_by")
    return rows.order_by("-planned_at", "-pk")


def _exercise(case: Case, row: ExerciseItem) -> ExerciseView:
    told = [_("%(load)s load") % {"load": shown.words(row.load)}]
    if row.minutes is not None:
        told.append(_("%(n)d minutes") % {"n": row.minutes})
    if row.rest_days is not None:
        told.append(_("rest days a week: %(n)d") % {"n": row.rest_days})
    return ExerciseView(
        kind=shown.words(row.type).capitalize(),
        detail=", ".join(told),
        note=_("no rest day") if row.rest_days == 0 else "",
        day=shown.day(case.local_day(row.planned_at)),
        by=shown.person(row.planned_by),
    )
