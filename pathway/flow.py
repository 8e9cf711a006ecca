"""The river, in one file: what happens in which order when something is recorded, decided, or a day has passed.

    observation recorded → measures derived → rules judged → alerts raised and transitions proposed →
    a person confirms → the new stage's activities scheduled → tasks → reminders → dashboards

Whatever concerns one patient is one transaction under the lock of the enrollment. Every function takes the
moment as `at`, those behind which a person stands take `by` (None: the server itself), and a refusal leaves
nothing behind. Loading content and what goes through many patients (the sweep, the daily judge) takes no such lock.
Services change rows of one kind and do not know one another; they are composed here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import partial
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from pathway import actor, audit, clock, errors
from pathway.actor import Service
from pathway.delivery import inbox, laying_out, outbox, transports
from pathway.engine import schedule, units
from pathway.models import (
    LIVE,
    Alert,
    CareTask,
    EducationGiven,
    Enrollment,
    EnrollmentStatus,
    Intervention,
    Merge,
    MergeStatus,
    Observation,
    Patient,
    Proposal,
    Site,
    Transfer,
    User,
)
from pathway.selectors import cases, definitions, health, judging, plans, reach, retention, spirometry
from pathway.selectors.cases import Case
from pathway.services import (
    alerts,
    care_tasks,
    clock_watch,
    deliveries,
    enrollments,
    guidance,
    interventions,
    ladders,
    measures,
    observations,
    people,
    proposals,
    pulse,
    reminders,
    transitions,
)
from pathway.services.observations import NewObservation
from pathway.services.records import erasing, holds, merging, transfers
from pathway.vocabulary import BEREAVEMENT, CLOSED_STAGE, TREATMENT_TRACK

log = structlog.get_logger(__name__)

NewForm = Sequence[NewObservation]

BEREAVEMENT_DAYS = 28  # from the death to the contact with the family (CONVENTIONS 40)
STARTED, STOPPED = "T1", "T4"
RESTARTS_FROM = (0, 3, 4)  # ranks of the treatment track from which starting a drug leads to T1
DOSE_PLACES = 2  # a prescribed risdiplam dose is rounded to 0.01 mg
MOST_BATCHES = 200  # per step of one sweep; what is left after that comes with the next one
# What a broken row or definition raises while one patient is judged; the others are judged all the same.
UNJUDGEABLE = (errors.Refused, DatabaseError, ArithmeticError, LookupError, TypeError, ValueError)


# a patient comes onto a pathway


@transaction.atomic
@audit.gathered()
def enroll(
    patient: Patient,
    pathway: str,
    *,
    at: datetime,
    by: User | None,
    start: Mapping[str, str] | None = None,
    facts: NewForm = (),
) -> Enrollment:
    """Open the stays, lay out the first tasks, store the facts known at the start as one form, and judge."""
    enrollment = enrollments.enroll(patient, definitions.published(pathway), at=at, by=by)
    case = cases.lock(enrollment.pk, at=at, by=by)
    transitions.enter_initial(case, enrollments.initial_stages(case, start or {}))
    care_tasks.lay_out_enrollment(case)
    rows = observations.record(case, facts) if facts else []
    computed, _ = _compute_percents(case, spirometry.days_of(case, rows))
    _settle(case, new=[*rows, *computed])
    return enrollment


@transaction.atomic
@audit.gathered()
def change_pathway(
    enrollment_id: int, to: str, *, reason: str, at: datetime, by: User | None, start: Mapping[str, str] | None = None
) -> Enrollment:
    """Close one enrollment and open the other; stages are mapped by code, open work goes along."""
    old = _open_case(enrollment_id, at=at, by=by)
    version = definitions.published(to)
    if version.pathway.code == old.pathway:
        raise errors.NotAllowed("not-allowed", "The patient is on this pathway already", "to")
    stages = {track: stay.stage.code for track, stay in old.stays.items()}
    rows = care_tasks.rows_in_force(old)
    transitions.close(old, how="pathway", reason=reason)
    enrollments.complete(old, reason=reason)
    enrollment = enrollments.enroll(old.patient, version, at=at, by=by, care_since=old.enrollment.care_since)
    new = cases.lock(enrollment.pk, at=at, by=by)
    enrollments.carry(old, new)
    kept = {t: s for t, s in stages.items() if t in new.version.record.initial and new.version.has_stage(t, s)}
    entered = enrollments.initial_stages(new, {**kept, **(start or {})})
    transitions.enter_initial(new, entered)
    proposals.carry(old, new)
    alerts.carry(old, new, reason=reason)
    care_tasks.carry(old, new)
    care_tasks.lay_out_again(new, entered=[s for t, s in entered.items() if stages.get(t) != s], known=rows)
    proposals.supersede_reached(new)
    _settle(new)
    return enrollment


# facts


@transaction.atomic
@audit.gathered()
def record(enrollment_id: int, form: NewForm, *, at: datetime, by: User | None) -> list[Observation]:
    """Store one form together or not at all; complete what it completes; judge once, after the last.

    With it goes what the site computes from it. Returns what was entered.
    """
    case = cases.lock(enrollment_id, at=at, by=by)
    if case.enrollment.status in (EnrollmentStatus.WITHDRAWN, EnrollmentStatus.COMPLETED):
        raise errors.NotAllowed("not-allowed", "The patient is not on this pathway any more")
    rows = observations.record(case, form)
    computed, gone = _compute_percents(case, spirometry.days_of(case, rows))
    _retract(case, gone)
    if case.is_dead:
        measures.derive(case)
    else:
        _settle(case, new=[*rows, *computed])
    return rows


@transaction.atomic
@audit.gathered()
def void(
    observation_id: int, *, reason: str, at: datetime, by: User | None, replace: NewObservation | None = None
) -> list[Observation]:
    """Entered in error: recompute what used it. A correction takes its place in the same transaction."""
    observation, case = _observation_case(observation_id, at=at, by=by)
    last_before = care_tasks.last_done(case, {observation.kind_id, spirometry.PERCENT})
    observations.void(case, observation, reason=reason)
    new = observations.record(case, [replace], replaces=observation) if replace else []
    new += observations.release_plausible_weights(case)
    computed, not_any_more = _compute_percents(case, spirometry.days_of_voided(case, observation, new))
    gone, now = [observation, *not_any_more], [*new, *computed]
    _retract(case, gone)
    if case.enrollment.status in LIVE:
        corrected = {code for row in gone for code in care_tasks.repoint(case, row, now)}
        care_tasks.lay_out_voided(case, [row.pk for row in gone], last_before)
        _settle(case, new=now, apart_from=corrected, voided={row.kind_id for row in gone})
    measures.derive(case)
    return new


@transaction.atomic
@audit.gathered()
def confirm(observation_id: int, *, reason: str, at: datetime, by: User | None) -> None:
    """A person has checked a held result: it counts from now on, on its own effective day."""
    observation, case = _observation_case(observation_id, at=at, by=by)
    _refuse_unless_live(case)
    observations.confirm(case, observation, reason=reason)
    _settle(case, new=[observation])


# decisions


@transaction.atomic
@audit.gathered()
def accept(proposal_id: int, *, at: datetime, by: User | None) -> None:
    """A person says yes: the stage moves, or what the code says is done."""
    proposal, case = _proposal_case(proposal_id, at=at, by=by)
    proposals.accept(case, proposal)
    if proposal.code:
        case.changed("decisions")
    if proposal.stage is not None:
        _enter_stage(case, proposal.track, proposal.stage.code, how="proposal", reason="proposal accepted")
    else:
        _do(case, proposal.code)
        _settle(case)


@transaction.atomic
@audit.gathered()
def decline(proposal_id: int, *, reason: str, until: date | None = None, at: datetime, by: User | None) -> None:
    """A person says no: quiet until new evidence, or until that day."""
    proposal, case = _proposal_case(proposal_id, at=at, by=by)
    proposals.decline(case, proposal, reason=reason, until=until)
    if proposal.code:
        settled = case.vocabulary.proposals[proposal.code].completes
        care_tasks.go_on(case, care_tasks.close_decisions(case, settled, outcome="declined"))
    _settle(case)


@transaction.atomic
@audit.gathered()
def move(enrollment_id: int, track: str, to: str, *, reason: str, at: datetime, by: User | None) -> None:
    """A clinician moves the patient without a proposal; backward needs a reason. O9 is the server's."""
    case = _open_case(enrollment_id, at=at, by=by)
    if case.version.stage(track, to).code == CLOSED_STAGE:
        raise errors.NotAllowed("not-allowed", "O9 is entered by a death or a withdrawal only", "to")
    _enter_stage(case, track, to, how="move", reason=reason)


