"""What follows when a result is voided (CONVENTIONS 37, 39)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from pathway import audit
from pathway.engine import schedule
from pathway.models import CareTask, Episode, Observation, TaskStatus
from pathway.selectors import completions
from pathway.selectors.cases import Case
from pathway.services.care_tasks import row_tasks, single


def retract(case: Case, retracted: Collection[Episode]) -> None:
    """Cancel what retracted episodes alone had asked for."""
    for task in list(case.tasks.values()) if retracted else ():
        if rests_on_retracted(task):
            single.cancel(case, task, reason="what asked for it was voided")


def rests_on_retracted(task: CareTask) -> bool:
    """Nobody but rules asked for it, and what they had seen was voided."""
    if task.asked_by_stage or task.asked_by_plan_id is not None or task.asked_by_person:
        return False
    grounds = [ground.episode for ground in task.grounds.select_related("episode")]
    return bool(grounds) and all(one.retracted for one in grounds)


def repoint(case: Case, voided: Observation, replacement: Iterable[Observation]) -> set[str]:
    """A corrected result takes over what the voided one had completed. Returns the activities."""
    results = single.results_of(case, replacement)
    corrected = set()
    for task in CareTask.objects.filter(completed_by=voided.pk):
        activity = case.vocabulary.activities[task.activity_id]
        matching = [r for r in results if completions.counts_for(activity, r)]
        if matching:
            task.completed_by_id, task.closed_on = matching[-1].key, matching[-1].day
            task.keep("completed_by", "closed_on")
            on = {"on": matching[-1].day.isoformat()}
            audit.record("task.completion-corrected", by=case.by, patient=case.patient, subject=task, after=on)
            corrected.add(task.activity_id)
    return corrected


def lay_out_voided(case: Case, voided: Collection[int], last_before: Mapping[str, date | None]) -> None:
    """A completion that rested on a voided result no longer counts (CONVENTIONS 39)."""
    for code, row in row_tasks.kept(case).items():
        task = single.live(case, code)
        if row.record.every is None or row.record.mode != "recurring" or task is None or code not in last_before:
            continue
        last = completions.done(case, case.vocabulary.activities[code]).last
        if last == last_before[code]:
            continue
        due = schedule.next_due(row.record, last) if last is not None else _due_it_had(case, code, voided)
        if due is not None:
            due = max(due, case.today)
            single.set_due(case, task, min(due, task.due_on) if task.asked_by_rule else due)


def _due_it_had(case: Case, code: str, voided: Collection[int]) -> date | None:
    """None left: the due date that the completed task then had."""
    found = CareTask.objects.filter(
        enrollment__patient=case.patient, activity=code, status=TaskStatus.COMPLETED, completed_by__in=voided
    )
    due: date | None = found.order_by("pk").values_list("due_on", flat=True).first()
    return due


def last_done(case: Case, kinds: Collection[str]) -> dict[str, date | None]:
    """The last completion of every activity that results of these kinds complete."""
    activities = case.vocabulary.activities.values()
    return {a.code: completions.done(case, a).last for a in activities if set(a.completed_by) & set(kinds)}
