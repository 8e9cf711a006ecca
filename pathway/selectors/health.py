"""How well the machinery keeps up, told from the data: no process is asked whether it is alive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists, Max, Min, OuterRef, QuerySet

from pathway.models import (
    LIVE,
    CareTask,
    Delivery,
    DeliveryStatus,
    Enrollment,
    EnrollmentStatus,
    Heartbeat,
    Reminder,
    SweepRun,
)

LATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Health:
    """`lag`: how long the oldest reminder that is due has been waiting. `last_sweep`: the age of the last finished."""

    lag: timedelta
    last_sweep: timedelta | None
    unresolved: int
    queued: int
    heartbeats: dict[str, datetime]

    @property
    def is_late(self) -> bool:
        """Reminders wait too long, or nobody sweeps."""
        return self.lag > LATE or self.last_sweep is None or self.last_sweep > LATE


def state(at: datetime) -> Health:
    """What an operator, and the foot of every page, want to know."""
    finished = SweepRun.objects.aggregate(last=Max("finished_at"))["last"]
    return Health(
        lag=lag(at),
        last_sweep=None if finished is None else max(at - finished, timedelta()),
        unresolved=Reminder.objects.filter(resolved_at=None).count(),
        queued=Delivery.objects.filter(status=DeliveryStatus.QUEUED).count(),
        heartbeats=dict(Heartbeat.objects.order_by("component").values_list("component", "at")),
    )


def lag(at: datetime) -> timedelta:
    """Zero when every rung whose time has come was climbed."""
    oldest = CareTask.objects.live().filter(next_rung_at__lte=at).aggregate(oldest=Min("next_rung_at"))["oldest"]
    return timedelta() if oldest is None else at - oldest


def untold() -> QuerySet[Reminder]:
    """The gap list: reminders of open tasks that reached nobody, because nobody on the team has the role."""
    reached = Delivery.objects.filter(reminder=OuterRef("pk")).exclude(status=DeliveryStatus.CANCELLED)
    return (
        Reminder.objects.filter(
            ~Exists(reached),
            resolved_at__isnull=False,
            task__in=CareTask.objects.live(),
            task__enrollment__status__in=(EnrollmentStatus.ACTIVE, EnrollmentStatus.DECEASED),
        )
        .select_related("task__activity", "task__enrollment__patient__site")
        .order_by("created_at", "pk")
    )


def unjudged(at: datetime) -> int:
    """Live enrollments whose daily judging is more than a day behind."""
    behind = Enrollment.objects.filter(status__in=LIVE, judged_on__lt=(at - timedelta(days=2)).date())
    return int(behind.count())