@transaction.atomic
@audit.gathered()
def close_alert(alert_id: int, *, reason: str, at: datetime, by: User | None) -> None:
    alert = Alert.objects.select_related("episode").filter(pk=alert_id).first()
    if alert is None:
        raise errors.NotFound("not-found", "There is no such alert")
    case = _open_case(alert.enrollment_id, at=at, by=by)
    alerts.close(case, Alert.objects.select_related("episode").get(pk=alert_id), reason=reason)


# tasks


@transaction.atomic
@audit.gathered()
def complete(task_id: int, *, effective: date | None = None, outcome: str = "", at: datetime, by: User | None) -> None:
    """Done by hand; the next one counts from the effective day."""
    task, case = _task_case(task_id, at=at, by=by)
    closed = care_tasks.complete(case, task, effective=effective or case.today, outcome=outcome)
    _go_on(case, closed)


@transaction.atomic
@audit.gathered()
def skip(task_id: int, *, reason: str, effective: date | None = None, at: datetime, by: User | None) -> None:
    """Not done this time: declined, unable, not-appropriate or done-elsewhere."""
    task, case = _task_case(task_id, at=at, by=by)
    closed = care_tasks.skip(case, task, reason=reason, effective=effective or case.today)
    _go_on(case, closed)


@transaction.atomic
@audit.gathered()
def reassign(task_id: int, *, to: str, at: datetime, by: User | None) -> None:
    task, case = _task_case(task_id, at=at, by=by)
    care_tasks.reassign(case, task, to=to)


