"""Dates out of intervals: anchors, calendar months, windows, working days; and the instants of dates.

Due dates are local dates; an instant is derived from a day at the very end. Months clamp to the month's end and
are counted from the anchor, never chained (31 January + 1 mo + 1 mo is 31 March's neighbour
only when each is counted from 31 January).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import holidays
from dateutil.relativedelta import relativedelta

if TYPE_CHECKING:  # definitions is built from Period, so only the type checker may look back
    from pathway.engine.definitions import Row

WorkingDay = Callable[[date], bool]
ShiftRule = Literal["none", "next", "previous", "nearest"]

SHIFT_RULES: tuple[ShiftRule, ...] = ("none", "next", "previous", "nearest")
SHIFT_LIMIT = 60  # days; longer than most closures, and an end to the search
# Steps of one day in the order in which they are tried; a second search follows where the first finds nothing.
_STEPS: Mapping[ShiftRule, tuple[tuple[int, ...], ...]] = {
    "next": ((1,), (-1,)),
    "previous": ((-1,), (1,)),
    "nearest": ((-1, 1),),
}
_PERIOD = re.compile(r"^(\d{1,4}) ?(d|wk|mo|a)$")


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar interval such as `14 d`, `2 wk`, `3 mo`, `1 a`."""

    amount: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> Period:
        """Raises ValueError, naming the text, when it is not a period."""
        match = _PERIOD.match(str(text).strip())
        if match is None:
            raise ValueError(f"not a period (such as '14 d' or '3 mo'): {text!r}")
        return cls(int(match.group(1)), match.group(2))

    def after(self, day: date) -> date:
        return day + self._delta(self.amount)

    def before(self, day: date) -> date:
        return day - self._delta(self.amount)

    def times(self, count: int) -> Period:
        return Period(self.amount * count, self.unit)

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"

    def _delta(self, amount: int) -> timedelta | relativedelta:
        if self.unit == "mo":
            return relativedelta(months=amount)
        if self.unit == "a":
            return relativedelta(years=amount)
        return timedelta(days=amount * (7 if self.unit == "wk" else 1))


FURTHEST = Period(10, "a")  # nobody plans further ahead; a year typed wrong does [D]


def is_too_far(day: date, today: date) -> bool:
    """Whether a day that somebody names lies so far ahead that it must be a slip."""
    return day > FURTHEST.after(today)


# rows of a pathway's schedule (CONVENTIONS 22-26)


def first_due(row: Row, enrolled: date) -> date:
    """Due day of the task that enrolment opens: enrolment + first (else entry, else every).

    Raises ValueError for a row that names no interval at all.
    """
    return _first_interval(row).after(enrolled)


def entry_due(row: Row, *, entered: date, open_due: date | None, last: date | None) -> date:
    """Due day once a stage is entered, or once another row of the activity comes to apply.

    `open_due` is the due day of the activity's open task, `last` the day of its last completion
    since enrolment. A `once` row has no interval: its `first` stands in for it. Whether a `once`
    task was done in this stage before is for the caller to know. CONVENTIONS 24 and 25; a
    speed-up only ever brings the open task forward, or opens one.

    Raises ValueError for a row that names no interval at all.
    """
    if row.entry is not None:
        return _earlier(open_due, row.entry.after(entered))
    interval = row.every or _first_interval(row)
    if last is not None:
        return max(interval.after(last), entered)
    if open_due is not None:
        return min(open_due, interval.after(entered))
    return _first_interval(row).after(entered)


def next_due(row: Row, last: date) -> date:
    """Due day after a completion on `last`; early or late, it counts from there.

    Raises ValueError for a row that does not recur.
    """
    if row.every is None:
        raise ValueError(f"{row.activity} does not recur in {', '.join(row.stages)}")
    return row.every.after(last)


def _first_interval(row: Row) -> Period:
    interval = row.first or row.entry or row.every
    if interval is None:
        raise ValueError(f"{row.activity} in {', '.join(row.stages)} has neither first, entry nor every")
    return interval


def _earlier(one: date | None, other: date) -> date:
    return other if one is None else min(one, other)


# days on which a clinic works


def working_days(country: str | None, weekdays: Collection[int], closures: Collection[date] = ()) -> WorkingDay:
    """A test for the days on which a site works.

    `country` is a code of the `holidays` library, with a subdivision after a hyphen where
    wanted (`GB`, `GB-SCT`), or None for no public holidays; `weekdays` count from Monday = 0.
    Raises ValueError for an unknown country or a site that never works.
    """
    if not set(weekdays) & set(range(7)):
        raise ValueError("a site works on at least one weekday (0 = Monday … 6 = Sunday)")
    public = _public_holidays(country) if country else None
    return lambda day: day.weekday() in weekdays and day not in closures and (public is None or day not in public)


def shifted(
    day: date, rule: ShiftRule, is_working: WorkingDay, *, first: date | None = None, last: date | None = None
) -> date:
    """The due day moved off a day without clinic; the anchor of the next one does not move with it.

    `nearest` prefers the earlier of two equally near days: a check a day early is the safer one. The day never leaves
    its window from `first` to `last` (None: no such end); where the rule's own direction finds nothing in it, the other
    one is tried, and a window without any working day leaves the day as it is. So does a site that is closed for
    more than `SHIFT_LIMIT` days: a due day that nobody works on is better than none.
    """
    if rule == "none" or is_working(day):
        return day
    for steps in _STEPS[rule]:
        for distance in range(1, SHIFT_LIMIT + 1):
            for step in steps:
                candidate = day + timedelta(days=step * distance)
                if _is_within(candidate, first, last) and is_working(candidate):
                    return candidate
    return day


def _is_within(day: date, first: date | None, last: date | None) -> bool:
    return (first is None or day >= first) and (last is None or day <= last)


def _public_holidays(country: str) -> holidays.HolidayBase:
    code, _, subdivision = country.partition("-")
    try:
        return holidays.country_holidays(code, subdiv=subdivision or None)
    except NotImplementedError as error:
        raise ValueError(f"no holidays are known for {country!r}") from error


# instants, derived from days and never added to


def instant(day: date, at: time, zone: str) -> datetime:
    """The one instant, in UTC, at which a site's clock shows this day and time.

    A time that the clock shows twice means the first of them; one that it skips means the
    first instant after the gap. Raises `zoneinfo.ZoneInfoNotFoundError` for an unknown zone.
    """
    wall = datetime.combine(day, at.replace(tzinfo=None))
    local = wall.replace(tzinfo=ZoneInfo(zone), fold=0)
    before, after = local.utcoffset(), local.replace(fold=1).utcoffset()
    if before is None or after is None or after <= before:
        return local.astimezone(UTC)
    wall = wall.replace(microsecond=0)  # clocks change on whole seconds
    return _end_of_gap((wall - after).replace(tzinfo=UTC), (wall - before).replace(tzinfo=UTC), ZoneInfo(zone))


def local_day(moment: datetime, zone: str) -> date:
    """The day that a site's calendar shows at an instant. Raises ValueError for a naive datetime."""
    if moment.utcoffset() is None:
        raise ValueError("an instant needs its zone")
    return moment.astimezone(ZoneInfo(zone)).date()


def noon(day: date, zone: str) -> datetime:
    """What a day without a time counts as (CONVENTIONS 1), in UTC."""
    return instant(day, time(12), zone)


def _end_of_gap(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """The change of the clock between two instants: the first second with the later offset."""
    old = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == old else (low, middle)
    return high
