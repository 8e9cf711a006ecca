"""The only place that asks what time it is, and it asks the database.

Everything below the doors takes `at`. A simulated clock stands in for `replay`, seeding, back-loading
imports and tests; it is per thread and per task, so a simulation never bends another's time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

from django.db import connection

BOOT = Path("/proc/sys/kernel/random/boot_id")
PROMPT = 1.0  # seconds within which the database has to answer for a reading to be a good one
TRIES = 3

_simulated: ContextVar[datetime | None] = ContextVar("simulated_clock", default=None)


def now() -> datetime:
    """The present instant with its zone: the simulated one, else the database's wall clock."""
    simulated = _simulated.get()
    return simulated if simulated is not None else real_now()


def real_now() -> datetime:
    """The database's wall clock, even under a simulation (for the audit) and inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        instant: datetime = cursor.fetchone()[0]
    return instant


def is_simulated() -> bool:
    return _simulated.get() is not None


def simulated_now() -> datetime | None:
    """The simulated instant; None while the clock is real."""
    return _simulated.get()


@contextmanager
def simulated(at: datetime) -> Iterator[None]:
    """Let the clock stand at this instant within the block."""
    token = _simulated.set(at)
    try:
        yield
    finally:
        _simulated.reset(token)


@dataclass(frozen=True, slots=True)
class Reading:
    """The database's clock beside two of this machine: the one that somebody may set, and the one that nobody can.

    `uptime` counts seconds since `machine` started, also those in which it was suspended, and is the same for all of
    its processes. Under a simulation there is nothing to compare: `machine` is empty then.
    """

    at: datetime
    machine: str = ""
    uptime: float = 0.0
    skew: timedelta | None = None  # this machine's wall clock, less the database's


def read() -> Reading:
    """One reading of all clocks; when the answer came late (a frozen process, a slow database), another one."""
    simulated = _simulated.get()
    if simulated is not None:
        return Reading(simulated)
    for _ in range(TRIES):
        before, wall = _uptime(), time.time()
        at = real_now()
        taken = _uptime() - before
        if taken <= PROMPT:
            break
    ours = datetime.fromtimestamp(wall, UTC) + timedelta(seconds=taken / 2)
    return Reading(at, _machine(), before + taken / 2, ours - at)


def _uptime() -> float:
    kind = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if kind is None else time.clock_gettime(kind)


@cache
def _machine() -> str:
    """One start of one machine; where the system does not name it, of one process."""
    try:
        return BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid4())