@transaction.atomic
@audit.gathered()
def snooze(task_id: int, *, until: date, reason: str, at: datetime, by: User | None) -> None:
    task, case = _task_case(task_id, at=at, by=by)
    care_tasks.snooze(case, task, until=until, reason=reason)


# interventions


@transaction.atomic
@audit.gathered()
def start(
    enrollment_id: int,
    code: str,
    *,
    effective: date | None = None,
    details: Mapping[str, object] | None = None,
    at: datetime,
    by: User | None,
) -> Intervention:
    """Start it: its stage is entered, its decision is settled, its plan is laid out."""
    case = _open_case(enrollment_id, at=at, by=by)
    row = interventions.start(case, code, effective=effective or case.today, details=details or {})
    kind = interventions.kind_of(case, code)
    closed = care_tasks.close_decisions(case, kind.completes, outcome="started")
    for question in case.vocabulary.proposals.values():
        if question.answered_by == code:
            proposals.supersede_code(case, question.code, reason="started")
    _lay_out_tasks(case, row, on="start")
    _take_effect(case, [row] if row.took_effect else [])
    care_tasks.go_on(case, closed)
    _settle(case)
    return row


@transaction.atomic
@audit.gathered()
def stop(
    enrollment_id: int, code: str, *, effective: date | None = None, reason: str = "", at: datetime, by: User | None
) -> None:
    case = _open_case(enrollment_id, at=at, by=by)
    _stop(case, code, effective or case.today, reason)
    for question in case.vocabulary.proposals.values():
        if question.stops == code:
            proposals.supersede_code(case, question.code, reason="stopped")
    _settle(case)


@transaction.atomic
@audit.gathered()
def set_review(enrollment_id: int, code: str, *, review_on: date | None, at: datetime, by: User | None) -> Intervention:
    """When equipment is looked at again; None: no day is set."""
    return interventions.set_review(_open_case(enrollment_id, at=at, by=by), code, review_on)


@transaction.atomic
@audit.gathered()
def give(
    enrollment_id: int, code: str, *, dose: str, effective: date | None = None, at: datetime, by: User | None
) -> None:
    """One dose of a series; the next one counts from it as given."""
    case = _open_case(enrollment_id, at=at, by=by)
    day = effective or case.today
    _, flags = interventions.give(case, code, label=dose, effective=day)
    for flag in flags:
        observations.flag(case, flag, detail=f"{code} {dose}")
    kind = interventions.kind_of(case, code)
    if kind.series is not None:
        care_tasks.cancel_labs(case, kind.series.labs)
        care_tasks.close_dose(case, kind.series.task, day)
    _settle(case)


