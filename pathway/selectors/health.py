"""How well the machinery keeps up, told from the data: no process is asked whether it is alive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import connection
from django.db.models import Exists, Min, OuterRef, QuerySet

from pathway import clock
from pathway.models import (
    LIVE,
    CareTask,
    Delivery,
    DeliveryStatus,
    Dispatch,
    Enrollment,
    EnrollmentStatus,
    Heartbeat,
    OutboxHold,
    Reminder,
    SweepRun,
)

LATE = timedelta(minutes=5)
INTERVALS = 3  # of the sweep, after which one has to have finished
SKEWED = timedelta(seconds=2)
SET_LATELY = timedelta(days=1)
CLOCKS_DIFFER = timedelta(minutes=1)
# How often what is no sweep says that it is at work.
USUAL = {"judge": timedelta(minutes=15), "seal": timedelta(minutes=1), "keep": timedelta(hours=6)}


class Why(StrEnum):
    """Why reminders are late."""

    CLOCK = "clock"  # the database's clock may have jumped ahead
    CLOCK_BACK = "clock-back"  # it went back, and no sweep has finished since
    NEVER = "never"  # no sweep has finished yet
    NO_SWEEP = "no-sweep"
    BACKLOG = "backlog"  # somebody sweeps and does not keep up


@dataclass(frozen=True, slots=True)
class Lateness:
    """Reminders are late. `since`: what waits longest, or the last finished sweep; `until`: when a hold ends."""

    why: Why
    at: datetime
    since: datetime | None = None
    until: datetime | None = None

    @property
    def minutes(self) -> int:
        return 0 if self.since is None else int((self.at - self.since).total_seconds() // 60)


@dataclass(frozen=True, slots=True)
class Beat:
    """When a part of the machinery was last at work; `is_old`: it should have been since then."""

    age: timedelta
    skew: timedelta | None
    is_old: bool


@dataclass(frozen=True, slots=True)
class Step:
    """The database's clock was set, by so much."""

    by: timedelta
    at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """`lag`: how long the oldest reminder that is due has been waiting. `last_sweep`: the age of the last finished."""

    at: datetime
    lag: timedelta
    last_sweep: timedelta | None
    late: Lateness | None
    unresolved: int
    queued: int
    failed: int
    unjudged: int
    heartbeats: dict[str, Beat]
    is_outbox_held: bool
    skew: timedelta | None
    step: Step | None

    @property
    def is_late(self) -> bool:
        """Reminders wait too long, or nobody sweeps."""
        return self.late is not None

    @property
    def warnings(self) -> list[str]:
        """What somebody should look into, by short names; none of it keeps a reminder from being told."""
        found = {
            "clock-skew": self.skew is not None and abs(self.skew) > SKEWED,
            "clock-was-set": self.step is not None,
            "messages-failed": self.failed > 0,
            "not-judged": self.unjudged > 0,
            "outbox-held": self.is_outbox_held,
        }
        silent = [f"silent-{name}" for name, one in self.heartbeats.items() if one.is_old]
        return [name for name, holds in found.items() if holds] + silent


def state(at: datetime, skew: timedelta | None = None) -> Health:
    """What an operator wants to know; `skew` as the asking process has measured it."""
    pulse = _pulse(at)
    heartbeats = dict(_heartbeats(at))
    skews = [one for one in (skew, *(beat.skew for beat in heartbeats.values() if not beat.is_old)) if one is not None]
    return Health(
        at=at,
        lag=timedelta() if pulse.waiting is None else at - pulse.waiting,
        last_sweep=None if pulse.finished is None else max(at - pulse.finished, timedelta()),
        late=pulse.lateness(),
        unresolved=Reminder.objects.filter(resolved_at=None).count(),
        queued=Delivery.objects.filter(status=DeliveryStatus.QUEUED).count(),
        failed=Dispatch.objects.filter(status=DeliveryStatus.FAILED).count(),
        unjudged=unjudged(at),
        heartbeats=heartbeats,
        is_outbox_held=OutboxHold.objects.filter(released_at=None).exists(),
        skew=max(skews, key=abs, default=None),
        step=_step(at),
    )


def lateness() -> Lateness | None:
    """For the banner of every page: one statement, which asks the time itself."""
    return _pulse(clock.simulated_now()).lateness()


