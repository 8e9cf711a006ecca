"""Tasks are laid out, brought forward, completed and closed (CONVENTIONS 22-28, 37, 39).

At most one task is open per activity. Who asks for it is kept: a schedule row, rules, the plan of
an intervention, or a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import models
from django.db.models import Max

from pathway import audit, errors
from pathway.engine import ladder, rules, schedule
from pathway.engine.chart import Result
from pathway.engine.schedule import Period
from pathway.models import LIVE_TASK, CareTask, Episode, Observation, TaskGround, TaskStatus
from pathway.selectors import completions, plans
from pathway.selectors.cases import Case
from pathway.selectors.definitions import Row
from pathway.vocabulary import BEREAVEMENT, SkipReason

EARLIEST = Period(12, "mo")  # a completion by hand lies no further before the care began


@dataclass(frozen=True, slots=True)
class Closed:
    """A task that was just closed by a result or by hand, and the day that counts."""

    task: CareTask
    day: date


# schedule rows


def lay_out_enrollment(case: Case) -> None:
    """Each row of the initial stages opens one, due on the day of enrolment + first (CONVENTIONS 22)."""
    in_force = rows_in_force(case)
    due = {code: (schedule.first_due(row.record, case.today), row) for code, row in in_force.items()}
    for row in case.version.rows:
        if row.record.mode == "speed-up" and _covers(case, row):
            day = schedule.first_due(row.record, case.today)
            if row.record.activity not in due or day < due[row.record.activity][0]:
                due[row.record.activity] = (day, row)
    tasks = [_new(case, code, day, row=row) for code, (day, row) in due.items()]
    for task in CareTask.objects.bulk_create(tasks):
        _opened(case, task)
    _keep_rows(case, in_force)


def lay_out_again(case: Case, *, entered: Collection[str] = (), known: Mapping[str, Row] | None = None) -> None:
    """Activities whose row changed are laid out again, as on entering a stage (CONVENTIONS 24 and 25).

    `entered` names the stages just entered (for rows that only bring forward); `known` the rows
    that held before, where they are not those of this version.
    """
    before = known if known is not None else _kept_rows(case)
    after = rows_in_force(case)
    kept: list[CareTask] = []
    for code in sorted(before.keys() | after.keys()):
        old, new = before.get(code), after.get(code)
        if old is not None and new is not None and (old.pk == new.pk or old.says_the_same_as(new)):
            _repoint_row(case, code, old, new)
            continue
        if new is not None:
            _lay_out(case, code, new, kept)
        else:
            _drop(case, code)
    for row in case.version.rows:
        if row.record.mode == "speed-up" and set(row.record.stages) & set(entered) and row.record.entry is not None:
            bring_forward(case, row.record.activity, row.record.entry.after(case.today), row=row)
    if kept:
        CareTask.objects.bulk_update(kept, ["row", "asked_by_stage"])
    _drop_left(case, after)
    _keep_rows(case, after)


def rows_in_force(case: Case) -> dict[str, Row]:
    """Per activity the first row that covers an open stay and whose `when` holds on the last known values."""
    found: dict[str, Row] = {}
    reader = case.reader(last_known=True)
    for row in case.version.rows:
        code = row.record.activity
        if code in found or row.record.mode == "speed-up" or not _covers(case, row):
            continue
        if row.when is None or rules.evaluate(row.when, reader, case.judge.judge).value is True:
            found[code] = row
    return found


def _covers(case: Case, row: Row) -> bool:
    stay = case.stays.get(row.record.track)
    return stay is not None and stay.stage.code in row.record.stages


def _kept_rows(case: Case) -> dict[str, Row]:
    by_pk = {row.pk: row for row in case.version.rows}
    return {by_pk[pk].record.activity: by_pk[pk] for pk in case.enrollment.rows_in_force if pk in by_pk}


def _keep_rows(case: Case, rows: Mapping[str, Row]) -> None:
    pks = sorted(row.pk for row in rows.values())
    if pks != case.enrollment.rows_in_force:
        case.enrollment.rows_in_force = pks
        case.enrollment.keep("rows_in_force")


def _lay_out(case: Case, code: str, row: Row, kept: list[CareTask]) -> None:
    """`kept` collects the tasks that only point at another row now."""
    task = _live(case, code)
    if row.record.mode == "once" and task is None and _was_done_in(case, row):
        return
    last = completions.done(case, case.vocabulary.activities[code]).last
    due = schedule.entry_due(row.record, entered=case.today, open_due=task.due_on if task else None, last=last)
    if task is None:
        _open(case, code, due, row=row)
        return
    task.row_id, task.asked_by_stage = row.pk, True
    if due == task.due_on:
        kept.append(task)
    else:
        set_due(case, task, due, "row", "asked_by_stage")


def _drop_left(case: Case, in_force: Mapping[str, Row]) -> None:
    """What only a stage that was left had brought forward is not asked for any more."""
    left = {row.pk for row in case.version.rows if row.record.mode == "speed-up" and not _covers(case, row)}
    for code, task in list(case.tasks.items()):
        if task.row_id in left and code not in in_force:
            _drop(case, code)


def _repoint_row(case: Case, code: str, old: Row, new: Row) -> None:
    """The same row in another version: the open task belongs to the new one."""
    if old.pk != new.pk:
        task = _live(case, code)
        if task is not None:
            task.row_id, task.asked_by_stage = new.pk, True
            task.keep("row", "asked_by_stage")


def _was_done_in(case: Case, row: Row) -> bool:
    """`once`: not again for a stage in which it was completed before."""
    done = CareTask.objects.filter(
        enrollment__patient=case.patient,
        activity=row.record.activity,
        status=TaskStatus.COMPLETED,
        row__first_stage__code=row.record.stages[0],
        row__last_stage__code=row.record.stages[-1],
    )
    return bool(done.exists())


def _drop(case: Case, code: str) -> None:
    """No row schedules it any more: cancelled, unless a rule or a person alone had asked for it (CONVENTIONS 24)."""
    task = _live(case, code)
    if task is None or not task.asked_by_stage:
        return
    if task.asked_by_plan_id is not None:
        task.asked_by_stage, task.row = False, None
        task.keep("asked_by_stage", "row")
    else:
        cancel(case, task, reason="the present stage does not ask for it")


# rules, proposals, interventions


def ask(case: Case, code: str, within: Period, episode: Episode) -> None:
    """A rule asks for it: due on the day of the raise + window, or earlier if it is open already (CONVENTIONS 26)."""
    task = bring_forward(case, code, within.after(case.today), by_rule=True)
    TaskGround.objects.get_or_create(task=task, episode=episode)


def bring_forward(
    case: Case, code: str, due: date, *, row: Row | None = None, by_rule: bool = False, by_person: bool = False
) -> CareTask:
    """Open the task, or take the earlier of both dates."""
    task = _live(case, code)
    if task is None:
        return _open(case, code, due, row=row, by_rule=by_rule, by_person=by_person)
    task.asked_by_rule = task.asked_by_rule or by_rule
    task.asked_by_person = task.asked_by_person or by_person
    set_due(case, task, min(due, task.due_on), "asked_by_rule", "asked_by_person")
    return task


def follow_plans(
    case: Case, wanted: Mapping[str, plans.Wanted], new: Iterable[Observation] = (), *, voided: Collection[str] = ()
) -> None:
    """Bring the tasks of calendars and series in step with what their plans ask for now.

    A calendar's task is completed by the new result that moved its plan on. `voided` names the kinds
    of results just voided: plans that counted them are laid out again, no date before today.
    """
    results = _results(case, new)
    codes = {c.activity for c in case.vocabulary.calendars}
    for task in [task for code, task in case.tasks.items() if code in codes]:
        ask = wanted.get(task.activity_id)
        matching = [r for r in results if completions.counts_for(case.vocabulary.activities[task.activity_id], r)]
        moved_on = ask is None or ask.label != task.label or (not ask.label and ask.due > task.due_on)
        if matching and moved_on:
            _close_by_result(case, task, max(matching, key=lambda r: (r.day, r.at, r.order)))
        elif ask is None:
            cancel(case, task, reason="its calendar has ended")
    for one in wanted.values():
        counted = set(case.vocabulary.activities[one.activity].completed_by)
        _follow_plan(case, one, not_before=case.today if counted & set(voided) else None)


def _follow_plan(case: Case, ask: plans.Wanted, *, not_before: date | None) -> None:
    task = _live(case, ask.activity)
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
    set_due(case, task, due)
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
    task = _live(case, ask.activity)
    if task is None:
        return _open(case, ask.activity, ask.due, intervention_id=ask.intervention_id, label=ask.label, opens=ask.opens)
    if ask.due < task.due_on:
        set_due(case, task, ask.due)
    return task


def close_dose(case: Case, code: str, day: date) -> None:
    """The dose that the task asked for was given."""
    task = _live(case, code) if code else None
    if task is not None:
        task.complete()
        _close(case, task, day)
        audit.record("task.completed", by=case.by, patient=case.patient, subject=task, after={"on": day.isoformat()})


def reckon_rungs(case: Case) -> None:
    """After a hold: rungs of the days on hold are over."""
    for task in case.tasks.values():
        task.next_rung_at = next_rung_at(case, task)
        task.keep("next_rung_at")


def cancel_labs(case: Case, code: str) -> None:
    """The dose is given: tests that were to come before it are not asked for any more."""
    task = _live(case, code) if code else None
    if task is not None:
        cancel(case, task, reason="the dose was given")


def cancel_plans(case: Case, intervention_id: int, activities: Collection[str] | None = None) -> None:
    """What the plan of an intervention asked for: these activities, or all of them."""
    for task in list(case.tasks.values()):
        is_named = activities is None or task.activity_id in activities
        if task.asked_by_plan_id == intervention_id and is_named:
            cancel(case, task, reason="the intervention was stopped")


# closing


def complete_by(case: Case, rows: Iterable[Observation], *, apart_from: Collection[str] = ()) -> list[Closed]:
    """Close what these new results complete (CONVENTIONS 27). What follows is laid out by `go_on`.

    `apart_from` names activities whose earlier completion these results only correct.
    """
    new = _results(case, rows)
    closed: list[Closed] = []
    if not new:
        return closed
    for task in [task for code, task in case.tasks.items() if code not in apart_from]:
        activity = case.vocabulary.activities[task.activity_id]
        matching = [r for r in new if completions.counts_for(activity, r) and _is_for(case, task, r, new)]
        if matching:
            newest = max(matching, key=lambda r: (r.day, r.at, r.order))
            _close_by_result(case, task, newest)
            closed.append(Closed(task, newest.day))
    return closed


def complete(case: Case, task: CareTask, *, effective: date, outcome: str = "") -> Closed:
    """By hand. Raises Conflict if somebody closed it before."""
    _check_live(case, task, effective)
    task.complete()
    task.outcome = outcome[:40]
    _close(case, task, effective, "outcome")
    audit.record("task.completed", by=case.by, patient=case.patient, subject=task, after={"on": effective.isoformat()})
    return Closed(task, effective)


def skip(case: Case, task: CareTask, *, reason: str, effective: date) -> Closed:
    """Not done, for one of four reasons; the next one counts from that day."""
    if reason not in SkipReason.values:
        raise errors.NotAllowed("not-allowed", f"Skipping needs one of: {', '.join(SkipReason.values)}", "reason")
    _check_live(case, task, effective)
    task.skip()
    task.skip_reason = reason
    _close(case, task, effective, "skip_reason")
    audit.record("task.skipped", by=case.by, patient=case.patient, subject=task, reason=reason)
    return Closed(task, effective)


def go_on(case: Case, closed: Iterable[Closed]) -> None:
    """After a completion or skip the next one is due from the last of them (CONVENTIONS 23)."""
    rows = _kept_rows(case)
    for one in closed:
        code = one.task.activity_id
        row = rows.get(code)
        if row is None or row.record.every is None or row.record.mode != "recurring" or code in case.tasks:
            continue
        last = completions.done(case, case.vocabulary.activities[code]).last or one.day
        _open(case, code, schedule.next_due(row.record, last), row=row)


def cancel(case: Case, task: CareTask, *, reason: str, by_death: bool = False) -> None:
    task.cancel()
    task.close_reason, task.cancelled_by_death = reason, by_death
    task.closed_at, task.closed_by, task.next_rung_at = case.at, case.by, None
    task.keep("status", "close_reason", "cancelled_by_death", "closed_at", "closed_by", "next_rung_at")
    case.tasks.pop(task.activity_id, None)
    audit.record("task.cancelled", by=case.by, patient=case.patient, subject=task, reason=reason)


def cancel_all(case: Case, *, reason: str, by_death: bool = False) -> None:
    for task in list(case.tasks.values()):
        cancel(case, task, reason=reason, by_death=by_death)


def close_decisions(case: Case, codes: Iterable[str], *, outcome: str) -> list[Closed]:
    """What an intervention or a decided proposal settles."""
    live = [task for code in codes if (task := _live(case, code)) is not None]
    return [complete(case, task, effective=case.today, outcome=outcome) for task in live]


# people


def reassign(case: Case, task: CareTask, *, to: str) -> None:
    """Another role has it now; reminders go there."""
    if to not in {role.code for role in case.vocabulary.roles} or to == "admin":
        raise errors.NotAllowed("not-allowed", f"There is no role {to!r} for tasks", "to")
    _check_live(case, task, case.today)
    before, task.owner = task.owner, to
    task.assignee = None
    task.keep("owner", "assignee")
    audit.record(
        "task.reassigned", by=case.by, patient=case.patient, subject=task, before={"owner": before}, after={"owner": to}
    )


def snooze(case: Case, task: CareTask, *, until: date, reason: str) -> None:
    """The ladder pauses until that day; the due date stays what it is."""
    _check_live(case, task, case.today)
    if not reason.strip():
        raise errors.NotAllowed("not-allowed", "Snoozing needs a reason", "reason")
    if until <= case.today:
        raise errors.NotAllowed("not-allowed", "A task is snoozed until a later day", "until")
    task.snoozed_until, task.snooze_reason = until, reason
    task.next_rung_at = next_rung_at(case, task)
    task.keep("snoozed_until", "snooze_reason", "next_rung_at")
    audit.record("task.snoozed", by=case.by, patient=case.patient, subject=task, reason=reason)


# retraction and death


def retract(case: Case, retracted: Collection[Episode]) -> None:
    """Cancel what retracted episodes alone had asked for."""
    for task in list(case.tasks.values()) if retracted else ():
        if _rests_on_retracted(task):
            cancel(case, task, reason="what asked for it was voided")


def _rests_on_retracted(task: CareTask) -> bool:
    """Nobody but rules asked for it, and what they had seen was voided."""
    if task.asked_by_stage or task.asked_by_plan_id is not None or task.asked_by_person:
        return False
    grounds = [ground.episode for ground in task.grounds.select_related("episode")]
    return bool(grounds) and all(one.retracted for one in grounds)


def repoint(case: Case, voided: Observation, replacement: Iterable[Observation]) -> set[str]:
    """A corrected result takes over what the voided one had completed. Returns the activities."""
    results = _results(case, replacement)
    corrected = set()
    for task in CareTask.objects.filter(completed_by=voided.pk):
        activity = case.vocabulary.activities[task.activity_id]
        matching = [r for r in results if completions.counts_for(activity, r)]
        if matching:
            task.completed_by_id, task.closed_on = matching[-1].key, matching[-1].day
            task.keep("completed_by", "closed_on")
            corrected.add(task.activity_id)
    return corrected


def lay_out_voided(case: Case, voided: Collection[int], last_before: Mapping[str, date | None]) -> None:
    """A completion that rested on a voided result no longer counts (CONVENTIONS 39)."""
    for code, row in _kept_rows(case).items():
        task = _live(case, code)
        if row.record.every is None or row.record.mode != "recurring" or task is None or code not in last_before:
            continue
        last = completions.done(case, case.vocabulary.activities[code]).last
        if last == last_before[code]:
            continue
        due = schedule.next_due(row.record, last) if last is not None else _due_it_had(case, code, voided)
        if due is not None:
            due = max(due, case.today)
            set_due(case, task, min(due, task.due_on) if task.asked_by_rule else due)


def last_done(case: Case, kinds: Collection[str]) -> dict[str, date | None]:
    """The last completion of every activity that results of these kinds complete."""
    activities = case.vocabulary.activities.values()
    return {a.code: completions.done(case, a).last for a in activities if set(a.completed_by) & set(kinds)}


def restore_after_death(case: Case) -> None:
    """Tasks come back with the due dates they had."""
    for task in CareTask.objects.filter(
        enrollment=case.enrollment, status=TaskStatus.CANCELLED, cancelled_by_death=True
    ):
        if _rests_on_retracted(task):
            continue
        task.restore()
        task.cancelled_by_death, task.close_reason = False, ""
        task.closed_at, task.closed_by = None, None
        task.due_set_on = case.today
        task.next_rung_at = next_rung_at(case, task)
        task.keep(
            "status", "cancelled_by_death", "close_reason", "closed_at", "closed_by", "due_set_on", "next_rung_at"
        )
        audit.record("task.restored", by=case.by, patient=case.patient, subject=task, reason="death reversed")
    case.forget_open_work()


def open_bereavement(case: Case, due: date) -> CareTask:
    return _open(case, BEREAVEMENT, due, by_person=True)


def cancel_bereavement(case: Case) -> None:
    task = _live(case, BEREAVEMENT)
    if task is not None:
        cancel(case, task, reason="the death was recorded by mistake")


def carry(case: Case, target: Case) -> None:
    """To the patient's new pathway: open tasks go along; what nothing there asks for is dropped by the new layout."""
    for task in case.tasks.values():
        task.enrollment = target.enrollment
        task.occurrence = 1
        task.row = None
        task.keep("enrollment", "occurrence", "row")
    case.forget_open_work()
    target.forget_open_work()


