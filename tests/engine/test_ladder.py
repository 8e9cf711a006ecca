"""Which rung of a task's ladder comes when, and which never comes."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from pathway.engine import ladder
from pathway.engine.definitions import Rung

AHEAD = Rung("ahead", -14, "owner")
ON_DAY = Rung("on-day", 0, "owner")
OVERDUE = Rung("overdue", 14, "nurse-coordinator")
ESCALATED = Rung("escalated", 28, "neurologist")
LADDER = (AHEAD, ON_DAY, OVERDUE, ESCALATED)
DUE = date(2025, 7, 16)


def test_the_rungs_lie_14_days_before_on_and_14_and_28_days_after_the_due_day() -> None:
    assert ladder.rung_days(DUE, LADDER) == [
        (AHEAD, date(2025, 7, 2)),
        (ON_DAY, DUE),
        (OVERDUE, date(2025, 7, 30)),
        (ESCALATED, date(2025, 8, 13)),
    ]


def test_rungs_are_ordered_by_their_day_whatever_order_they_are_written_in() -> None:
    assert ladder.rung_days(DUE, reversed(LADDER)) == ladder.rung_days(DUE, LADDER)


def test_a_rung_of_the_day_the_task_was_opened_is_not_sent() -> None:
    assert ladder.next_rung(DUE, LADDER, after=date(2025, 7, 2)) == (ON_DAY, DUE)
    assert ladder.next_rung(DUE, LADDER, after=date(2025, 7, 1)) == (AHEAD, date(2025, 7, 2))


def test_an_overdue_task_opened_late_starts_in_the_middle_of_the_ladder() -> None:
    assert ladder.next_rung(DUE, LADDER, after=date(2025, 7, 20)) == (OVERDUE, date(2025, 7, 30))


def test_after_the_last_rung_there_is_none() -> None:
    assert ladder.next_rung(DUE, LADDER, after=date(2025, 8, 13)) is None
    assert ladder.next_rung(DUE, (), after=date(2025, 1, 1)) is None


def test_a_rung_that_fell_into_a_hold_is_not_made_up_for() -> None:
    paused_until = date(2025, 7, 17)
    assert ladder.next_rung(DUE, LADDER, date(2025, 6, 1), paused_until) == (OVERDUE, date(2025, 7, 30))
    assert ladder.current_rung(DUE, LADDER, date(2025, 7, 20), date(2025, 6, 1), paused_until) is None
    assert ladder.next_rung(DUE, LADDER, date(2025, 6, 1), DUE) == (ON_DAY, DUE)


def test_only_the_current_rung_is_sent_after_missed_days() -> None:
    opened = date(2025, 6, 1)
    assert ladder.current_rung(DUE, LADDER, date(2025, 7, 1), opened) is None
    assert ladder.current_rung(DUE, LADDER, date(2025, 7, 2), opened) == (AHEAD, date(2025, 7, 2))
    assert ladder.current_rung(DUE, LADDER, date(2025, 8, 1), opened) == (OVERDUE, date(2025, 7, 30))
    assert ladder.current_rung(DUE, LADDER, date(2026, 8, 1), opened) == (ESCALATED, date(2025, 8, 13))
    assert ladder.current_rung(DUE, LADDER, date(2025, 8, 1), after=date(2025, 7, 30)) is None


def test_a_rung_goes_to_the_owner_or_to_the_role_it_names() -> None:
    assert ladder.recipient(ON_DAY, "dietitian") == "dietitian"
    assert ladder.recipient(OVERDUE, "dietitian") == "nurse-coordinator"


dates = st.dates(date(2024, 1, 1), date(2026, 12, 31))


@given(due=dates, opened=dates, paused_until=st.none() | dates)
def test_a_daily_sweep_sends_each_rung_once_and_on_its_day(due: date, opened: date, paused_until: date | None) -> None:
    sent, after = [], opened
    for number in range(opened.toordinal(), date(2027, 12, 31).toordinal()):
        today = date.fromordinal(number)
        coming = ladder.next_rung(due, LADDER, after, paused_until)
        if coming is not None and coming[1] <= today:
            assert coming == ladder.current_rung(due, LADDER, today, after, paused_until)
            assert coming[1] == today
            sent.append(coming[0])
            after = coming[1]
    wanted = [
        r for r, day in ladder.rung_days(due, LADDER) if day > opened and not (paused_until and day < paused_until)
    ]
    assert sent == wanted
