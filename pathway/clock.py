"""The only place that asks what time it is, and it asks the database.

Everything below the doors takes `at`. A simulated clock stands in for `replay`, seeding, back-loading
imports and tests; it is per thread and per task, so a simulation never bends another's time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.db import connection

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