@transaction.atomic
@audit.gathered()
def prescribe(
    enrollment_id: int,
    *,
    type: str,
    load: str,
    minutes: int | None = None,
    rest_days: int | None = None,
    at: datetime,
    by: User | None,
) -> None:
    """One item of the exercise prescription; `no-rest-day` is stored and flagged."""
    case = _open_case(enrollment_id, at=at, by=by)
    item, flags = interventions.prescribe(case, type=type, load=load, minutes=minutes, rest_days=rest_days)
    for flag in flags:
        observations.flag(case, flag, detail=f"exercise {item.pk}")


# guidance


@transaction.atomic
@audit.gathered()
def give_education(
    enrollment_id: int,
    topic: str,
    *,
    teach_back: str,
    effective: date | None = None,
    note: str = "",
    at: datetime,
    by: User | None,
) -> EducationGiven:
    """Patient or family were taught a topic, and could tell it back or not."""
    case = _open_case(enrollment_id, at=at, by=by)
    return guidance.give_education(case, topic, effective=effective or case.today, teach_back=teach_back, note=note)


@transaction.atomic
@audit.gathered()
def void_education(enrollment_id: int, given_id: int, *, reason: str, at: datetime, by: User | None) -> None:
    """It was entered in error."""
    case = cases.lock(enrollment_id, at=at, by=by)
    given = EducationGiven.objects.filter(pk=given_id, patient=case.patient).first()
    if given is None:
        raise errors.NotFound("not-found", "There is no such teaching of this patient")
    guidance.void_education(case, given, reason=reason)


@transaction.atomic
@audit.gathered()
def answer_checklist(task_id: int, answers: Mapping[str, guidance.Answer], *, at: datetime, by: User | None) -> None:
    """What the items of a task came to, all of them or none."""
    task, case = _task_case(task_id, at=at, by=by)
    guidance.answer_checklist(case, task, answers)


# the enrollment as a whole


@transaction.atomic
@audit.gathered()
def hold(enrollment_id: int, *, reason: str, at: datetime, by: User | None) -> None:
    enrollments.hold(_open_case(enrollment_id, at=at, by=by), reason=reason)


@transaction.atomic
@audit.gathered()
def resume(enrollment_id: int, *, reason: str = "", at: datetime, by: User | None) -> None:
    case = _open_case(enrollment_id, at=at, by=by)
    enrollments.resume(case, reason=reason)
    care_tasks.reckon_rungs(case)


@transaction.atomic
@audit.gathered()
def withdraw(enrollment_id: int, *, reason: str, at: datetime, by: User | None) -> None:
    """The patient leaves: open tasks are cancelled, alerts and proposals closed, overall O9."""
    case = _open_case(enrollment_id, at=at, by=by)
    enrollments.withdraw(case, reason=reason)
    care_tasks.cancel_all(case, reason="withdrawn")
    alerts.close_all(case, reason="withdrawn")
    alerts.end_all(case)
    proposals.close_all(case, reason="withdrawn")
    transitions.close(case, how="withdrawal", reason=reason)


@transaction.atomic
@audit.gathered()
def record_death(enrollment_id: int, *, effective: date | None = None, at: datetime, by: User | None) -> None:
    """Everything stops in one transaction; one contact with the family is opened."""
    case = _open_case(enrollment_id, at=at, by=by)
    day = effective or case.today
    enrollments.die(case, day)
    care_tasks.cancel_all(case, reason="the patient has died", by_death=True)
    alerts.close_all(case, reason="the patient has died", by_death=True)
    proposals.close_all(case, reason="the patient has died", by_death=True)
    transitions.close_by_death(case)
    observations.hold_after(case, day)
    measures.derive(case)
    care_tasks.open_bereavement(case, day + timedelta(days=BEREAVEMENT_DAYS))


@transaction.atomic
@audit.gathered()
def reverse_death(enrollment_id: int, *, reason: str, at: datetime, by: User | None) -> None:
    """The death was a mistake: all comes back as it was, and what came meanwhile is judged today."""
    case = cases.lock(enrollment_id, at=at, by=by)
    died_at = case.stays["overall"].entered_at if "overall" in case.stays else at
    enrollments.revive(case, reason=reason)
    care_tasks.cancel_bereavement(case)
    transitions.reopen_after_death(case)
    care_tasks.restore_after_death(case)
    alerts.restore_after_death(case)
    proposals.restore_after_death(case)
    observations.release_after_death(case)
    meanwhile = Observation.objects.usable().filter(
        patient=case.patient, recorded_at__gte=died_at, completed_tasks=None
    )
    _settle(case, new=list(meanwhile))


