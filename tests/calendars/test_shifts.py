"""A due day moves off days without clinic, stays in its window, and comes to rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathway.engine import schedule
from pathway.engine.schedule import SHIFT_LIMIT, ShiftRule

MONDAY_TO_FRIDAY = frozenset(range(5))
DAY = timedelta(days=1)

days = st.dates(date(2019, 1, 1), date(2032, 12, 31))
rules = st.sampled_from(schedule.SHIFT_RULES)
moving = st.sampled_from(["next", "previous", "nearest"])
weekdays = st.frozensets(st.integers(0, 6), min_size=1)
countries = st.sampled_from([None, "GB", "GB-SCT", "DE-BY", "IT", "US", "FR"])
margins = st.one_of(st.none(), st.integers(0, 40))


@st.composite
def calendars(draw: st.DrawFn) -> schedule.WorkingDay:
    """A site with up to two closures, the longest of seven weeks."""
    closed: set[date] = set()
    for _ in range(draw(st.integers(0, 2))):
        first, length = draw(days), draw(st.integers(1, 49))
        closed |= {first + timedelta(days=n) for n in range(length)}
    return schedule.working_days(draw(countries), draw(weekdays), closed)


def window(first: date | None, last: date | None, day: date) -> list[date]:
    """Every day that the rule may choose from, by brute force."""
    around = [day + timedelta(days=n) for n in range(-SHIFT_LIMIT, SHIFT_LIMIT + 1)]
    return [one for one in around if (first is None or one >= first) and (last is None or one <= last)]


@given(day=days, rule=rules, works=calendars(), before=margins, after=margins)
def test_a_shifted_day_is_a_working_day_of_its_window_or_the_day_itself(
    day: date, rule: ShiftRule, works: schedule.WorkingDay, before: int | None, after: int | None
) -> None:
    first = None if before is None else day - timedelta(days=before)
    last = None if after is None else day + timedelta(days=after)
    moved = schedule.shifted(day, rule, works, first=first, last=last)
    open_days = [one for one in window(first, last, day) if works(one)]
    if rule == "none" or works(day) or not open_days:
        assert moved == day
    else:
        assert moved in open_days


@given(day=days, rule=rules, works=calendars(), before=margins, after=margins)
def test_shifting_twice_is_shifting_once(
    day: date, rule: ShiftRule, works: schedule.WorkingDay, before: int | None, after: int | None
) -> None:
    first = None if before is None else day - timedelta(days=before)
    last = None if after is None else day + timedelta(days=after)
    once = schedule.shifted(day, rule, works, first=first, last=last)
    assert schedule.shifted(once, rule, works, first=first, last=last) == once


@given(day=days, works=calendars())
def test_the_nearest_is_the_nearest_and_of_two_the_earlier(day: date, works: schedule.WorkingDay) -> None:
    moved = schedule.shifted(day, "nearest", works)
    open_days = [one for one in window(None, None, day) if works(one)]
    if open_days:
        assert moved == min(open_days, key=lambda one: (abs(one - day), one))


@given(day=days, works=calendars())
def test_next_and_previous_skip_no_working_day(day: date, works: schedule.WorkingDay) -> None:
    later, earlier = schedule.shifted(day, "next", works), schedule.shifted(day, "previous", works)
    if later > day:
        assert not any(works(day + n * DAY) for n in range((later - day).days))
    if earlier < day:
        assert not any(works(day - n * DAY) for n in range((day - earlier).days))


@given(day=days, rule=moving, works=calendars(), before=st.integers(0, 40), after=st.integers(0, 40))
def test_no_day_leaves_its_window(
    day: date, rule: ShiftRule, works: schedule.WorkingDay, before: int, after: int
) -> None:
    first, last = day - timedelta(days=before), day + timedelta(days=after)
    assert first <= schedule.shifted(day, rule, works, first=first, last=last) <= last


@given(day=days, rule=moving)
def test_a_site_that_is_closed_for_three_weeks_is_gone_around(day: date, rule: ShiftRule) -> None:
    closed = {day + timedelta(days=n) for n in range(-10, 11)}
    works = schedule.working_days(None, MONDAY_TO_FRIDAY, closed)
    moved = schedule.shifted(day, rule, works)
    assert works(moved) and moved not in closed
    assert 11 <= abs((moved - day).days) <= 13


@pytest.mark.parametrize(
    ("rule", "day", "expected"),
    [
        ("next", date(2025, 12, 31), date(2026, 1, 5)),  # closed until Sunday the 4th
        ("previous", date(2026, 1, 1), date(2025, 12, 23)),
        ("nearest", date(2025, 12, 30), date(2026, 1, 5)),
        ("nearest", date(2025, 12, 29), date(2025, 12, 23)),
        ("next", date(2024, 2, 29), date(2024, 2, 29)),
    ],
)
def test_a_closure_over_the_end_of_the_year(rule: ShiftRule, day: date, expected: date) -> None:
    closed = {date(2025, 12, 24) + timedelta(days=n) for n in range(12)}
    assert schedule.shifted(day, rule, schedule.working_days("DE", MONDAY_TO_FRIDAY, closed)) == expected


def never(_day: date) -> bool:
    return False


@pytest.mark.parametrize("works", [never, lambda day: day > date(2030, 1, 1)])
def test_a_site_that_does_not_open_again_keeps_its_due_days(works: Callable[[date], bool]) -> None:
    for rule in schedule.SHIFT_RULES:
        assert schedule.shifted(date(2025, 5, 5), rule, works) == date(2025, 5, 5)


def test_where_the_direction_leads_out_of_the_window_the_other_one_is_taken() -> None:
    works = schedule.working_days(None, MONDAY_TO_FRIDAY)
    saturday = date(2025, 9, 6)
    assert schedule.shifted(saturday, "next", works, last=saturday) == date(2025, 9, 5)
    assert schedule.shifted(saturday, "previous", works, first=saturday) == date(2025, 9, 8)
    assert schedule.shifted(saturday, "next", works, first=saturday, last=saturday) == saturday
