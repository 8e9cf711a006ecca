"""Visits played in order. The clock stands at each visit; nobody is reminded of what is long past.

A patient whom the file brings is back-loaded: what is known on each day is known on that day.
One who is on a pathway already has lived on meanwhile, so new visits are recorded now, with the
day of the visit as their effective day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from pathway import audit, clock, errors, flow
from pathway.engine import schedule
from pathway.engine.catalogue import ADULT_AGE
from pathway.engine.chart import Chart, age_in_years
from pathway.engine.tables.visits import Story, Visit
from pathway.imports import histories, known
from pathway.imports.run import Run
from pathway.models import LIVE, Enrollment, Intervention, Patient
from pathway.selectors import cases
from pathway.services import care_tasks
from pathway.services.observations import NewObservation


@dataclass(frozen=True, slots=True)
class _Step:
    """What is new of one visit."""

    visit: Visit
    form: list[NewObservation]
    begun: tuple[str, ...]


def play(run: Run, story: Story) -> None:
    """Everything of one patient that is not stored yet; then how the patient fared, as the server sees it."""
    patient = _patient(run, story)
    enrollment = Enrollment.objects.filter(patient=patient).order_by("-pk").first()
    steps = _steps(run, patient, story)
    _count(run, story)
    if enrollment is None:
        enrollment = _back_load(run, story, patient, steps)
    else:
        for step in steps:
            _take(run, enrollment.pk, step, run.now)
    if enrollment is not None:
        run.outcome.histories.append(histories.of(story, enrollment, run.vocabulary.catalogue))
    run.told()


def _patient(run: Run, story: Story) -> Patient:
    found = known.patient(run, story.identifier)
    if found is not None:
        return found
    made = Patient.objects.create(
        site=run.site,
        identifier=story.identifier,
        given_name=story.given_name,
        family_name=story.key,
        birth_date=story.birth_date,
        birth_date_is_estimated=True,
        sex=story.sex,
        created_at=run.now,
    )
    audit.record("patient.registered", by=None, patient=made, subject=made, after={"source": run.source})
    return made


def _steps(run: Run, patient: Patient, story: Story) -> list[_Step]:
    before = known.stored(run, (one for visit in story.visits for one in visit.form))
    today = schedule.local_day(run.now, run.site.time_zone)
    has = set(Intervention.objects.filter(patient=patient).values_list("kind_id", flat=True))
    steps = []
    for visit in story.visits:
        if visit.day > today:
            run.refuse_because(visit.line, errors.InvalidEntry("implausible", f"The visit lies ahead: {visit.day}"))
            continue
        refused = len(run.outcome.refusals)
        form = [known.new(run, patient, one, visit.day, before) for one in visit.form]
        fresh = [one for one in form if one is not None]
        run.outcome.known += len(form) - len(fresh) - (len(run.outcome.refusals) - refused)
        begun = tuple(code for code in visit.begun if code not in has)
        if fresh or begun:
            steps.append(_Step(visit, fresh, begun))
    return steps


def _count(run: Run, story: Story) -> None:
    run.outcome.patients += 1
    for visit in story.visits:
        for column in visit.unclear:
            run.outcome.unclear[column] = run.outcome.unclear.get(column, 0) + 1


# back-load


def _back_load(run: Run, story: Story, patient: Patient, steps: Sequence[_Step]) -> Enrollment | None:
    if not steps:
        return None
    first = _moment(run, steps[0].visit.day)
    try:
        with clock.simulated(first):
            enrollment = flow.enroll(patient, story.pathway, at=first, by=None)
    except errors.Refused as error:
        run.refuse_because(steps[0].visit.line, error)
        return None
    run.outcome.enrolled += 1
    last = steps[0].visit.day
    for step in steps:
        for day in _days_to_judge(run, enrollment, after=last, until=step.visit.day):
            with clock.simulated(_moment(run, day)):
                flow.pass_day(enrollment.pk, at=_moment(run, day))
        last = step.visit.day
        _take(run, enrollment.pk, step, _moment(run, last))
    _silence(enrollment.pk, run.now)
    return enrollment


def _moment(run: Run, day: date) -> datetime:
    """Noon of the day, but never later than now."""
    return min(schedule.noon(day, run.site.time_zone), run.now)


def _days_to_judge(run: Run, enrollment: Enrollment, *, after: date, until: date) -> Iterator[date]:
    """The days between two visits on which a value stops counting, and the day of the next visit."""
    if until == after:
        return
    case = cases.lock(enrollment.pk, at=_moment(run, after), by=None)
    yield from sorted(day for day in _expiries(case.chart(), run) if after < day < until)
    yield until


def _expiries(chart: Chart, run: Run) -> set[date]:
    found = set()
    for code, results in chart.results.items():
        newest = results[-1].day
        valid = run.vocabulary.catalogue.kinds[code].valid
        is_child = chart.birth_date is not None and age_in_years(chart.birth_date, newest) < ADULT_AGE
        days = valid.child if is_child else valid.adult
        if isinstance(days, int):
            found.add(newest + timedelta(days=days + 1))
    return found


def _take(run: Run, enrollment_id: int, step: _Step, at: datetime) -> None:
    """One visit, all of it or nothing: what the patient has from now on, then the form."""
    try:
        with clock.simulated(at), transaction.atomic():
            for code in step.begun:
                flow.start(enrollment_id, code, effective=step.visit.day, at=at, by=None)
            if step.form:
                flow.record(enrollment_id, step.form, at=at, by=None)
    except errors.Refused as error:
        run.refuse_because(step.visit.line, error)
    else:
        run.outcome.stored += len(step.form)
        run.outcome.started += len(step.begun)


def _silence(enrollment_id: int, now: datetime) -> None:
    """Rungs of days that are past are over: nobody hears today of what was due years ago."""
    case = cases.lock(enrollment_id, at=now, by=None)
    if case.enrollment.status in LIVE:
        case.enrollment.quiet_until = case.today
        case.enrollment.keep("quiet_until")
        care_tasks.reckon_rungs(case)
