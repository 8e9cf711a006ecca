"""What rules and accepted proposals ask for (CONVENTIONS 26)."""

from __future__ import annotations

from datetime import date

from pathway.engine.schedule import Period
from pathway.models import CareTask, Episode, TaskGround
from pathway.selectors.cases import Case
from pathway.selectors.definitions import Row
from pathway.services.care_tasks import single


def ask(case: Case, code: str, within: Period, episode: Episode) -> None:
    """A rule asks for it: due on the day of the raise + window, or earlier if it is open already (CONVENTIONS 26)."""
    task = bring_forward(case, code, within.after(case.today), by_rule=True)
    TaskGround.objects.get_or_create(task=task, episode=episode)


def bring_forward(
    case: Case, code: str, due: date, *, row: Row | None = None, by_rule: bool = False, by_person: bool = False
) -> CareTask:
    """Open the task, or take the earlier of both dates."""
    task = single.live(case, code)
    if task is None:
        return single.open_task(case, code, due, row=row, by_rule=by_rule, by_person=by_person)
    task.asked_by_rule = task.asked_by_rule or by_rule
    task.asked_by_person = task.asked_by_person or by_person
    single.set_due(case, task, min(due, task.due_on), "asked_by_rule", "asked_by_person")
    return task
