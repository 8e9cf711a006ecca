"""Every change leaves a row here, in the same transaction: who, what, when, why, before and after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db.models import DateTimeField, Func

from pathway.models import AuditEvent, Patient, User

_gathered: ContextVar[list[AuditEvent] | None] = ContextVar("gathered_audit", default=None)


def real_time() -> Func:
    """The wall clock of the database as it writes the row, whatever clock is simulated."""
    return Func(function="clock_timestamp", output_field=DateTimeField())


@contextmanager
def gathered() -> Iterator[None]:
    """Write all events of the block in one statement at its end; none if it is left by an exception."""
    if _gathered.get() is not None:
        yield
        return
    events: list[AuditEvent] = []
    token = _gathered.set(events)
    try:
        yield
    finally:
        _gathered.reset(token)
    AuditEvent.objects.bulk_create(events)


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
    event = AuditEvent(
        at=real_time(),
        action=action,
        actor=by,
        patient=patient,
        subject="" if subject is None else f"{subject._meta.model_name}:{subject.pk}",
        reason=reason,
        before=before,
        after=after,
    )
    events = _gathered.get()
    if events is None:
        event.save()
    else:
        events.append(event)


def read(action: str, *, by: User, patients: list[int]) -> None:
    """Somebody looked: one row for a list, with the ids that were on it."""
    AuditEvent.objects.create(
        at=real_time(),
        action=action,
        actor=by,
        patient_id=patients[0] if len(patients) == 1 else None,
        patients=patients,
    )
