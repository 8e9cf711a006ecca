"""What carries a task to a person: reminders, their deliveries, and the pulse of the machinery that sends them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pathway.models.care_tasks import CareTask
from pathway.models.people import Site, User
from pathway.vocabulary import Role

CLOCKS_DIFFER = timedelta(minutes=1)  # by which readings of one clock, taken in one turn, may lie apart


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
            # Read by selectors.health: those of the last day. Rows come in the order of time, so it is tiny.
            BrinIndex(fields=["created_at"], name="reminder_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.rung} for {self.task_id}"


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", _("queued")
    IN_FLIGHT = "in-flight", _("in flight")
    SENT = "sent", _("sent")
    CANCELLED = "cancelled", _("cancelled")
    FAILED = "failed", _("failed")


class Urgency(models.IntegerChoices):
    """How soon somebody has to hear of it. What is more than routine leaves at once, by itself."""

    ROUTINE = 0, _("routine")
    ESCALATED = 1, _("escalated")  # the last rung of the ladder
    PRESSING = 2, _("pressing")  # an urgent alert that is still open asks for the task


class Dispatch(models.Model):
    """What leaves the server for one person by one channel: a single message, or the digest of a day.

    Claimed by lease: whoever sends it has `lease_token`, and settles it only while that is still theirs. A digest that
    `is_open` takes in more; once it was claimed it stays what it is, and so does its key, however often it is tried.
    """

    class Kind(models.TextChoices):
        SINGLE = "single", _("single message")
        DIGEST = "digest", _("digest")

    person = models.ForeignKey(User, models.PROTECT, related_name="dispatches")
    site = models.ForeignKey(Site, models.PROTECT, related_name="dispatches")  # whose hours and name it has
    channel = models.CharField(max_length=16)
    kind = models.CharField(max_length=8, choices=Kind)
    day = models.DateField()  # at the site; a person has at most one digest per channel and day
    key = models.UUIDField(unique=True)  # deterministic: its Message-ID
    urgency = models.PositiveSmallIntegerField(choices=Urgency, default=Urgency.ROUTINE)
    is_open = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.QUEUED)
    reason = models.CharField(max_length=200, blank=True)
    items = models.PositiveIntegerField(default=0)  # reminders that it told of, or would have
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()  # not before this moment
    lease_until = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    last_error = models.CharField(max_length=60, blank=True)  # a class of errors: no address, no text
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "dispatches"
        constraints = [
            models.UniqueConstraint(
                fields=["person", "channel"], condition=Q(is_open=True), name="one_open_digest_per_channel"
            ),
            models.CheckConstraint(condition=Q(status__in=DeliveryStatus.values), name="known_dispatch_status"),
            models.CheckConstraint(
                condition=~Q(status=DeliveryStatus.IN_FLIGHT) | Q(lease_until__isnull=False, lease_token__isnull=False),
                name="in_flight_is_leased",
            ),
        ]
        indexes = [
            # Read by delivery.outbox: what waits for its moment, or for the end of somebody's lease.
            models.Index(fields=["next_at"], condition=Q(status__in=["queued", "in-flight"]), name="dispatch_waiting"),
            # Read by delivery.laying_out: how many single messages a person had within an hour, and which digests.
            models.Index(fields=["person", "channel", "-next_at"], name="dispatch_person"),
            models.Index(fields=["site", "-next_at"], condition=Q(status="failed"), name="dispatch_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.person_id} by {self.channel}"


class OutboxHold(models.Model):
    """While it stands, nothing leaves by any channel but the inbox. `site` None: nothing of the whole server."""

    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="outbox_holds")
    held_at = models.DateTimeField()
    held_by = models.CharField(max_length=150)
    reason = models.CharField(max_length=200)
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site"], condition=Q(released_at=None), nulls_distinct=False, name="one_hold_at_a_time"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="outbox_hold_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.site_id or 'everything'} held since {self.held_at}"


class Delivery(models.Model):
    """The outbox: one message to one person by one channel. Moved by compare-and-set.

    By the inbox it is sent by itself; by other channels it belongs to the dispatch that carries it.
    """

    reminder = models.ForeignKey(Reminder, models.PROTECT, related_name="deliveries")
    person = models.ForeignKey(User, models.PROTECT, related_name="deliveries")
    channel = models.CharField(max_length=16, default="inbox")
    key = models.UUIDField(unique=True)  # deterministic: the same message always has the same key
    status = models.CharField(max_length=10, choices=DeliveryStatus, default=DeliveryStatus.QUEUED)
    reason = models.CharField(max_length=200, blank=True)  # of the end, or why this person was told
    urgency = models.PositiveSmallIntegerField(choices=Urgency, default=Urgency.ROUTINE, db_default=0)
    dispatch = models.ForeignKey(Dispatch, models.SET_NULL, null=True, blank=True, related_name="deliveries")
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
            # Read by delivery.inbox and delivery.laying_out: what neither was sent nor belongs to a dispatch yet.
            models.Index(
                fields=["-urgency", "queued_at", "id"],
                condition=Q(status="queued", dispatch=None),
                name="delivery_queued",
            ),
            models.Index(fields=["person", "-sent_at"], name="delivery_inbox"),
            BrinIndex(fields=["queued_at"], name="delivery_by_time"),  # as that of reminders
        ]

    def __str__(self) -> str:
        return f"{self.channel} to {self.person_id}"


DELIVERY_NAMESPACE = uuid.UUID("6f0b3d0a-6d5c-5a0e-9d4f-0c2b1f7d9a11")


def delivery_key(task_id: int, due_on: str, rung: str, person_id: int, channel: str) -> uuid.UUID:
    """The idempotency key, made from exactly what makes a delivery unique."""
    return uuid.uuid5(DELIVERY_NAMESPACE, f"{task_id}:{due_on}:{rung}:{person_id}:{channel}")


def digest_key(person_id: int, channel: str, day: str) -> uuid.UUID:
    """That of the digest of a person's day."""
    return uuid.uuid5(DELIVERY_NAMESPACE, f"digest:{person_id}:{channel}:{day}")


