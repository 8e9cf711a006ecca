"""What the calendars and series of interventions ask for (CONVENTIONS 28-30)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from django.db import models

from pathway import audit
from pathway.engine.chart import Result
from pathway.models import CareTask, Observation, TaskStatus
from pathway.selectors import completions, plans
from pathway.selectors.cases import Case
from pathway.services.care_tasks import single


def follow_plans(
    case: Case, wanted: Mapping[str, plans.Wanted], new: Iterable[Observation] = (), *, voided: Collection[str] = ()
) -> None:
    """Bring the tasks of calendars and series in step with what their plans ask for now.

    A calendar's task is completed by the new result that moved its plan on. `voided` names the kinds
    of results just voided: plans that counted them are laid out again, no date before today.
    """
    results = single.results_of(case, new)
    codes = {c.activity for c in case.vocabulary.calendars}
    for task in [task for code, task in case.tasks.items() if code in codes]:
        ask = wanted.get(task.activity_id)
        matching = [r for r in results if completions.counts_for(case.vocabulary.activities[task.activity_id], r)]
        moved_on = ask is None or ask.label != task.label or (not ask.label and _recurred(case, ask, task, matching))
        if matching and moved_on:
            single.close_by_result(case, task, max(matching, key=lambda r: (r.day, r.at, r.order)))
        elif ask is None:
            single.cancel(case, task, reason="its calendar has ended")
    for one in wanted.values():
        counted = set(case.vocabulary.activities[one.activity].completed_by)
        _follow_plan(case, one, not_before=case.today if counted & set(voided) else None)


def _recurred(case: Case, ask: plans.Wanted, task: CareTask, matching: Iterable[Result]) -> bool:
    """Whether what is asked for now is the next one, and not the one that the task is for."""
    if case.moves_days(ask.activity):  # two due days of one occurrence may differ then
        return any(result.day == ask.since for result in matching)
    return ask.due > task.due_on


def _follow_plan(case: Case, ask: plans.Wanted, *, not_before: date | None) -> None:
    task = single.live(case, ask.activity)
    if task is None:
        if not _was_closed_for(case, ask):
            plan(case, _asked_again(case, ask))
        return
    is_same = (task.label, task.asked_by_plan_id) == (ask.label, ask.intervention_id)
    if is_same and not_before is None:
        return  # laid out before, and perhaps moved since by a rule or a voiding
    due = ask.due if not_before is None or ask.due >= task.due_on else max(ask.due, not_before)
    if (task.label, task.asked_by_plan_id, task.window_opens_on) != (ask.label, ask.intervention_id, ask.opens):
        task.label, task.asked_by_plan_id, task.window_opens_on = ask.label, ask.intervention_id, None
        task.keep("label", "asked_by_plan", "window_opens_on")
    single.set_due(case, task, due, window=ask.window)
    if task.window_opens_on != ask.opens:
        task.window_opens_on = ask.opens
        task.keep("window_opens_on")


def _was_closed_for(case: Case, ask: plans.Wanted) -> bool:
    """Laboratory tests before a dose, done or skipped already. A dose itself is asked for until it is recorded."""
    labs = {kind.series.labs for kind in case.vocabulary.interventions.values() if kind.series is not None}
    return ask.activity in labs and _closed_for(ask).exists()


def _asked_again(case: Case, ask: plans.Wanted) -> plans.Wanted:
    """A dose whose task was closed by hand without the dose being recorded comes again, from tomorrow on."""
    if not ask.label or not _closed_for(ask).filter(closed_on=case.today).exists():
        return ask
    return replace(ask, due=max(ask.due, case.today + timedelta(days=1)))


def _closed_for(ask: plans.Wanted) -> models.QuerySet[CareTask]:
    found: models.QuerySet[CareTask] = CareTask.objects.filter(
        activity=ask.activity,
        asked_by_plan=ask.intervention_id,
        label=ask.label,
        status__in=(TaskStatus.COMPLETED, TaskStatus.SKIPPED),
    )
    return found


def plan(case: Case, ask: plans.Wanted) -> CareTask:
    """The plan of an intervention asks for it: open it on exactly that date, or take the earlier of both."""
    task = single.live(case, ask.activity)
    if task is None:
        return single.open_task(
            case,
            ask.activity,
            ask.due,
            intervention_id=ask.intervention_id,
            label=ask.label,
            opens=ask.opens,
            window=ask.window,
        )
    if ask.due < task.due_on:
        single.set_due(case, task, ask.due, window=ask.window)
    return task


def close_dose(case: Case, code: str, day: date) -> None:
    """The dose that the task asked for was given."""
    task = single.live(case, code) if code else None
    if task is not None:
        task.complete()
        single.close(case, task, day)
        audit.record("task.completed", by=case.by, patient=case.patient, subject=task, after={"on": day.isoformat()})


def cancel_labs(case: Case, code: str) -> None:
    """The dose is given: tests that were to come before it are not asked for any more."""
    task = single.live(case, code) if code else None
    if task is not None:
        single.cancel(case, task, reason="the dose was given")


def cancel_plans(case: Case, intervention_id: int, activities: Collection[str] | None = None) -> None:
    """What the plan of an intervention asked for: these activities, or all of them."""
    for task in list(case.tasks.values()):
        is_named = activities is None or task.activity_id in activities
        if task.asked_by_plan_id == intervention_id and is_named:
            single.cancel(case, task, reason="the intervention was stopped")