# the record as a whole


@transaction.atomic
@audit.gathered()
def propose_merge(survivor: Patient, source: Patient, *, request: UUID, reason: str, at: datetime, by: User) -> Merge:
    """Two records are of one person, somebody thinks who sees both. Nothing changes before a person confirms it."""
    return merging.propose(survivor, source, request=request, reason=reason, at=at, by=by)


@transaction.atomic
@audit.gathered()
def confirm_merge(merge_id: int, team: Sequence[tuple[int, str]], *, at: datetime, by: User) -> Patient:
    """The source is closed, the survivor has everything of both, this team, and is judged. Twice is once."""
    merge = merging.lock(merge_id)
    if merge.status == MergeStatus.CONFIRMED:
        return merge.survivor
    merging.confirm(merge, today=schedule.local_day(at, merge.survivor.site.time_zone), at=at, by=by)
    people.set_team(merge.survivor, team, at=at, by=by)
    _judge_record(merge.survivor_id, at=at, by=by)
    return merge.survivor


@transaction.atomic
@audit.gathered()
def refuse_merge(merge_id: int, *, reason: str, at: datetime, by: User) -> None:
    """They are two people after all."""
    merging.refuse(merging.lock(merge_id), reason=reason, at=at, by=by)


@transaction.atomic
@audit.gathered()
def undo_merge(merge_id: int, *, reason: str, at: datetime, by: User) -> Patient:
    """Everything that the merge moved goes back, and both are judged. Returns the record that stands again."""
    merge = merging.lock(merge_id)
    merging.undo(merge, reason=reason, at=at, by=by)
    for patient in (merge.survivor_id, merge.source_id):
        _judge_record(patient, at=at, by=by)
    return merge.source


@transaction.atomic
def offer_transfer(patient: Patient, to: Site, *, reason: str, at: datetime, by: User) -> Transfer:
    """Another site shall care for the patient. Until it accepts, nothing changes and it sees no record."""
    return transfers.offer(patient, to, reason=reason, at=at, by=by)


@transaction.atomic
@audit.gathered()
def accept_transfer(
    transfer_id: int, *, number: str, team: Sequence[tuple[int, str]], at: datetime, by: User
) -> Patient:
    """The patient is of this site from now on: its team, number, calendar and, from the next judging, its rule sets.

    The pathway goes on where it is, and open tasks keep their due dates.
    """
    transfer = transfers.lock(transfer_id)
    transfers.accept(transfer, number=number, team=team, at=at, by=by)
    newest = (
        Enrollment.objects.filter(patient=transfer.patient_id, status__in=LIVE).values_list("pk", flat=True).first()
    )
    if newest is not None:
        cases.lock(newest, at=at, by=by)
        with actor.acting(actor.service(Service.DELIVER)):  # mornings and ladders are those of the new site
            ladders.reckon([transfer.to_site_id], at=at, enrollment_id=newest)
    return transfer.patient


@transaction.atomic
def decline_transfer(transfer_id: int, *, reason: str, at: datetime, by: User) -> None:
    transfers.decline(transfers.lock(transfer_id), reason=reason, at=at, by=by)


@transaction.atomic
def withdraw_transfer(transfer_id: int, *, reason: str, at: datetime, by: User) -> None:
    """The site that offered keeps the patient."""
    transfers.withdraw(transfers.lock(transfer_id), reason=reason, at=at, by=by)


@transaction.atomic
def place_hold(patient: Patient, *, reason: str, at: datetime, by: User) -> None:
    """The record is not erased, whatever the policy says."""
    holds.place(patient, reason=reason, at=at, by=by)


@transaction.atomic
def release_hold(patient: Patient, hold_id: int, *, reason: str, at: datetime, by: User) -> None:
    holds.release(patient, hold_id, reason=reason, at=at, by=by)


@transaction.atomic
def set_retention(site: Site, *, after_death: int | None, after_contact: int | None, run_by: str) -> None:
    """When records of the site may go; None: the policy says nothing of that, and they are kept."""
    erasing.set_policy(site, after_death=after_death, after_contact=after_contact, run_by=run_by)