# dates of one task


def set_due(case: Case, task: CareTask, due: date, *also: str) -> None:
    """Move the due date; rungs whose day has come already are not sent later (CONVENTIONS 32).

    `also` names other fields of the task that were changed and go into the same statement.
    """
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


def next_rung_at(case: Case, task: CareTask) -> datetime | None:
    """The instant of the next rung: its day at the site's reminder time."""
    activity = case.vocabulary.activities[task.activity_id]
    after = max(day for day in (task.due_set_on, case.enrollment.quiet_until) if day is not None)
    found = ladder.next_rung(task.due_on, case.vocabulary.ladders[activity.ladder], after, task.snoozed_until)
    if found is None:
        return None
    return schedule.instant(found[1], case.site.reminder_time, case.site.time_zone)


def _open(
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
) -> CareTask:
    task = _new(
        case,
        code,
        due,
        row=row,
        by_rule=by_rule,
        by_person=by_person,
        intervention_id=intervention_id,
        label=label,
        opens=opens,
    )
    task.occurrence = _next_occurrence(case, code)
    task.save()
    return _opened(case, task)


def _new(
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
) -> CareTask:
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
        due_on=due,
        window_opens_on=opens,
        due_set_on=case.today,
    )
    task.next_rung_at = next_rung_at(case, task)
    return task


