"""Tasks are completed, skipped, handed on and put off (CONVENTIONS 23, 27)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from pathway import audit, errors
from pathway.engine import schedule
from pathway.engine.chart import Result
from pathway.models import CareTask, Observation
from pathway.selectors import completions
from pathway.selectors.cases import Case
from pathway.services.care_tasks import row_tasks, single
from pathway.vocabulary import SkipReason


def complete_by(case: Case, rows: Iterable[Observation], *, apart_from: Collection[str] = ()) -> list[single.Closed]:
    """Close what these new results complete (CONVENTIONS 27). What follows is laid out by `go_on`.

    `apart_from` names activities whose earlier completion these results only correct.
    """
    new = single.results_of(case, rows)
    closed: list[single.Closed] = []
    if not new:
        return closed
    for task in [task for code, task in case.tasks.items() if code not in apart_from]:
        activity = case.vocabulary.activities[task.activity_id]
        matching = [r for r in new if completions.counts_for(activity, r) and _is_for(case, task, r, new)]
        if matching:
            newest = max(matching, key=lambda r: (r.day, r.at, r.order))
            single.close_by_result(case, task, newest)
            closed.append(single.Closed(task, newest.day))
    return closed


def _is_for(case: Case, task: CareTask, result: Result, new: list[Result]) -> bool:
    """A recurring task takes any result later than the last completion; others none older than the task."""
    if task.asked_by_plan_id is not None and not task.asked_by_stage:
        if task.activity_id in {calendar.activity for calendar in case.vocabulary.calendars}:
            return False  # a calendar decides by its dates, see follow_plans
        return result.day >= max(task.opened_on, task.window_opens_on or task.opened_on)
    row = row_tasks.kept(case).get(task.activity_id)
    if row is not None and row.record.mode == "recurring":
        activity = case.vocabulary.activities[task.activity_id]
        last = completions.done(case, activity, without={r.key for r in new}).last
        return result.day >= case.enrollment.care_since and (last is None or result.day > last)
    return result.day >= task.opened_on or bool(case.reader().is_constant(result))


def complete(case: Case, task: CareTask, *, effective: date, outcome: str = "") -> single.Closed:
    """By hand. Raises Conflict if somebody closed it before."""
    single.check_live(case, task, effective)
    task.complete()
    task.outcome = outcome[:40]
    single.close(case, task, effective, "outcome")
    audit.record("task.completed", by=case.by, patient=case.patient, subject=task, after={"on": effective.isoformat()})
    return single.Closed(task, effective)


def skip(case: Case, task: CareTask, *, reason: str, effective: date) -> single.Closed:
    """Not done, for one of four reasons; the next one counts from that day."""
    if reason not in SkipReason.values:
        raise errors.NotAllowed("not-allowed", f"Skipping needs one of: {', '.join(SkipReason.values)}", "reason")
    single.check_live(case, task, effective)
    task.skip()
    task.skip_reason = reason
    single.close(case, task, effective, "skip_reason")
    audit.record("task.skipped", by=case.by, patient=case.patient, subject=task, reason=reason)
    return single.Closed(task, effective)


def go_on(case: Case, closed: Iterable[single.Closed]) -> None:
    """After a completion or skip the next one is due from the last of them (CONVENTIONS 23)."""
    rows = row_tasks.kept(case)
    for one in closed:
        code = one.task.activity_id
        row = rows.get(code)
        if row is None or row.record.every is None or row.record.mode != "recurring" or code in case.tasks:
            continue
        last = completions.done(case, case.vocabulary.activities[code]).last or one.day
        single.open_task(case, code, schedule.next_due(row.record, last), row=row)


def cancel_all(case: Case, *, reason: str, by_death: bool = False) -> None:
    for task in list(case.tasks.values()):
        single.cancel(case, task, reason=reason, by_death=by_death)


def close_decisions(case: Case, codes: Iterable[str], *, outcome: str) -> list[single.Closed]:
    """What an intervention or a decided proposal settles."""
    live = [task for code in codes if (task := single.live(case, code)) is not None]
    return [complete(case, task, effective=case.today, outcome=outcome) for task in live]


def reassign(case: Case, task: CareTask, *, to: str) -> None:
    """Another role has it now; reminders go there."""
    if to not in {role.code for role in case.vocabulary.roles} or to == "admin":
        raise errors.NotAllowed("not-allowed", f"There is no role {to!r} for tasks", "to")
    single.check_live(case, task, case.today)
    before, task.owner = task.owner, to
    task.assignee = None
    task.keep("owner", "assignee")
    audit.record(
        "task.reassigned", by=case.by, patient=case.patient, subject=task, before={"owner": before}, after={"owner": to}
    )


def snooze(case: Case, task: CareTask, *, until: date, reason: str) -> None:
    """The ladder pauses until that day; the due date stays what it is."""
    single.check_live(case, task, case.today)
    if not reason.strip():
        raise errors.NotAllowed("not-allowed", "Snoozing needs a reason", "reason")
    case.check_ahead(until, "until")
    if until <= case.today:
        raise errors.NotAllowed("not-allowed", "A task is snoozed until a later day", "until")
    task.snoozed_until, task.snooze_reason = until, reason
    task.next_rung_at = single.next_rung_at(case, task)
    task.keep("snoozed_until", "snooze_reason", "next_rung_at")
    audit.record("task.snoozed", by=case.by, patient=case.patient, subject=task, reason=reason)


def reckon_rungs(case: Case) -> None:
    """After a hold: rungs of the days on hold are over."""
    for task in case.tasks.values():
        task.next_rung_at = single.next_rung_at(case, task)
        task.keep("next_rung_at")
