"""A legal hold: while it stands nobody erases the record."""

from __future__ import annotations

from datetime import datetime

from pathway import audit, errors
from pathway.models import LegalHold, Patient, User


def place(patient: Patient, *, reason: str, at: datetime, by: User) -> LegalHold:
    _need(reason)
    hold = LegalHold.objects.create(patient=patient, reason=reason, placed_by=by, since=at)
    audit.record("record.held", by=by, patient=patient, subject=hold, reason=reason)
    return hold


def release(patient: Patient, hold_id: int, *, reason: str, at: datetime, by: User) -> None:
    """The record falls under the policy again. Raises NotFound for a hold of somebody else or one released before."""
    _need(reason)
    hold = LegalHold.objects.select_for_update().filter(pk=hold_id, patient=patient, released_at=None).first()
    if hold is None:
        raise errors.NotFound("not-found", "There is no such hold")
    hold.released_by, hold.released_at, hold.release_reason = by, at, reason
    hold.save(update_fields=["released_by", "released_at", "release_reason"])
    audit.record("record.released", by=by, patient=patient, subject=hold, reason=reason)


def _need(reason: str) -> None:
    if not reason.strip():
        raise errors.InvalidEntry("not-allowed", "This needs a reason", "reason")