def _opened(case: Case, task: CareTask) -> CareTask:
    case.tasks[task.activity_id] = task
    due = {"due": task.due_on.isoformat()}
    audit.record("task.opened", by=case.by, patient=case.patient, subject=task, after=due)
    return task


def _next_occurrence(case: Case, code: str) -> int:
    last = CareTask.objects.filter(enrollment=case.enrollment, activity=code).aggregate(Max("occurrence"))
    return int(last["occurrence__max"] or 0) + 1


def _live(case: Case, code: str) -> CareTask | None:
    return case.tasks.get(code)


def _results(case: Case, rows: Iterable[Observation]) -> list[Result]:
    keys = {row.pk for row in rows}
    return [r for found in case.chart().results.values() for r in found if r.key in keys]


def _is_for(case: Case, task: CareTask, result: Result, new: list[Result]) -> bool:
    """A recurring task takes any result later than the last completion; others none older than the task."""
    if task.asked_by_plan_id is not None and not task.asked_by_stage:
        if task.activity_id in {calendar.activity for calendar in case.vocabulary.calendars}:
            return False  # a calendar decides by its dates, see follow_plans
        return result.day >= max(task.opened_on, task.window_opens_on or task.opened_on)
    row = _kept_rows(case).get(task.activity_id)
    if row is not None and row.record.mode == "recurring":
        activity = case.vocabulary.activities[task.activity_id]
        last = completions.done(case, activity, without={r.key for r in new}).last
        return result.day >= case.enrollment.care_since and (last is None or result.day > last)
    return result.day >= task.opened_on or bool(case.reader().is_constant(result))


