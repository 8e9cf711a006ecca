"""A person's messages: the deliveries that reached their inbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pathway import access
from pathway.engine.schedule import local_day
from pathway.models import Delivery, DeliveryStatus, EmergencyReason, Notice, User
from pathway.selectors import shown, worklists
from pathway.vocabulary import Role

CHANNEL = "inbox"
PAGE = 50
NOTICES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Message:
    """`is_current`: the task it is about is still open."""

    pk: int
    uuid: UUID
    patient: str
    identifier: str
    title: str
    detail: str
    sent: str
    is_read: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A notice: what is no reminder of a task."""

    pk: int
    uuid: UUID
    patient: str
    identifier: str
    title: str
    detail: str
    sent: str
    is_read: bool


@dataclass(frozen=True, slots=True)
class Inbox:
    messages: Sequence[Message]
    notices: Sequence[Told]  # on the first page only
    next: int | None
    patient_pks: list[int]


def unread(user: User, at: datetime) -> int:
    return _visible(user, at).filter(read_at=None).count() + _notices(user, at).filter(read_at=None).count()


def messages(user: User, at: datetime, *, before: int | None = None) -> Inbox:
    """Newest first."""
    rows = _visible(user, at)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    found = list(
        rows.select_related("reminder__task__activity", "reminder__task__enrollment__patient__site").order_by("-pk")[
            : PAGE + 1
        ]
    )
    page = found[:PAGE]
    notices = list(_notices(user, at).order_by("-at", "-pk")[:NOTICES_SHOWN]) if before is None else []
    return Inbox(
        [_message(row, at) for row in page],
        [_told(row) for row in notices],
        page[-1].pk if len(found) > PAGE else None,
        sorted({row.reminder.task.enrollment.patient_id for row in page} | {row.patient_id for row in notices}),
    )


def _visible(user: User, at: datetime) -> QuerySet[Delivery]:
    """Messages about a patient who is not visible any more are not shown, and not counted."""
    rows = Delivery.objects.filter(person=user, channel=CHANNEL, status=DeliveryStatus.SENT)
    return rows.filter(reminder__task__enrollment__patient__in=access.patients(user, at))


def _notices(user: User, at: datetime) -> QuerySet[Notice]:
    rows = Notice.objects.filter(person=user, patient__in=access.patients(user, at))
    return rows.select_related("patient__site", "emergency__user")


def _told(row: Notice) -> Told:
    patient, emergency = row.patient, row.emergency
    why = f"{EmergencyReason(emergency.reason_code).label}: {emergency.reason}"
    return Told(
        pk=row.pk,
        uuid=patient.uuid,
        patient=str(patient),
        identifier=patient.identifier,
        title=row.get_kind_display(),
        detail=_("%(who)s. %(why)s") % {"who": emergency.user.display_name, "why": why},
        sent=shown.moment(row.at, patient.site),
        is_read=row.read_at is not None,
    )


def _message(row: Delivery, at: datetime) -> Message:
    task = row.reminder.task
    patient = task.enrollment.patient
    today = local_day(at, patient.site.time_zone)
    late = worklists.lateness(task.due_on, today)
    is_current = task.closed_at is None
    state = late if is_current else task.get_status_display()
    role = Role(row.reminder.to_role).label
    detail = _("due %(day)s (%(state)s), to %(role)s") % {
        "day": shown.day(task.due_on),
        "state": state,
        "role": role,
    }
    return Message(
        pk=row.pk,
        uuid=patient.uuid,
        patient=str(patient),
        identifier=patient.identifier,
        title=f"{task.activity.title} {task.label}".strip(),
        detail=f"{detail}; {row.reason}" if row.reason else detail,
        sent=shown.moment(row.sent_at, patient.site),
        is_read=row.read_at is not None,
        is_current=is_current,
    )
