"""One task: how it is opened, moved, closed and cancelled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from pathway import audit, errors
from pathway.engine import ladder, schedule
from pathway.engine.chart import Result
from pathway.engine.schedule import Period
from pathway.models import LIVE_TASK, CareTask, Observation
from pathway.selectors import texts
from pathway.selectors.cases import Case
from pathway.selectors.definitions import Row

Window = tuple[date | None, date | None]  # the first and the last day between which a due day may move
NO_WINDOW: Window = (None, None)
EARLIEST = Period(12, "mo")  # a completion by hand lies no further before the care began


@dataclass(frozen=True, slots=True)
class Closed:
    """A task that was just closed by a result or by hand, and the day that counts."""

    task: CareTask
    day: date


def set_due(case: Case, task: CareTask, due: date, *also: str, window: Window = NO_WINDOW) -> None:
    """Move the due date; rungs whose day has come already are not sent later (CONVENTIONS 32).

    `also` names other fields of the task that were changed and go into the same statement. The day moves off days
    without clinic as the site wants it, within the window; a task that is brought forward never moves back, and one
    whose day is not asked to change stays.
    """
    if due != task.due_on:
        due = _on_a_clinic_day(case, task, due, window)
    if due == task.due_on:
        if also:
            task.keep(*also)
        return
    before, task.due_on = task.due_on, due
    if task.window_opens_on is not None and task.window_opens_on > due:
        task.window_opens_on = None
    task.due_set_on = case.today
    task.next_rung_at = next_rung_at(case, task)
    task.keep("due_on", "window_opens_on", "due_set_on", "next_rung_at", *also)
    dates = {"due": before.isoformat()}, {"due": due.isoformat()}
    audit.record("task.moved", by=case.by, patient=case.patient, subject=task, before=dates[0], after=dates[1])


def _on_a_clinic_day(case: Case, task: CareTask, due: date, window: Window) -> date:
    first, last = window
    opens = task.window_opens_on
    if opens is not None and opens <= due:  # which else is no window any more
        first, last = max(first or opens, opens), min(last or due, due)
    if due < task.due_on:
        last = min(last or task.due_on, task.due_on)
    return case.shifted(task.activity_id, due, first, last)


def next_rung_at(case: Case, task: CareTask) -> datetime | None:
    """The instant of the next rung: its day at the site's reminder time."""
    after = max(day for day in (task.due_set_on, case.enrollment.quiet_until) if day is not None)
    found = ladder.next_rung(task.due_on, case.rungs(task.activity_id), after, task.snoozed_until)
    if found is None:
        return None
    return schedule.instant(found[1], case.site.reminder_time, case.site.time_zone)


def open_task(
    case: Case,
    code: str,
    due: date,
    *,
    row: Row | None = None,
    by_rule: bool = False,
    by_person: bool = False,
    intervention_id: int | None = None,
    label: str = "",
    opens: date | None = None,
    window: Window = NO_WINDOW,
) -> CareTask:
    task = new(
        case,
        code,
        due,
        row=row,
        by_rule=by_rule,
        by_person=by_person,
        intervention_id=intervention_id,
        label=label,
        opens=opens,
        window=window,
    )
    task.occurrence = next_occurrence(case, code)
    task.save()
    return opened(case, task)


def new(
    case: Case,
    code: str,
    due: date,
    *,
    row: Row | None = None,
    by_rule: bool = False,
    by_person: bool = False,
    intervention_id: int | None = None,
    label: str = "",
    opens: date | None = None,
    window: Window = NO_WINDOW,
) -> CareTask:
    """Not stored yet. The day moves off days without clinic, within what `window` allows and after `opens`."""
    first, last = (opens, due) if opens is not None else window
    task: CareTask = CareTask(
        enrollment=case.enrollment,
        activity_id=code,
        occurrence=1,
        row_id=row.pk if row else None,
        asked_by_stage=row is not None,
        asked_by_rule=by_rule,
        asked_by_person=by_person,
        asked_by_plan_id=intervention_id,
        label=label,
        owner=case.vocabulary.activities[code].owner,
        opened_at=case.at,
        opened_on=case.today,
        due_on=case.shifted(code, due, first, last),
        window_opens_on=opens,
        due_set_on=case.today,
    )
    task.next_rung_at = next_rung_at(case, task)
    return task


def opened(case: Case, task: CareTask) -> CareTask:
    case.tasks[task.activity_id] = task
    due = {"due": task.due_on.isoformat()}
    audit.record("task.opened", by=case.by, patient=case.patient, subject=task, after=due)
    return task


def next_occurrence(case: Case, code: str) -> int:
    last = "SELECT coalesce(max(occurrence), 0) FROM pathway_caretask WHERE enrollment_id = %s AND activity_id = %s"
    return int(texts.rows(last, [case.enrollment.pk, code])[0][0]) + 1


def live(case: Case, code: str) -> CareTask | None:
    return case.tasks.get(code)


def cancel(case: Case, task: CareTask, *, reason: str, by_death: bool = False) -> None:
    task.cancel()
    task.close_reason, task.cancelled_by_death = reason, by_death
    task.closed_at, task.closed_by, task.next_rung_at = case.at, case.by, None
    task.keep("status", "close_reason", "cancelled_by_death", "closed_at", "closed_by", "next_rung_at")
    case.tasks.pop(task.activity_id, None)
    audit.record("task.cancelled", by=case.by, patient=case.patient, subject=task, reason=reason)


def close_by_result(case: Case, task: CareTask, result: Result) -> None:
    task.complete()
    task.completed_by_id = result.key
    close(case, task, result.day, "completed_by")
    audit.record("task.completed", by=case.by, patient=case.patient, subject=task, after={"on": result.day.isoformat()})


def close(case: Case, task: CareTask, day: date, *more: str) -> None:
    task.closed_at, task.closed_on, task.closed_by, task.next_rung_at = case.at, day, case.by, None
    task.keep("status", "closed_at", "closed_on", "closed_by", "next_rung_at", *more)
    case.tasks.pop(task.activity_id, None)
    case.changed("completed", *([] if task.completed_by_id else ["done"]))


def check_live(case: Case, task: CareTask, effective: date) -> None:
    if task.status not in LIVE_TASK:
        raise errors.Conflict("not-allowed", f"This task is {task.get_status_display()} already")
    if effective > case.today:
        raise errors.InvalidEntry("implausible", "The day lies ahead", "effective")
    if effective < EARLIEST.before(case.enrollment.care_since):
        raise errors.InvalidEntry("implausible", f"The day lies more than {EARLIEST} before care began", "effective")


def results_of(case: Case, rows: Iterable[Observation]) -> list[Result]:
    keys = {row.pk for row in rows}
    return [r for found in case.chart().results.values() for r in found if r.key in keys]