def _close_by_result(case: Case, task: CareTask, result: Result) -> None:
    task.complete()
    task.completed_by_id = result.key
    _close(case, task, result.day, "completed_by")
    audit.record("task.completed", by=case.by, patient=case.patient, subject=task, after={"on": result.day.isoformat()})


def _close(case: Case, task: CareTask, day: date, *more: str) -> None:
    task.closed_at, task.closed_on, task.closed_by, task.next_rung_at = case.at, day, case.by, None
    task.keep("status", "closed_at", "closed_on", "closed_by", "next_rung_at", *more)
    case.tasks.pop(task.activity_id, None)
    case.changed("completed", *([] if task.completed_by_id else ["done"]))


def _check_live(case: Case, task: CareTask, effective: date) -> None:
    if task.status not in LIVE_TASK:
        raise errors.Conflict("not-allowed", f"This task is {task.get_status_display()} already")
    if effective > case.today:
        raise errors.InvalidEntry("implausible", "The day lies ahead", "effective")
    if effective < EARLIEST.before(case.enrollment.care_since):
        raise errors.InvalidEntry("implausible", f"The day lies more than {EARLIEST} before care began", "effective")


def _due_it_had(case: Case, code: str, voided: Collection[int]) -> date | None:
    """None left: the due date that the completed task then had."""
    found = CareTask.objects.filter(
        enrollment__patient=case.patient, activity=code, status=TaskStatus.COMPLETED, completed_by__in=voided
    )
    due: date | None = found.order_by("pk").values_list("due_on", flat=True).first()
    return due
