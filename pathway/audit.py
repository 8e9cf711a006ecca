"""Every change and every read leaves a row here, in the same transaction: who, what, when, why, from where.

If the row cannot be written, nothing was done and nothing is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, CharField, DateTimeField, Func, Value

from pathway import clock, origin
from pathway.models import AuditEvent, Patient, Purpose, User

_gathered: ContextVar[list[AuditEvent] | None] = ContextVar("gathered_audit", default=None)

NEAREST_FIRST = ("team", "cover", "emergency")  # who is on the team does not break the glass
NOT_FOUND = "access.not-found"  # asked for something that is missing or not visible: the event does not tell which
MOST_AT_ONCE = 4000  # rows of one statement, which takes 65,535 parameters
BROKEN_GLASS = "emergency.started"
REFUSED = "access.refused"  # sees the patient, and the role does not allow it


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
    AuditEvent.objects.bulk_create(events, batch_size=MOST_AT_ONCE)


def record(
    action: str,
    *,
    by: User | None,
    patient: Patient | None = None,
    subject: Any = None,
    reason: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    patients: Sequence[int] | None = None,
) -> None:
    """Add one event. `by` None means that the server itself acted. Always in real time."""
    ways = "emergency" if action == BROKEN_GLASS else _known_ways(by, patient)
    event = AuditEvent(
        at=real_time(),
        action=action,
        actor=by,
        patient=patient,
        subject="" if subject is None else f"{subject._meta.model_name}:{subject.pk}",
        reason=reason,
        before=before,
        after=after,
        patients=None if patients is None else list(patients),
        ways=ways or "",
        **_where_from(_purpose(by, ways, concerns_patient=patient is not None or bool(patients))),
    )
    events = _gathered.get()
    if events is None:
        event.save()
    else:
        events.append(event)


def read(action: str, *, by: User, patients: list[int], purpose: str = "", about: str = "") -> None:
    """Somebody looked: one row for a list, with the ids that were on it; `about` names what else it was about."""
    one = patients[0] if len(patients) == 1 else None
    ways = _known_ways(by, one)
    AuditEvent.objects.create(
        at=real_time(),
        action=action,
        actor=by,
        patient_id=one,
        patients=patients,
        subject=about,
        ways=_asked_ways(by, patients) if ways is None and patients else ways or "",
        **_where_from(purpose or _purpose(by, ways, concerns_patient=True)),
    )


def refused(action: str, *, by: User, subject: str) -> None:
    """Somebody asked for what they did not get. `subject` is what the address named, whether or not it exists.

    Whether it exists is looked up when the audit is read, so the refusal itself costs the same in both cases.
    """
    given = _where_from(_purpose(by, None, concerns_patient=True))
    AuditEvent.objects.create(at=real_time(), action=action, actor=by, subject=subject[:64], **given)


def _where_from(purpose: str) -> dict[str, Any]:
    present = origin.present()
    return {
        "purpose": purpose,
        "address": present.address if present else None,
        "request": present.request if present else None,
    }


def _purpose(by: User | None, ways: str | None, *, concerns_patient: bool) -> str:
    if by is None:
        return Purpose.OPERATION
    if ways == "emergency":
        return Purpose.EMERGENCY
    present = origin.present()
    if present is not None and present.purpose:
        return present.purpose
    return Purpose.TREATMENT if concerns_patient else Purpose.ADMINISTRATION


def _known_ways(by: User | None, patient: Patient | int | None) -> str | None:
    """The nearest way, where a door of this request has asked for it; None where nobody has."""
    present = origin.present()
    if present is None or by is None or patient is None:
        return None
    ways = present.ways.get((by.pk, patient if isinstance(patient, int) else patient.pk))
    return None if ways is None else next((way for way in NEAREST_FIRST if way in ways), "")


def _asked_ways(by: User, patients: list[int]) -> Func:
    """The database finds the ways as it writes the row, so that a read stays one statement."""
    return Func(
        Value(by.pk, BigIntegerField()),
        Value(patients, ArrayField(BigIntegerField())),
        Value(clock.simulated_now(), DateTimeField()),
        function="pathway_ways",
        output_field=CharField(),
    )
