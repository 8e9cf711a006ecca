"""Every change leaves a row here, in the same transaction: who, what, when, why, before and after."""

from __future__ import annotations

from typing import Any

from pathway import clock
from pathway.models import AuditEvent, Patient, User


def record(
    action: str,
    *,
    by: User | None,
    patient: Patient | None = None,
    subject: Any = None,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add one event. `by` None means that the server itself acted. Always in real time."""
    AuditEvent.objects.create(
        at=clock.real_now(),
        action=action,
        actor=by,
        patient=patient,
        subject="" if subject is None else f"{subject._meta.model_name}:{subject.pk}",
        reason=reason,
        before=before,
        after=after,
    )


def read(action: str, *, by: User, patients: list[int]) -> None:
    """Somebody looked: one row for a list, with the ids that were on it."""
    AuditEvent.objects.create(
        at=clock.real_now(),
        action=action,
        actor=by,
        patient_id=patients[0] if len(patients) == 1 else None,
        patients=patients,
    )
