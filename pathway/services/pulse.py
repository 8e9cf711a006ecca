"""The pulse of the machinery: who sweeps now, what each sweep found, and when each part was last at work."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection

from pathway.models import Heartbeat, SweepRun

TURN = 7_278_001  # the advisory lock of the sweep; the number means nothing
KEPT_DAYS = 30
FORGOTTEN_AT_ONCE = 10


def take_turn() -> bool:
    """True when no other sweep is at work until this transaction ends.

    It only saves work: what makes two sweeps at once harmless are unique keys and row locks.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [TURN])
        taken = cursor.fetchone()
    return bool(taken and taken[0])


def begin_sweep(*, at: datetime, trigger: str, lag: timedelta | None) -> SweepRun:
    """One row per sweep, committed before it works, so that one that dies is seen too."""
    return SweepRun.objects.create(started_at=at, trigger=trigger, lag_before=lag)


def finish_sweep(run: SweepRun, *, at: datetime, created: int) -> None:
    """The sweep got to its end; some of the oldest rows are forgotten."""
    run.finished_at, run.created = at, created
    run.save(update_fields=["finished_at", "created"])
    oldest = SweepRun.objects.order_by("pk").values("pk")[:FORGOTTEN_AT_ONCE]
    SweepRun.objects.filter(pk__in=oldest, started_at__lt=run.started_at - timedelta(days=KEPT_DAYS)).delete()


def beat(component: str, *, at: datetime) -> None:
    """That part of the machinery is at work."""
    Heartbeat.objects.update_or_create(component=component, defaults={"at": at})
