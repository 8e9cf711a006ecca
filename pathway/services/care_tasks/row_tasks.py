"""Schedule rows become tasks, at enrolment and when another row comes to hold (CONVENTIONS 22, 24, 25)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pathway.engine import rules, schedule
from pathway.models import CareTask, TaskStatus
from pathway.selectors import completions
from pathway.selectors.cases import Case
from pathway.selectors.definitions import Row
from pathway.services.care_tasks import asking, single


def lay_out_enrollment(case: Case) -> None:
    """Each row of the initial stages opens one, due on the day of enrolment + first (CONVENTIONS 22)."""
    in_force = rows_in_force(case)
    due = {code: (schedule.first_due(row.record, case.today), row) for code, row in in_force.items()}
    for row in case.version.rows:
        if row.record.mode == "speed-up" and _covers(case, row):
            day = schedule.first_due(row.record, case.today)
            if row.record.activity not in due or day < due[row.record.activity][0]:
                due[row.record.activity] = (day, row)
    tasks = [single.new(case, code, day, row=row) for code, (day, row) in due.items()]
    for task in CareTask.objects.bulk_create(tasks):
        single.opened(case, task)
    _keep_rows(case, in_force)


def lay_out_again(case: Case, *, entered: Collection[str] = (), known: Mapping[str, Row] | None = None) -> None:
    """Activities whose row changed are laid out again, as on entering a stage (CONVENTIONS 24 and 25).

    `entered` names the stages just entered (for rows that only bring forward); `known` the rows
    that held before, where they are not those of this version.
    """
    before = known if known is not None else kept(case)
    after = rows_in_force(case)
    pointing: list[CareTask] = []
    for code in sorted(before.keys() | after.keys()):
        old, new = before.get(code), after.get(code)
        # Within a version another row is a change, even of the same words; in another pathway the words decide.
        if old is not None and new is not None and (old.pk == new.pk or (known and old.says_the_same_as(new))):
            _repoint_row(case, code, old, new)
            continue
        if new is not None:
            _lay_out(case, code, new, pointing)
        else:
            _drop(case, code)
    for row in case.version.rows:
        if row.record.mode == "speed-up" and set(row.record.stages) & set(entered) and row.record.entry is not None:
            asking.bring_forward(case, row.record.activity, row.record.entry.after(case.today), row=row)
    if pointing:
        CareTask.objects.bulk_update(pointing, ["row", "asked_by_stage"])
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


def kept(case: Case) -> dict[str, Row]:
    by_pk = {row.pk: row for row in case.version.rows}
    return {by_pk[pk].record.activity: by_pk[pk] for pk in case.enrollment.rows_in_force if pk in by_pk}


def _keep_rows(case: Case, rows: Mapping[str, Row]) -> None:
    pks = sorted(row.pk for row in rows.values())
    if pks != case.enrollment.rows_in_force:
        case.enrollment.rows_in_force = pks
        case.enrollment.keep("rows_in_force")


def _lay_out(case: Case, code: str, row: Row, pointing: list[CareTask]) -> None:
    """`pointing` collects the tasks that only point at another row now."""
    task = single.live(case, code)
    if row.record.mode == "once" and task is None and _was_done_in(case, row):
        return
    last = completions.done(case, case.vocabulary.activities[code]).last
    due = schedule.entry_due(row.record, entered=case.today, open_due=task.due_on if task else None, last=last)
    if task is None:
        single.open_task(case, code, due, row=row)
        return
    task.row_id, task.asked_by_stage = row.pk, True
    if due == task.due_on:
        pointing.append(task)
    else:
        single.set_due(case, task, due, "row", "asked_by_stage")


def _drop_left(case: Case, in_force: Mapping[str, Row]) -> None:
    """What only a stage that was left had brought forward is not asked for any more."""
    left = {row.pk for row in case.version.rows if row.record.mode == "speed-up" and not _covers(case, row)}
    for code, task in list(case.tasks.items()):
        if task.row_id in left and code not in in_force:
            _drop(case, code)


def _repoint_row(case: Case, code: str, old: Row, new: Row) -> None:
    """The same row in another version: the open task belongs to the new one."""
    if old.pk != new.pk:
        task = single.live(case, code)
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
    task = single.live(case, code)
    if task is None or not task.asked_by_stage:
        return
    if task.asked_by_plan_id is not None:
        task.asked_by_stage, task.row = False, None
        task.keep("asked_by_stage", "row")
    else:
        single.cancel(case, task, reason="the present stage does not ask for it")