class SweepRun(models.Model):
    """One turn of the sweep. `machine` and `uptime` tell how much time has passed by a clock that nobody sets."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    created = models.PositiveIntegerField(default=0)
    lag_before = models.DurationField(null=True, blank=True)
    lag_after = models.DurationField(null=True, blank=True)
    trigger = models.CharField(max_length=16)
    machine = models.CharField(max_length=40, blank=True)  # one start of one machine; empty where nobody asked
    uptime = models.FloatField(null=True, blank=True)  # seconds since that start
    # How far the database's clock had moved by itself since the turn before; empty where it had not.
    clock_step = models.DurationField(null=True, blank=True)
    is_held = models.BooleanField(default=False)  # nothing was done, because the clock was not trusted

    class Meta:
        indexes = [
            # Read by selectors.health: whether the clock was set lately.
            models.Index(fields=["id"], condition=Q(clock_step__isnull=False), name="sweep_clock_step"),
        ]

    def __str__(self) -> str:
        return f"{self.trigger} {self.started_at}"


class ClockHoldQuerySet(models.QuerySet["ClockHold"]):
    def in_force(self, at: datetime) -> ClockHoldQuerySet:
        """Neither released nor over; one that lies ahead ended when the clock went back to where it was."""
        return self.filter(released_at=None, until__gt=at, found_at__lte=at + CLOCKS_DIFFER)


class ClockHold(models.Model):
    """The database's clock went forward too far for an ordinary pause: nobody is reminded until somebody has looked."""

    found_at = models.DateTimeField()  # by the clock in question
    step = models.DurationField()
    is_witnessed = models.BooleanField()  # another clock went on meanwhile and contradicts; else it may be a downtime
    until = models.DateTimeField()
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=150, blank=True)

    objects = ClockHoldQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.step} at {self.found_at}"


class Heartbeat(models.Model):
    component = models.CharField(max_length=32, unique=True)
    at = models.DateTimeField()
    skew = models.DurationField(null=True, blank=True)  # the clock of its machine, less that of the database

    def __str__(self) -> str:
        return f"{self.component} {self.at}"