@transaction.atomic
@audit.gathered()
def erase(site: Site, patient: int, *, at: datetime, run_by: str) -> dict[str, int]:
    """Erase what the policy lets go now. Raises NotAllowed when it does not, or not any more."""
    erasing.lock(reach.group(patient))
    verdict = next((one for one in retention.verdicts(site, at=at, only=patient)), None)
    if verdict is None or not verdict.goes:
        raise errors.NotAllowed("not-allowed", verdict.why if verdict else "There is no such record")
    return erasing.erase(verdict.records, policy=verdict.why, at=at, run_by=run_by)


# time passes


@transaction.atomic
@audit.gathered()
def pass_day(enrollment_id: int, *, at: datetime) -> None:
    """The daily sweep of one enrollment, without the rungs: planned starts, then the judging of all rules."""
    case = cases.lock(enrollment_id, at=at, by=None)
    if case.enrollment.status not in LIVE:
        return
    _take_effect(case, interventions.take_effect(case))
    observations.flag_stale_weight(case)
    _judge(case)
    measures.derive(case, a_day_passed=True)
    enrollments.judged(case)


def remind(*, at: datetime, enrollment_id: int | None = None) -> int:
    """Write the reminders that are due, in batches until none is left. Returns how many were written."""
    written = 0
    while True:
        with transaction.atomic():
            moved, told = reminders.climb(at=at, enrollment_id=enrollment_id)
        written += told
        if moved == 0:
            return written


def judge_day(*, at: datetime, limit: int | None = None) -> int:
    """Judge live enrollments that have not been judged on their site's present day. Returns how many.

    Each in a transaction of its own; one that cannot be judged is logged and does not stop the others.
    """
    judged = 0
    for pk in judging.waiting(at, limit):
        try:
            pass_day(pk, at=at)
        except UNJUDGEABLE:
            log.exception("not judged", enrollment=pk)
            enrollments.could_not_judge(pk, at=at)
        else:
            judged += 1
    return judged


# messages


def sweep(*, at: datetime, trigger: str, reading: clock.Reading | None = None) -> int:
    """Write the reminders that are due, name their persons, send what can be sent. Returns how many were written.

    Any number of sweeps may run at once: one works, the others find nothing to do. With a reading of the clocks nothing
    is done while the database's clock is not trusted.
    """
    hold, step = (None, None) if reading is None else clock_watch.check(reading)
    run = pulse.begin_sweep(
        at=at, trigger=trigger, lag=health.lag(at), reading=reading, clock_step=step, is_held=hold is not None
    )
    pulse.beat(trigger, at=at, skew=None if reading is None else reading.skew)
    if hold is not None:
        log.warning("the clock is not trusted: nobody is reminded", jump=str(hold.step), until=hold.until.isoformat())
        return 0
    written = _in_turns(reminders.Ascent(at).batch)
    _tell(at)
    pulse.finish_sweep(run, at=clock.now(), created=written, lag=health.lag(at))
    pulse.ping()
    outbox.send_waiting(at=at)  # other people's servers are waited for last
    return written


def is_clock_trusted(reading: clock.Reading) -> bool:
    """False while the database's clock may have jumped ahead; who acts by the day then waits too."""
    return clock_watch.check(reading)[0] is None


def deliver(*, at: datetime) -> int:
    """Name the persons of waiting reminders and send; what may not go out any more is cancelled. Returns the sent.

    Other channels than the inbox are served outside of any transaction, by leases.
    """
    return _tell(at) + outbox.send_waiting(at=at)


def _tell(at: datetime) -> int:
    """Name the persons, fill the inboxes, and lay out what leaves by other channels."""
    _in_turns(partial(deliveries.resolve, at=at, offered=transports.offered()))
    sent = _in_turns(partial(inbox.send, at=at, limit=deliveries.BATCH))
    _in_turns(partial(laying_out.lay_out, at=at, limit=deliveries.BATCH))
    return sent


def beat(component: str, *, at: datetime, skew: timedelta | None = None) -> None:
    """That part of the machinery is at work."""
    pulse.beat(component, at=at, skew=skew)


def _in_turns(batch: Callable[[], tuple[int, int]]) -> int:
    """Run batches of (taken, made) until nothing is left or another sweep is at it. Returns how many were made."""
    made = 0
    for _ in range(MOST_BATCHES):
        with transaction.atomic():
            taken, new = batch() if pulse.take_turn() else (0, 0)
        made += new
        if taken == 0:
            break
    return made


