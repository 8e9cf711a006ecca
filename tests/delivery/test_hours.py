"""When a message may leave: hours of one person, at any instant and in any zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathway.selectors.hours import LONGEST_CLOSURE, Hours

LONDON = "Europe/London"
MONDAY = date(2024, 1, 8)
NIGHT = (time(20), time(7))


def weekdays(day: date) -> bool:
    return day.weekday() < 5


def always(day: date) -> bool:
    return True


def moment(day: date, hour: int, minute: int = 0, zone: str = LONDON) -> datetime:
    return datetime.combine(day, time(hour, minute), ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "leaves"),
    [
        (moment(MONDAY, 9), moment(MONDAY, 9)),
        (moment(MONDAY, 19, 59), moment(MONDAY, 19, 59)),
        (moment(MONDAY, 20), moment(date(2024, 1, 9), 7)),
        (moment(MONDAY, 3), moment(MONDAY, 7)),
        (moment(MONDAY, 7), moment(MONDAY, 7)),
        (moment(date(2024, 1, 12), 21), moment(date(2024, 1, 15), 8)),  # Friday night: not before Monday
        (moment(date(2024, 1, 13), 12), moment(date(2024, 1, 15), 8)),
    ],
)
def test_nothing_leaves_in_quiet_hours_or_on_days_off(now: datetime, leaves: datetime) -> None:
    assert Hours(LONDON, weekdays, NIGHT).leaves_at(now) == leaves


def test_quiet_hours_within_a_day_end_on_that_day() -> None:
    hours = Hours(LONDON, always, (time(12), time(14)))
    assert hours.leaves_at(moment(MONDAY, 13)) == moment(MONDAY, 14)
    assert hours.leaves_at(moment(MONDAY, 11, 59)) == moment(MONDAY, 11, 59)


def test_a_digest_whose_hour_has_passed_leaves_at_once_and_one_of_a_day_off_on_the_next() -> None:
    hours = Hours(LONDON, weekdays)
    assert hours.digest_at(MONDAY, moment(MONDAY, 6)) == moment(MONDAY, 8)
    assert hours.digest_at(MONDAY, moment(MONDAY, 11)) == moment(MONDAY, 11)
    assert hours.digest_at(date(2024, 1, 13), moment(date(2024, 1, 12), 9)) == moment(date(2024, 1, 15), 8)


def test_a_site_that_is_never_open_does_not_keep_messages_for_ever() -> None:
    leaves = Hours(LONDON, lambda day: False).leaves_at(moment(MONDAY, 9))
    assert leaves <= moment(MONDAY, 9) + timedelta(days=LONGEST_CLOSURE + 1)


@given(
    now=st.datetimes(datetime(2023, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from([LONDON, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]),
    quiet=st.one_of(st.none(), st.tuples(st.times(), st.times()).filter(lambda pair: pair[0] != pair[1])),
)
def test_whatever_the_zone_it_leaves_at_the_first_instant_that_is_allowed(
    now: datetime, zone: str, quiet: tuple[time, time] | None
) -> None:
    hours = Hours(zone, weekdays, quiet)
    leaves = hours.leaves_at(now)
    assert leaves >= now
    assert weekdays(leaves.astimezone(ZoneInfo(zone)).date())
    assert hours.leaves_at(leaves) == leaves
    assert leaves - now <= timedelta(days=5)