def lag(at: datetime) -> timedelta:
    """Zero when every rung whose time has come was climbed."""
    oldest = CareTask.objects.live().filter(next_rung_at__lte=at).aggregate(oldest=Min("next_rung_at"))["oldest"]
    return timedelta() if oldest is None else at - oldest


@dataclass(frozen=True, slots=True)
class _Pulse:
    at: datetime
    waiting: datetime | None  # the oldest rung that is due, or reminder whose persons nobody has named
    finished: datetime | None
    held_until: datetime | None

    def lateness(self) -> Lateness | None:
        if self.held_until is not None:
            return Lateness(Why.CLOCK, self.at, self.finished, self.held_until)
        if self.finished is None:
            return Lateness(Why.NEVER, self.at, self.waiting)
        if self.finished > self.at + CLOCKS_DIFFER:
            return Lateness(Why.CLOCK_BACK, self.at)
        if self.at - self.finished > INTERVALS * timedelta(seconds=settings.SWEEP_SECONDS):
            return Lateness(Why.NO_SWEEP, self.at, self.finished)
        if self.waiting is not None and self.at - self.waiting > LATE:
            return Lateness(Why.BACKLOG, self.at, self.waiting)
        return None


# Each part reads one row of an index, whatever the number of rows. The sweep that counts is the newest one, not the one
# with the latest time: the clock may have gone back.
_PULSE = """
SELECT m.at, least(
    (SELECT t.next_rung_at FROM pathway_caretask t
     WHERE t.status IN ('open', 'in-progress') AND t.next_rung_at <= m.at ORDER BY t.next_rung_at LIMIT 1),
    (SELECT r.created_at FROM pathway_reminder r WHERE r.resolved_at IS NULL ORDER BY r.created_at LIMIT 1)
), (
    SELECT s.finished_at FROM pathway_sweeprun s WHERE s.finished_at IS NOT NULL ORDER BY s.id DESC LIMIT 1
), (
    SELECT max(h.until) FROM pathway_clockhold h
    WHERE h.released_at IS NULL AND h.until > m.at AND h.found_at <= m.at + interval '1 minute'
) FROM (SELECT coalesce(%(at)s::timestamptz, clock_timestamp()) AS at) m
"""


def _pulse(at: datetime | None) -> _Pulse:
    with connection.cursor() as cursor:
        cursor.execute(_PULSE, {"at": at})
        return _Pulse(*cursor.fetchone())


def _heartbeats(at: datetime) -> Iterator[tuple[str, Beat]]:
    sweep = timedelta(seconds=settings.SWEEP_SECONDS)
    for row in Heartbeat.objects.order_by("component"):
        age = max(at - row.at, timedelta())
        # A command is run when somebody wants it.
        is_old = row.component != "command" and age > INTERVALS * USUAL.get(row.component, sweep)
        yield row.component, Beat(age, row.skew, is_old)


def _step(at: datetime) -> Step | None:
    newest = SweepRun.objects.filter(clock_step__isnull=False).order_by("-pk").first()
    if newest is None or newest.clock_step is None or at - newest.started_at > SET_LATELY:
        return None
    return Step(newest.clock_step, newest.started_at)


def untold() -> QuerySet[Reminder]:
    """Reminders of open tasks that reached nobody, because nobody on the team has the role."""
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


@dataclass(frozen=True, slots=True)
class Count:
    """Messages of one channel in one status."""

    channel: str
    status: str
    number: int


_OF_A_DAY = """
SELECT channel, status, count(*) FROM pathway_delivery WHERE queued_at > %(since)s GROUP BY 1, 2 ORDER BY 1, 2
"""
_REMINDERS = """
SELECT CASE WHEN resolved_at IS NULL THEN 'unresolved' ELSE 'resolved' END, count(*)
FROM pathway_reminder WHERE created_at > %(since)s GROUP BY 1 ORDER BY 1
"""


def deliveries_of_a_day(at: datetime) -> list[Count]:
    """Those laid out within the last 24 hours, by what has become of them."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_A_DAY, {"since": at - timedelta(days=1)})
        return [Count(*row) for row in cursor.fetchall()]


def reminders_of_a_day(at: datetime) -> dict[str, int]:
    """Those written within the last 24 hours: with persons named, and without."""
    with connection.cursor() as cursor:
        cursor.execute(_REMINDERS, {"since": at - timedelta(days=1)})
        return dict(cursor.fetchall())
