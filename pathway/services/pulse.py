"""The pulse of the machinery: who sweeps now, what each sweep found, and when each part was last at work."""

from __future__ import annotations

import http
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection

from pathway import egress
from pathway.clock import Reading
from pathway.models import Heartbeat, SweepRun

log = structlog.get_logger(__name__)

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


def begin_sweep(
    *,
    at: datetime,
    trigger: str,
    lag: timedelta | None,
    reading: Reading | None = None,
    clock_step: timedelta | None = None,
    is_held: bool = False,
) -> SweepRun:
    """One row per sweep, committed before it works, so that one that dies is seen too."""
    machine = {} if reading is None or not reading.machine else {"machine": reading.machine, "uptime": reading.uptime}
    return SweepRun.objects.create(
        started_at=at, trigger=trigger, lag_before=lag, clock_step=clock_step, is_held=is_held, **machine
    )


def finish_sweep(run: SweepRun, *, at: datetime, created: int, lag: timedelta) -> None:
    """The sweep got to its end; some of the oldest rows are forgotten."""
    run.finished_at, run.created, run.lag_after = at, created, lag
    run.save(update_fields=["finished_at", "created", "lag_after"])
    oldest = SweepRun.objects.order_by("pk").values("pk")[:FORGOTTEN_AT_ONCE]
    SweepRun.objects.filter(pk__in=oldest, started_at__lt=run.started_at - timedelta(days=KEPT_DAYS)).delete()


def beat(component: str, *, at: datetime, skew: timedelta | None = None) -> None:
    """That part of the machinery is at work."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(component=component, at=at, skew=skew)],
        update_conflicts=True,
        unique_fields=["component"],
        update_fields=["at", "skew"],
    )


def ping() -> None:
    """Tell a watcher elsewhere, where one is configured, that a sweep has finished. It says nothing else."""
    if not settings.PING_URL:
        return
    try:
        answer = egress.send(egress.Outbound(settings.PING_URL, method="GET"))
    except (egress.EgressRefused, egress.EgressFailed) as error:
        log.warning("the watcher could not be told", reason=str(error))
    else:
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            log.warning("the watcher refused", status=answer.status)
