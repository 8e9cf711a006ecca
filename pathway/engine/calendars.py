"""Calendars: fixed dates from an anchor, such as the liver tests after a drug was started.

The dates do not move with what is done; only what recurs after the last of them does
(CONVENTIONS 28, tables of vocabulary 7.4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from pathway.engine.definitions import Calendar


@dataclass(frozen=True, slots=True)
class Completion:
    """A result that completes the activity, or a completion (or skip) by hand, on its effective day."""

    day: date
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Position:
    """How far a calendar has come.

    `done`: labels completed or missed. `next`: label and day of what is due next, without a label
    once only the recurrence is left, None when the calendar has ended. `last`: the day of the last
    completion that counted for a date or for the recurrence.
    """

    done: int
    next: tuple[str | None, date] | None
    last: date | None


def plan(calendar: Calendar, anchor: date) -> list[tuple[str, date]]:
    """Every label with its day, in order."""
    return [(one.label, one.offset.after(anchor)) for one in calendar.dates]


def position(calendar: Calendar, anchor: date, completions: Iterable[Completion], *, goes_on: bool = True) -> Position:
    """Fold the completions, in order of their days, over the calendar.

    What was done before the anchor belongs to something else and is ignored. `goes_on` is False
    when the calendar's `then_while` is known to be false: nothing recurs after the last date.
    """
    dates = plan(calendar, anchor)
    done, last = 0, None
    for completion in sorted(completions, key=lambda one: one.day):
        if completion.day < anchor:
            continue
        reached = _reached(dates, completion, done, calendar.tolerance_days)
        recurs = done == len(dates) and calendar.then_every is not None
        if reached > done or (recurs and (last is None or completion.day > last)):
            done, last = reached, completion.day
    return Position(done, _next(calendar, dates, done, last or anchor, goes_on), last)


def planned(calendar: Calendar, anchor: date, completions: Iterable[Completion]) -> dict[str, date]:
    """Coming labels with their days; an overdue one stays until it is completed or missed."""
    return dict(plan(calendar, anchor)[position(calendar, anchor, completions).done :])


def window(calendar: Calendar, anchor: date, done: int) -> tuple[date | None, date | None]:
    """Between which days a completion counts for the next date and for no other; no bounds for what recurs after them.

    The last date has no end: nothing comes that it could be taken for.
    """
    days = [day for _, day in plan(calendar, anchor)[done : done + 2]]
    tolerance = timedelta(days=calendar.tolerance_days)
    first = days[0] - tolerance if days else None
    last = days[1] - tolerance - timedelta(days=1) if len(days) > 1 else None
    return first, last


def _reached(dates: list[tuple[str, date]], completion: Completion, done: int, tolerance_days: int) -> int:
    """How many dates are over with this completion; those that it passes unfinished count as missed."""
    tolerance = timedelta(days=tolerance_days)
    reached = sum(1 for _, day in dates if completion.day >= day - tolerance)
    at_least = min(done + 1, len(dates)) if completion.by_hand else done
    return max(reached, at_least)


def _next(
    calendar: Calendar, dates: list[tuple[str, date]], done: int, last: date, goes_on: bool
) -> tuple[str | None, date] | None:
    if done < len(dates):
        return dates[done]
    if calendar.then_every is None or not goes_on:
        return None
    return None, calendar.then_every.after(last)
