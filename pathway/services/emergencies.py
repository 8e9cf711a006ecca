"""Emergency access: opened with a reason, given back, reviewed by somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection

from pathway import audit, clock, errors
from pathway.models import AuditEvent, EmergencyReason, Patient, Site, User, guarded

LASTS = timedelta(hours=4)
MOST_A_DAY = 5  # the database counts, see `pathway_break_glass`
MOST_FAILURES, WITHIN = 5, timedelta(minutes=15)
REFUSED = "emergency.refused"
REASON_LENGTH = 500

NOT_FOUND = "No patient of this site has this hospital number and this birth date"
THROTTLED = (
    "That was tried too often: wait a quarter of an hour, or ask a nurse coordinator of the site for a place on the"
    " care team"
)
LIMIT = (
    f"Emergency access was used {MOST_A_DAY} times within 24 hours: ask a nurse coordinator of the site for a place"
    " on the care team, or to let you stand in"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Two identifiers of one patient, and why the record is needed. No birth date for one of whom none is known."""

    site: Site
    number: str
    birth_date: date | None
    code: str
    reason: str


def open_record(asked: Asked, *, at: datetime, by: User) -> Patient | errors.NotAllowed:
    """The patient whose record is open now. A refusal is returned and not raised: the attempt has to stay on record.

    What is missing and what is elsewhere get the same one. Raises InvalidEntry where no reason is given.
    """
    if asked.code not in EmergencyReason.values:
        raise errors.InvalidEntry("not-allowed", "Choose a reason", "code")
    if not asked.reason.strip():
        raise errors.InvalidEntry("not-allowed", "Say what happened", "reason")
    if is_throttled(asked.site, by=by):
        return errors.NotAllowed("not-allowed", THROTTLED)
    values = [asked.site.pk, asked.number.strip(), asked.birth_date, asked.code, asked.reason.strip(), at, at + LASTS]
    ((grant, patient, refusal),) = guarded.ask(
        "SELECT * FROM pathway_break_glass(%s, %s, %s::date, %s, %s, %s::timestamptz, %s::timestamptz)", values, by=by
    )
    if refusal:
        refuse(asked.site, refusal, by=by)
        return errors.NotAllowed("not-allowed", LIMIT if refusal == "limit" else NOT_FOUND)
    found = Patient(pk=patient)
    audit.record(
        "emergency.started",
        by=by,
        patient=found,
        reason=f"{asked.code}: {asked.reason.strip()}",
        after={"grant": grant, "until": (at + LASTS).isoformat()},
    )
    return found


def refuse(site: Site, why: str, *, by: User) -> None:
    """An attempt that failed goes on record, without the number: it may be somebody's who was not meant."""
    audit.record(REFUSED, by=by, subject=site, after={"why": why})


def is_throttled(site: Site, *, by: User) -> bool:
    """Whether too many attempts failed just now, which goes on record too.

    In real time, as the audit is. Attempts of one person come one after the other, or many at once would all pass.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('pathway.emergency', %s))", [by.pk])
    since = clock.real_now() - WITHIN
    throttled = AuditEvent.objects.filter(actor=by, action=REFUSED, at__gt=since).count() >= MOST_FAILURES
    if throttled:
        audit.record("emergency.throttled", by=by, subject=site)
    return throttled


def give_back(grant: int, *, at: datetime, by: User) -> None:
    """Before it ends by itself. Raises NotFound for what is not their own or is over."""
    ((patient,),) = guarded.ask("SELECT pathway_give_back(%s, %s::timestamptz)", [grant, at], by=by)
    if patient is None:
        raise errors.NotFound("not-found", "There is nothing here")
    audit.record("emergency.ended", by=by, patient=Patient(pk=patient), after={"grant": grant, "until": at.isoformat()})


def review(grant: int, *, justified: bool, note: str, at: datetime, by: User) -> None:
    """Whether it was right. What was not does not go on. Nobody reviews their own."""
    if not justified and not note.strip():
        raise errors.InvalidEntry("not-allowed", "Say why it was not justified", "note")
    ((patient, refusal),) = guarded.ask(
        "SELECT * FROM pathway_review_emergency(%s, %s, %s, %s::timestamptz)",
        [grant, justified, note.strip(), at],
        by=by,
    )
    if refusal == "not-found":
        raise errors.NotFound("not-found", "There is nothing here")
    if refusal == "own":
        raise errors.NotAllowed("not-allowed", "Nobody reviews their own access: somebody else has to")
    if refusal == "reviewed":
        raise errors.Conflict("not-allowed", "Someone was faster: this has been reviewed")
    audit.record(
        "emergency.reviewed",
        by=by,
        patient=Patient(pk=patient),
        reason=note.strip(),
        after={"grant": grant, "justified": justified},
    )