# how the steps follow one another


def _compute_percents(case: Case, days: Collection[date]) -> tuple[list[Observation], list[Observation]]:
    """Percent of predicted FVC follows the litres of these days. Returns what is new, and what was voided for it."""
    found = spirometry.changes(case, days)
    for row in found.void:
        observations.void(case, row, reason=spirometry.NO_LONGER)
    return observations.record_percents(case, found.store), list(found.void)


def _retract(case: Case, voided: Sequence[Observation]) -> None:
    """What rests on voided results alone is withdrawn; what people decided on them stays, flagged."""
    if not voided:
        return
    pks = [row.pk for row in voided]
    retracted = alerts.retract(case, pks)
    if case.enrollment.status in LIVE:
        proposals.retract(case, retracted)
        care_tasks.retract(case, retracted)
    for _ in proposals.retracted_bases(case, pks):
        observations.flag(case, "basis-retracted", observation=voided[0])


def _settle(
    case: Case,
    *,
    new: Iterable[Observation] = (),
    apart_from: Iterable[str] = (),
    voided: Collection[str] = (),
    entered: Sequence[str] = (),
) -> None:
    """After something was written: tasks are completed, plans followed, rules judged.

    `voided` names the kinds of results that were just voided.
    """
    new = [row for row in new if row.status == "final"]
    closed = care_tasks.complete_by(case, new, apart_from=list(apart_from))
    care_tasks.follow_plans(case, plans.wanted(case), new, voided=voided)
    care_tasks.go_on(case, closed)
    _judge(case, entered=entered)


def _judge(case: Case, *, entered: Sequence[str] = ()) -> None:
    """Rules are judged on one state; rows that change are laid out before what rules ask for is added."""
    began = alerts.follow(case)
    care_tasks.lay_out_again(case, entered=entered)
    _take_effects(case, began)
    proposals.ask_again(case)
    measures.derive(case)


def _take_effects(case: Case, began: Sequence[alerts.Began]) -> None:
    """Effects happen once per episode."""
    effects = [(one.episode, effect) for one in began for effect in one.rule.rule.effects]
    proposals.ask(case, [(episode, f"{e.track}/{e.stage}") for episode, e in effects if e.stage])
    for episode, effect in effects:
        if effect.proposal:
            proposals.ask_code(case, effect.proposal, [episode])
        if effect.task and effect.within is not None:
            care_tasks.ask(case, effect.task, effect.within, episode)


def _enter_stage(case: Case, track: str, stage: str, *, how: str, reason: str) -> None:
    """The patient is there now: what it answers is superseded, what it opens is opened, its rows hold."""
    _move(case, track, stage, how=how, reason=reason)
    _settle(case, entered=[stage])


def _move(case: Case, track: str, stage: str, *, how: str, reason: str) -> None:
    transitions.follow(case, track, stage, how=how, reason=reason)
    proposals.supersede_reached(case)
    question = case.version.record.on_entry.get(stage)
    if question is not None:
        proposals.ask_code(case, question)


def _take_effect(case: Case, started: Iterable[Intervention]) -> None:
    """Starting an intervention that enters a stage moves the track there (CONVENTIONS 20)."""
    for row in started:
        kind = interventions.kind_of(case, row.kind_id)
        for entry in interventions.entered(case, row):
            present, rank = case.rank(entry.track), int(entry.stage[1:])
            is_restart = kind.is_drug and entry.track == TREATMENT_TRACK and present in RESTARTS_FROM
            if present >= 0 and case.version.has_stage(entry.track, entry.stage) and (rank > present or is_restart):
                _move(case, entry.track, entry.stage, how="intervention", reason=f"{kind.title} started")
                _judge(case, entered=[entry.stage])


def _stop(case: Case, code: str, effective: date, reason: str) -> None:
    row = interventions.stop(case, code, effective=effective, reason=reason)
    if not row.took_effect:
        care_tasks.cancel_plans(case, row.pk)
        return
    care_tasks.cancel_plans(case, row.pk, plans.activities_of(case, code))
    _lay_out_tasks(case, row, on="stop")
    drugs = {kind.code for kind in case.vocabulary.interventions.values() if kind.is_drug}
    is_last = code in drugs and not any(case.reader().is_active(drug) for drug in drugs)
    if is_last and case.rank(TREATMENT_TRACK) not in (-1, int(STOPPED[1:])):
        _move(case, TREATMENT_TRACK, STOPPED, how="intervention", reason=f"{code} stopped")


