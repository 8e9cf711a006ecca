"""What carries a task to a person: reminders, their deliveries, and the pulse of the machinery that sends them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pathway.models.care_tasks import CareTask
from pathway.models.people import User
from pathway.vocabulary import Role


class Reminder(models.Model):
    """One rung of one task for one due date."""

    task = models.ForeignKey(CareTask, models.PROTECT, related_name="reminders")
    due_on = models.DateField()
    rung = models.CharField(max_length=32)
    to_role = models.CharField(max_length=32, choices=Role)
    on = models.DateField()
    created_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)  # its deliveries were laid out

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "due_on", "rung"], name="one_reminder_per_rung")]
        indexes = [
            # Read by delivery: reminders whose persons are not yet named.
            models.Index(fields=["created_at"], condition=Q(resolved_at=None), name="reminder_unresolved"),
        ]

    def __str__(self) -> str:
        return f"{self.rung} for {self.task_id}"


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", _("queued")
    IN_FLIGHT = "in-flight", _("in flight")
    SENT = "sent", _("sent")
    CANCELLED = "cancelled", _("cancelled")
    FAILED = "failed", _("failed")


class Delivery(models.Model):
    """The outbox: one message to one person by one channel. Moved by compare-and-set."""

    reminder = models.ForeignKey(Reminder, models.PROTECT, related_name="deliveries")
    person = models.ForeignKey(User, models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=16, default="inbox")
    key = models.UUIDField(unique=True)  # deterministic: the same message always has the same key
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.QUEUED)
    reason = models.CharField(max_length=200, blank=True)
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reminder", "person", "channel"], name="one_delivery_per_person_and_channel"
            ),
        ]
        indexes = [
            models.Index(fields=["queued_at"], condition=Q(status="queued"), name="delivery_queued"),
            models.Index(fields=["person", "-sent_at"], name="delivery_inbox"),
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.person_id}"


DELIVERY_NAMESPACE = uuid.UUID("6f0b3d0a-6d5c-5a0e-9d4f-0c2b1f7d9a11")


def delivery_key(task_id: int, due_on: str, rung: str, person_id: int, channel: str) -> uuid.UUID:
    """The idempotency key, made from exactly what makes a delivery unique."""
    return uuid.uuid5(DELIVERY_NAMESPACE, f"{task_id}:{due_on}:{rung}:{person_id}:{channel}")


class SweepRun(models.Model):
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    created = models.PositiveIntegerField(default=0)
    lag_before = models.DurationField(null=True, blank=True)
    trigger = models.CharField(max_length=16)

    def __str__(self) -> str:
        return f"{self.trigger} {self.started_at}"


class Heartbeat(models.Model):
    component = models.CharField(max_length=32, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.component} {self.at}"
