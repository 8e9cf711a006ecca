"""The ladder of an open task: who is reminded of it on which day (vocabulary 8, CONVENTIONS 31-33).

A rung has one day. One whose day had come before the due date was set, or while the enrollment was
on hold, is never made up for; after the machinery was down, only the latest that has come is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from pathway.engine.definitions import Rung

OWNER = "owner"


def rung_days(due: date, rungs: Iterable[Rung]) -> list[tuple[Rung, date]]:
    """Every rung with its day, earliest first."""
    ordered = sorted(rungs, key=lambda rung: rung.offset_days)
    return [(rung, due + timedelta(days=rung.offset_days)) for rung in ordered]


def next_rung(
    due: date, rungs: Iterable[Rung], after: date, paused_until: date | None = None
) -> tuple[Rung, date] | None:
    """The next rung to be sent, or None when the ladder is at its end.

    `after` is the day the due date was last set, or the day of the last rung sent, whichever is
    later; a rung of that very day is over. `paused_until` is the first day on which messages may go.
    """
    return next(iter(_left(due, rungs, after, paused_until)), None)


def current_rung(
    due: date, rungs: Iterable[Rung], today: date, after: date, paused_until: date | None = None
) -> tuple[Rung, date] | None:
    """The latest rung whose day has come: all that a sweep sends which missed some days."""
    come = [(rung, day) for rung, day in _left(due, rungs, after, paused_until) if day <= today]
    return come[-1] if come else None


def recipient(rung: Rung, owner: str) -> str:
    """The role a rung goes to; `owner` is the role that has the task, reassigned or not."""
    return owner if rung.to == OWNER else rung.to


def _left(due: date, rungs: Iterable[Rung], after: date, paused_until: date | None) -> list[tuple[Rung, date]]:
    return [
        (rung, day)
        for rung, day in rung_days(due, rungs)
        if day > after and (paused_until is None or day >= paused_until)
    ]
