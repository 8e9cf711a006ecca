"""Dates out of intervals, working days and the instants of dates."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathway.engine import schedule
from pathway.engine.definitions import Row
from pathway.engine.schedule import Period

ZONES = (
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "America/Nuuk",
)
FIRST, LAST = date(2020, 1, 1), date(2035, 12, 31)
days = st.dates(FIRST, LAST)
zones = st.sampled_from(ZONES)
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))


def row(mode: str = "recurring", **periods: str) -> Row:
    parsed = {name: Period.parse(text) for name, text in periods.items()}
    return Row(track="nutrition", stages=("N1",), activity="weight", mode=mode, **parsed)


def wall_instants(day: date, at: time, zone: str) -> list[datetime]:
    """Every UTC instant at which the clock of the zone shows this time, found by trying all its offsets."""
    wall = datetime.combine(day, at)
    around = [datetime.combine(day, time(12), UTC) + timedelta(hours=h) for h in range(-48, 49, 6)]
    offsets = {moment.astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for moment in around}
    tried = {(wall - offset).replace(tzinfo=UTC) for offset in offsets}
    return sorted(u for u in tried if u.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == wall)


# periods


@given(anchor=st.dates(date(1990, 1, 1), date(2090, 1, 1)), count=st.integers(0, 120), unit=st.integers(1, 12))
def test_months_count_from_the_anchor_and_clamp_to_the_end_of_the_month(anchor: date, count: int, unit: int) -> None:
    due = Period(unit, "mo").times(count).after(anchor)
    month = anchor.month - 1 + unit * count
    year, month = anchor.year + month // 12, month % 12 + 1
    assert due == date(year, month, min(anchor.day, calendar.monthrange(year, month)[1]))


@pytest.mark.parametrize(
    ("start", "text", "expected"),
    [
        (date(2025, 1, 31), "1 mo", date(2025, 2, 28)),
        (date(2024, 1, 31), "1 mo", date(2024, 2, 29)),
        (date(2024, 2, 29), "12 mo", date(2025, 2, 28)),
        (date(2024, 2, 29), "1 a", date(2025, 2, 28)),
        (date(2024, 2, 29), "4 a", date(2028, 2, 29)),
        (date(2025, 11, 30), "3 mo", date(2026, 2, 28)),
        (date(2025, 12, 31), "2 wk", date(2026, 1, 14)),
        (date(2025, 3, 1), "0 d", date(2025, 3, 1)),
    ],
)
def test_a_period_counts_in_the_calendar(start: date, text: str, expected: date) -> None:
    assert Period.parse(text).after(start) == expected


def test_the_third_month_from_the_31st_is_not_shortened_by_february() -> None:
    assert Period(1, "mo").times(2).after(date(2025, 1, 31)) == date(2025, 3, 31)


@pytest.mark.parametrize("text", ["", "3", "mo", "3 months", "-3 d", "1.5 mo", "10000 d", "3  d"])
def test_what_is_no_period_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="not a period"):
        Period.parse(text)


# rows


def test_enrolment_uses_first_then_entry_then_every() -> None:
    enrolled = date(2025, 1, 15)
    assert schedule.first_due(row(first="28 d", entry="14 d", every="3 mo"), enrolled) == date(2025, 2, 12)
    assert schedule.first_due(row(entry="14 d", every="3 mo"), enrolled) == date(2025, 1, 29)
    assert schedule.first_due(row(every="3 mo"), enrolled) == date(2025, 4, 15)


def test_a_row_without_any_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="weight in N1"):
        schedule.first_due(row(), date(2025, 1, 15))
    with pytest.raises(ValueError, match="weight in N1"):
        schedule.entry_due(row(), entered=date(2025, 1, 15), open_due=None, last=None)


@pytest.mark.parametrize(
    ("given_row", "open_due", "last", "expected"),
    [
        # with an entry window: the earlier of the open due day and the window, whatever was done
        (row(entry="14 d", every="1 mo"), date(2025, 5, 3), date(2025, 2, 3), date(2025, 4, 29)),
        (row(entry="28 d", every="3 mo"), date(2025, 5, 1), None, date(2025, 5, 1)),
        (row(entry="14 d", every="1 mo"), None, date(2025, 4, 14), date(2025, 4, 29)),
        # otherwise: last completion + interval, never before the day of the change
        (row(first="14 d", every="1 mo"), date(2025, 7, 15), date(2025, 4, 15), date(2025, 5, 15)),
        (row(first="14 d", every="14 d"), date(2025, 4, 1), date(2025, 3, 1), date(2025, 4, 15)),
        (row(every="3 mo"), date(2025, 2, 1), date(2025, 4, 10), date(2025, 7, 10)),
        # never completed, open: the earlier of both
        (row(first="14 d", every="1 mo"), date(2025, 4, 20), None, date(2025, 4, 20)),
        (row(first="14 d", every="1 mo"), date(2025, 9, 1), None, date(2025, 5, 15)),
        # never completed, none open
        (row(first="14 d", every="1 mo"), None, None, date(2025, 4, 29)),
        (row(every="6 mo"), None, None, date(2025, 10, 15)),
        # once
        (row("once", entry="14 d"), None, None, date(2025, 4, 29)),
        (row("once", first="28 d"), None, None, date(2025, 5, 13)),
        (row("once", first="28 d"), date(2025, 4, 30), None, date(2025, 4, 30)),
        # speed-up only brings forward, or opens
        (row("speed-up", entry="14 d"), date(2025, 9, 3), date(2025, 3, 3), date(2025, 4, 29)),
        (row("speed-up", entry="14 d"), date(2025, 4, 20), None, date(2025, 4, 20)),
        (row("speed-up", entry="14 d"), None, None, date(2025, 4, 29)),
    ],
)
def test_entering_a_stage_lays_the_due_day_out_again(
    given_row: Row, open_due: date | None, last: date | None, expected: date
) -> None:
    entered = date(2025, 4, 15)
    assert schedule.entry_due(given_row, entered=entered, open_due=open_due, last=last) == expected


def test_the_next_due_day_counts_from_the_completion_as_it_was() -> None:
    assert schedule.next_due(row(every="3 mo"), date(2025, 11, 30)) == date(2026, 2, 28)


def test_a_task_that_is_asked_for_once_has_no_next() -> None:
    with pytest.raises(ValueError, match="does not recur"):
        schedule.next_due(row("once", entry="14 d"), date(2025, 1, 1))


# working days

WEEK = range(5)


@pytest.mark.parametrize(
    ("rule", "day", "expected"),
    [
        ("none", date(2025, 12, 25), date(2025, 12, 25)),
        ("next", date(2025, 12, 25), date(2025, 12, 29)),  # Thursday, then Boxing Day and the weekend
        ("previous", date(2025, 12, 26), date(2025, 12, 24)),
        ("nearest", date(2025, 12, 25), date(2025, 12, 24)),
        ("nearest", date(2025, 12, 28), date(2025, 12, 29)),
        ("nearest", date(2025, 12, 24), date(2025, 12, 24)),
        ("next", date(2025, 12, 24), date(2025, 12, 24)),
    ],
)
def test_a_day_moves_off_holidays_and_weekends(rule: schedule.ShiftRule, day: date, expected: date) -> None:
    assert schedule.shifted(day, rule, schedule.working_days("GB", WEEK)) == expected


def test_of_two_equally_near_working_days_the_earlier_is_taken() -> None:
    works = schedule.working_days(None, {0, 2})
    assert schedule.shifted(date(2025, 9, 2), "nearest", works) == date(2025, 9, 1)


def test_a_closure_of_the_site_is_no_working_day() -> None:
    works = schedule.working_days(None, WEEK, {date(2025, 9, 1)})
    assert not works(date(2025, 9, 1))
    assert works(date(2025, 9, 2))
    assert works(date(2025, 12, 25)), "no country, no public holidays"


def test_a_subdivision_has_its_own_holidays() -> None:
    assert schedule.working_days("GB-ENG", WEEK)(date(2025, 1, 2))
    assert not schedule.working_days("GB-SCT", WEEK)(date(2025, 1, 2))


def test_an_unknown_country_is_refused() -> None:
    with pytest.raises(ValueError, match="ZZ"):
        schedule.working_days("ZZ", WEEK)


def test_a_site_that_never_works_is_refused() -> None:
    with pytest.raises(ValueError, match="weekday"):
        schedule.working_days(None, ())


def test_a_shift_that_finds_no_working_day_leaves_the_day_as_it_is() -> None:
    assert schedule.shifted(date(2025, 1, 1), "next", lambda _: False) == date(2025, 1, 1)


@given(day=days, rule=st.sampled_from(["next", "previous", "nearest"]))
def test_a_shifted_day_is_a_working_day_on_the_right_side(day: date, rule: schedule.ShiftRule) -> None:
    works = schedule.working_days("DE", WEEK)
    moved = schedule.shifted(day, rule, works)
    assert works(moved)
    assert rule != "next" or moved >= day
    assert rule != "previous" or moved <= day
    assert not works(day) or moved == day


# instants


@pytest.mark.parametrize("zone", ZONES)
def test_every_date_has_exactly_one_instant_in_order(zone: str) -> None:
    before = None
    for number in range(FIRST.toordinal(), LAST.toordinal() + 1):
        day = date.fromordinal(number)
        moment = schedule.instant(day, time(8), zone)
        assert moment.tzinfo is UTC
        assert schedule.local_day(moment, zone) == day
        assert moment.astimezone(ZoneInfo(zone)).time() == time(8)
        assert before is None or timedelta(hours=20) < moment - before < timedelta(hours=28)
        before = moment


@given(day=days, at=times, zone=zones)
def test_an_instant_is_the_first_one_that_shows_the_time_or_the_end_of_the_gap(day: date, at: time, zone: str) -> None:
    moment = schedule.instant(day, at, zone)
    shown = wall_instants(day, at, zone)
    if shown:
        assert moment == shown[0]
        return
    wall, tz = datetime.combine(day, at), ZoneInfo(zone)
    assert moment.astimezone(tz).replace(tzinfo=None) > wall
    assert (moment - timedelta(seconds=1)).astimezone(tz).replace(tzinfo=None) < wall


@given(day=days, zone=zones, first=times, second=times)
def test_instants_keep_the_order_of_the_clock(day: date, zone: str, first: time, second: time) -> None:
    early, late = sorted((first, second))
    assert schedule.instant(day, early, zone) <= schedule.instant(day, late, zone)


@pytest.mark.parametrize(
    ("day", "at", "zone", "expected"),
    [
        # skipped: 01:00 to 02:00 in London, half an hour on Lord Howe, midnight in Santiago and Beirut
        (date(2025, 3, 30), time(1, 30), "Europe/London", datetime(2025, 3, 30, 1, 0, tzinfo=UTC)),
        (date(2025, 3, 30), time(1, 0), "Europe/London", datetime(2025, 3, 30, 1, 0, tzinfo=UTC)),
        (date(2025, 3, 30), time(1, 59, 59, 999_999), "Europe/London", datetime(2025, 3, 30, 1, 0, tzinfo=UTC)),
        (date(2025, 3, 30), time(0, 59), "Europe/London", datetime(2025, 3, 30, 0, 59, tzinfo=UTC)),
        (date(2025, 3, 30), time(2, 0), "Europe/London", datetime(2025, 3, 30, 1, 0, tzinfo=UTC)),
        (date(2025, 10, 5), time(2, 15), "Australia/Lord_Howe", datetime(2025, 10, 4, 15, 30, tzinfo=UTC)),
        (date(2025, 9, 7), time(0, 0), "America/Santiago", datetime(2025, 9, 7, 4, 0, tzinfo=UTC)),
        # shown twice: the first
        (date(2025, 10, 26), time(1, 30), "Europe/London", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),
        (date(2025, 11, 2), time(1, 30), "America/New_York", datetime(2025, 11, 2, 5, 30, tzinfo=UTC)),
        # a whole day that an island skipped
        (date(2011, 12, 30), time(8, 0), "Pacific/Apia", datetime(2011, 12, 30, 10, 0, tzinfo=UTC)),
    ],
)
def test_a_clock_change_leaves_one_instant(day: date, at: time, zone: str, expected: datetime) -> None:
    assert schedule.instant(day, at, zone) == expected


@given(day=days, zone=zones)
def test_noon_belongs_to_its_day(day: date, zone: str) -> None:
    assert schedule.local_day(schedule.noon(day, zone), zone) == day


def test_a_moment_near_midnight_belongs_to_the_local_day() -> None:
    moment = datetime(2025, 7, 1, 23, 30, tzinfo=UTC)
    assert schedule.local_day(moment, "Europe/London") == date(2025, 7, 2)
    assert schedule.local_day(moment, "UTC") == date(2025, 7, 1)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        schedule.local_day(datetime(2025, 7, 1, 23, 30, tzinfo=UTC).replace(tzinfo=None), "Europe/London")
