"""Whether the database's clock can be trusted: beside it runs one that nobody can set (`clock.Reading`).

A clock that is an hour or more ahead would make everything overdue at once, so nobody is reminded for ten minutes, or
until an operator says that the clock is right. A new process on a machine that has been running all the while sees at
once that the pause was real; after a restart of the machine nobody can tell a pause from a jump, and it is waited too.
A clock that goes back needs no hold: what was told stays told. It is written down, and `/status` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from pathway.clock import Reading
from pathway.models import ClockHold, SweepRun

JUMP = timedelta(hours=1)
WAIT = timedelta(minutes=10)
STEADY = timedelta(seconds=2)  # two clocks that run side by side differ by less
TURN = 7_278_002  # the advisory lock of those who find a jump; the number means nothing


@dataclass(frozen=True, slots=True)
class Step:
    """How far the clock went by itself since that turn. `is_witnessed`: by another clock; else it may be a pause."""

    by: timedelta
    since: datetime
    is_witnessed: bool


def step(reading: Reading) -> Step | None:
    """Against the last turn of this machine, else against the last finished one; None where there is none."""
    if not reading.machine:
        return None
    own = SweepRun.objects.filter(machine=reading.machine, uptime__isnull=False).order_by("-pk").first()
    if own is not None and own.uptime is not None:
        passed = timedelta(seconds=reading.uptime - own.uptime)
        return Step(reading.at - own.started_at - passed, own.started_at, is_witnessed=True)
    finished = SweepRun.objects.filter(finished_at__isnull=False).order_by("-pk").values_list("finished_at", flat=True)
    last = finished.first()
    return None if last is None else Step(reading.at - last, last, is_witnessed=False)


def check(reading: Reading) -> tuple[ClockHold | None, timedelta | None]:
    """The hold in force, which this reading may have begun; and how far the clock was set, where another one saw it."""
    found = step(reading)
    if found is not None and found.by > JUMP:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURN])
            if not _is_known(found, reading.at):
                ClockHold.objects.create(
                    found_at=reading.at, step=found.by, is_witnessed=found.is_witnessed, until=reading.at + WAIT
                )
    moved = found.by if found is not None and found.is_witnessed and abs(found.by) > STEADY else None
    return ClockHold.objects.in_force(reading.at).order_by("-until").first(), moved


def release(*, at: datetime, by: str) -> int:
    """Somebody says that the clock is right. Returns how many holds that ended."""
    return ClockHold.objects.in_force(at).update(released_at=at, released_by=by)


def _is_known(found: Step, at: datetime) -> bool:
    """Somebody has seen this jump already, and it was waited for or released."""
    holds = ClockHold.objects.filter(found_at__gt=found.since, found_at__lte=at)
    return any(found.by - hold.step <= JUMP for hold in holds)
