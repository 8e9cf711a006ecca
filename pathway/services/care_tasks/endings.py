"""Death, its reversal, and a change of pathway (CONVENTIONS 40, 42)."""

from __future__ import annotations

from datetime import date

from pathway import audit
from pathway.models import CareTask, TaskStatus
from pathway.selectors.cases import Case
from pathway.services.care_tasks import single, voiding
from pathway.vocabulary import BEREAVEMENT


def restore_after_death(case: Case) -> None:
    """Tasks come back with the due dates they had."""
    for task in CareTask.objects.filter(
        enrollment=case.enrollment, status=TaskStatus.CANCELLED, cancelled_by_death=True
    ):
        if voiding.rests_on_retracted(task):
            continue
        task.restore()
        task.cancelled_by_death, task.close_reason = False, ""
        task.closed_at, task.closed_by = None, None
        task.due_set_on = case.today
        task.next_rung_at = single.next_rung_at(case, task)
        task.keep(
            "status", "cancelled_by_death", "close_reason", "closed_at", "closed_by", "due_set_on", "next_rung_at"
        )
        audit.record("task.restored", by=case.by, patient=case.patient, subject=task, reason="death reversed")
    case.forget_open_work()


def open_bereavement(case: Case, due: date) -> CareTask:
    return single.open_task(case, BEREAVEMENT, due, by_person=True)


def cancel_bereavement(case: Case) -> None:
    task = single.live(case, BEREAVEMENT)
    if task is not None:
        single.cancel(case, task, reason="the death was recorded by mistake")


def carry(case: Case, target: Case) -> None:
    """To the patient's new pathway: open tasks go along; what nothing there asks for is dropped by the new layout."""
    for task in case.tasks.values():
        task.enrollment = target.enrollment
        task.occurrence = 1
        task.row = None
        task.keep("enrollment", "occurrence", "row")
    case.forget_open_work()
    target.forget_open_work()