def _lay_out_tasks(case: Case, row: Intervention, *, on: str) -> None:
    """Tasks that starting (or stopping) it opens."""
    anchor = row.started_on if on == "start" else row.stopped_on
    for task in interventions.kind_of(case, row.kind_id).tasks:
        if task.on == on and anchor is not None:
            opens = task.opens.after(anchor) if task.opens is not None else None
            care_tasks.plan(case, plans.Wanted(task.activity, task.due.after(anchor), row.pk, "", opens))


def _do(case: Case, code: str) -> None:
    """What accepting a code proposal does (vocabulary 7.5), and nothing else."""
    known = case.vocabulary.proposals[code]
    if known.task and known.within is not None:
        care_tasks.bring_forward(case, known.task, known.within.after(case.today), by_person=True)
    if known.stops:
        _stop(case, known.stops, case.today, "proposal accepted")
    if known.then == "dose-change":
        dose = case.reader().read("risdiplam-dose").value
        if not isinstance(dose, Fraction):
            raise errors.NotAllowed("not-allowed", "The dose cannot be computed: a present weight is missing")
        interventions.change_dose(case, "risdiplam", units.rounded(dose, DOSE_PLACES))
    care_tasks.go_on(case, care_tasks.close_decisions(case, known.completes, outcome="accepted"))


def _go_on(case: Case, closed: care_tasks.Closed) -> None:
    if case.is_dead:
        return  # the contact with the family was the last task
    care_tasks.go_on(case, [closed])
    _settle(case)


def _judge_record(patient_id: int, *, at: datetime, by: User | None) -> None:
    """After rows came or went: what rests on them is found again."""
    rows = list(Enrollment.objects.filter(patient=patient_id).order_by("-pk").values_list("pk", "status"))
    newest = next((pk for pk, status in rows if status in LIVE), rows[0][0] if rows else None)
    if newest is None:
        return
    case = cases.lock(newest, at=at, by=by)
    case.changed()
    if case.enrollment.status in LIVE:
        _settle(case)
    else:
        measures.derive(case)


# cases


def _open_case(enrollment_id: int, *, at: datetime, by: User | None) -> Case:
    case = cases.lock(enrollment_id, at=at, by=by)
    _refuse_unless_live(case)
    return case


def refuse_unless_live(enrollment_id: int, *, at: datetime, by: User | None) -> None:
    """Raises NotAllowed for the dead (`after-death`) and for those who left the pathway."""
    with transaction.atomic():
        _open_case(enrollment_id, at=at, by=by)


def _refuse_unless_live(case: Case) -> None:
    if case.is_dead:
        raise errors.NotAllowed(
            "after-death", "The patient has died: only voiding and reversing the death are possible"
        )
    if case.enrollment.status not in LIVE:
        raise errors.NotAllowed("not-allowed", "The patient is not on this pathway any more")


def _observation_case(pk: int, *, at: datetime, by: User | None) -> tuple[Observation, Case]:
    observation = Observation.objects.filter(pk=pk).first()
    if observation is None:
        raise errors.NotFound("not-found", "There is no such observation")
    case = cases.lock_newest(observation.patient_id, at=at, by=by)
    observation.refresh_from_db()
    return observation, case


def _proposal_case(pk: int, *, at: datetime, by: User | None) -> tuple[Proposal, Case]:
    """Read again under the lock: whoever waited for it sees what the other did."""
    case = cases.lock_for_proposal(pk, at=at, by=by)
    _refuse_unless_live(case)
    known = next((one for one in case.proposals if one.pk == pk), None)
    return known or Proposal.objects.select_related("stage").get(pk=pk), case


def _task_case(pk: int, *, at: datetime, by: User | None) -> tuple[CareTask, Case]:
    found = CareTask.objects.filter(pk=pk)
    row = found.values_list("enrollment_id", "activity_id").first()
    if row is None:
        raise errors.NotFound("not-found", "There is no such task")
    is_bereavement = row[1] == BEREAVEMENT
    case = (cases.lock if is_bereavement else _open_case)(row[0], at=at, by=by)
    task = case.tasks.get(row[1])
    return task if task is not None and task.pk == pk else found.get(), case
