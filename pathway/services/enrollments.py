"""A patient comes onto a pathway, pauses, leaves it, dies."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.db import IntegrityError, transaction

from pathway import audit, errors
from pathway.engine import schedule
from pathway.models import Enrollment, EnrollmentStatus, PathwayVersion, Patient, User
from pathway.selectors.cases import Case
from pathway.vocabulary import CLOSED_STAGE


def enroll(
    patient: Patient, version: PathwayVersion, *, at: datetime, by: User | None, care_since: date | None = None
) -> Enrollment:
    """Raises NotAllowed when the patient is on a pathway already, or has died."""
    if patient.died_on is not None:
        raise errors.NotAllowed("after-death", "The patient has died")
    today = schedule.local_day(at, patient.site.time_zone)
    try:
        with transaction.atomic():
            enrollment: Enrollment = Enrollment.objects.create(
                patient=patient,
                version=version,
                enrolled_at=at,
                enrolled_on=today,
                care_since=care_since or today,
                judged_on=today,
            )
    except IntegrityError as error:
        raise errors.NotAllowed("not-allowed", "The patient is on a pathway already") from error
    after = {"version": str(version)}
    audit.record("enrollment.begun", by=by, patient=patient, subject=enrollment, after=after)
    return enrollment


def initial_stages(case: Case, start: Mapping[str, str]) -> dict[str, str]:
    """The stage of each track in which the patient enters. Raises NotAllowed for one that is not there."""
    if CLOSED_STAGE in start.values():
        raise errors.NotAllowed("not-allowed", "Nobody enters a pathway in its closed stage", "start")
    for track, stage in start.items():
        if track not in case.version.record.initial:
            title = case.version.record.title
            raise errors.NotAllowed("not-allowed", f"{title} has no track {track!r}", "start")
        case.version.stage(track, stage)
    return {**case.version.record.initial, **start}


def hold(case: Case, *, reason: str) -> None:
    _need_reason(reason)
    _must_be(case, EnrollmentStatus.ACTIVE)
    case.enrollment.hold()
    case.enrollment.keep("status")
    audit.record("enrollment.held", by=case.by, patient=case.patient, subject=case.enrollment, reason=reason)


def resume(case: Case, *, reason: str) -> None:
    """Messages go on; those of the days on hold, today included, are not made up for."""
    _must_be(case, EnrollmentStatus.ON_HOLD)
    case.enrollment.resume()
    case.enrollment.quiet_until = case.today
    case.enrollment.keep("status", "quiet_until")
    audit.record("enrollment.resumed", by=case.by, patient=case.patient, subject=case.enrollment, reason=reason)


def withdraw(case: Case, *, reason: str) -> None:
    _need_reason(reason)
    case.enrollment.withdraw()
    _end(case, reason)
    audit.record("enrollment.withdrawn", by=case.by, patient=case.patient, subject=case.enrollment, reason=reason)


def complete(case: Case, *, reason: str) -> None:
    case.was_on_hold = case.enrollment.status == EnrollmentStatus.ON_HOLD
    case.enrollment.complete()
    _end(case, reason)
    audit.record("enrollment.completed", by=case.by, patient=case.patient, subject=case.enrollment, reason=reason)


def die(case: Case, day: date) -> None:
    """Record the death of the patient. Raises InvalidEntry for a day ahead or before birth."""
    birth = case.patient.birth_date
    if day > case.today or (birth is not None and day < birth):
        raise errors.InvalidEntry("implausible", "The day of death lies ahead, or before birth", "effective")
    case.enrollment.status_before_death = case.enrollment.status
    case.enrollment.die()
    case.patient.died_on = day
    case.patient.save(update_fields=["died_on"])
    case.enrollment.keep("status", "status_before_death")
    audit.record(
        "patient.died", by=case.by, patient=case.patient, subject=case.enrollment, after={"on": day.isoformat()}
    )


def revive(case: Case, *, reason: str) -> None:
    """The death was recorded by mistake. Rungs missed meanwhile are not sent."""
    _need_reason(reason)
    if case.enrollment.status != EnrollmentStatus.DECEASED:
        raise errors.NotAllowed("not-allowed", "No death is recorded")
    was_on_hold = case.enrollment.status_before_death == EnrollmentStatus.ON_HOLD
    case.patient.died_on = None
    case.patient.save(update_fields=["died_on"])
    case.enrollment.revive()
    if was_on_hold:
        case.enrollment.hold()
    case.enrollment.quiet_until = case.today
    case.enrollment.keep("status", "quiet_until")
    audit.record("patient.death-reversed", by=case.by, patient=case.patient, subject=case.enrollment, reason=reason)


def judged(case: Case) -> None:
    """The daily judge has been here today."""
    if case.enrollment.judged_on != case.today:
        case.enrollment.judged_on, case.enrollment.judge_failed_at = case.today, None
        case.enrollment.save(update_fields=["judged_on", "judge_failed_at"])


def could_not_judge(enrollment_id: int, *, at: datetime) -> None:
    """Stands behind the others from now on, and is a row that somebody reads."""
    Enrollment.objects.filter(pk=enrollment_id).update(judge_failed_at=at)


def carry(old: Case, new: Case) -> None:
    """A change of pathway ends no hold."""
    new.enrollment.quiet_until = old.enrollment.quiet_until
    if old.was_on_hold:
        new.enrollment.hold()
    new.enrollment.keep("status", "quiet_until")


def _end(case: Case, reason: str) -> None:
    case.enrollment.ended_at, case.enrollment.end_reason = case.at, reason
    case.enrollment.keep("status", "ended_at", "end_reason")


def _must_be(case: Case, status: str) -> None:
    if case.enrollment.status != status:
        now = case.enrollment.get_status_display()
        raise errors.NotAllowed("not-allowed", f"The enrollment is {now}")


def _need_reason(reason: str) -> None:
    if not reason.strip():
        raise errors.NotAllowed("not-allowed", "This needs a reason", "reason")
