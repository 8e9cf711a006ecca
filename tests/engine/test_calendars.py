"""Calendars: fixed dates, tolerance, missed dates and what recurs after them."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pathway.engine import calendars
from pathway.engine.calendars import Completion
from pathway.engine.definitions import Calendar, CalendarDate
from pathway.engine.schedule import Period

ANCHOR = date(2025, 1, 20)
RILUZOLE = Calendar(
    activity="alt-riluzole",
    anchor_intervention="riluzole",
    dates=tuple(CalendarDate(f"M{n}", Period(n, "mo")) for n in (1, 2, 3, 6, 9, 12)),
    tolerance_days=7,
    then_every=Period(6, "mo"),
)
TRAINING = Calendar(
    activity="imt-review",
    anchor_intervention="imt-programme",
    dates=tuple(CalendarDate(f"D{n}", Period(n, "d")) for n in (42, 84, 126)),
    tolerance_days=14,
)


def after(*completions: date | Completion) -> calendars.Position:
    done = [one if isinstance(one, Completion) else Completion(one) for one in completions]
    return calendars.position(RILUZOLE, ANCHOR, done)


def by_hand(day: date) -> Completion:
    return Completion(day, by_hand=True)


def test_the_plan_has_every_label_on_its_day() -> None:
    assert dict(calendars.plan(RILUZOLE, ANCHOR)) == {
        "M1": date(2025, 2, 20),
        "M2": date(2025, 3, 20),
        "M3": date(2025, 4, 20),
        "M6": date(2025, 7, 20),
        "M9": date(2025, 10, 20),
        "M12": date(2026, 1, 20),
    }


def test_months_of_a_calendar_are_counted_from_its_anchor() -> None:
    plan = dict(calendars.plan(RILUZOLE, date(2025, 1, 31)))
    assert (plan["M1"], plan["M2"], plan["M3"]) == (date(2025, 2, 28), date(2025, 3, 31), date(2025, 4, 30))


def test_before_anything_is_done_the_first_date_is_next() -> None:
    assert after() == calendars.Position(0, ("M1", date(2025, 2, 20)), None)


def test_a_late_result_does_not_move_the_dates() -> None:
    assert after(date(2025, 3, 1)) == calendars.Position(1, ("M2", date(2025, 3, 20)), date(2025, 3, 1))


def test_a_result_within_the_tolerance_completes_a_date() -> None:
    assert after(date(2025, 2, 13)).done == 1
    assert after(date(2025, 2, 12)) == calendars.Position(0, ("M1", date(2025, 2, 20)), None)


def test_a_result_between_two_dates_completes_nothing_new() -> None:
    position = after(date(2025, 2, 20), date(2025, 2, 25))
    assert position == calendars.Position(1, ("M2", date(2025, 3, 20)), date(2025, 2, 20))


def test_earlier_dates_that_are_still_open_count_as_missed() -> None:
    assert after(date(2025, 4, 13)) == calendars.Position(3, ("M6", date(2025, 7, 20)), date(2025, 4, 13))


def test_completed_by_hand_at_least_the_next_date_is_done() -> None:
    assert after(by_hand(date(2025, 2, 1))).done == 1
    assert after(by_hand(date(2025, 4, 20))).done == 3


def test_what_was_done_before_the_anchor_counts_for_nothing() -> None:
    assert after(by_hand(date(2025, 1, 19))).done == 0


def test_after_the_last_date_it_recurs_from_the_last_completion() -> None:
    assert after(date(2026, 1, 14)) == calendars.Position(6, (None, date(2026, 7, 14)), date(2026, 1, 14))


def test_a_result_after_the_last_date_counts_the_recurrence_from_itself() -> None:
    position = after(date(2026, 1, 20), date(2026, 3, 1))
    assert position == calendars.Position(6, (None, date(2026, 9, 1)), date(2026, 3, 1))
    assert after(date(2026, 1, 20), by_hand(date(2026, 2, 1))).next == (None, date(2026, 8, 1))


def test_a_calendar_without_recurrence_ends() -> None:
    done = [Completion(ANCHOR + timedelta(days=n)) for n in (42, 84, 112, 200)]
    assert calendars.position(TRAINING, ANCHOR, done) == calendars.Position(3, None, ANCHOR + timedelta(days=112))


def test_a_recurrence_whose_condition_is_over_ends() -> None:
    done = [Completion(date(2026, 1, 20))]
    assert calendars.position(RILUZOLE, ANCHOR, done, goes_on=False).next is None
    assert calendars.position(RILUZOLE, ANCHOR, done[:0], goes_on=False).next == ("M1", date(2025, 2, 20))


def test_only_coming_labels_are_planned() -> None:
    done = [Completion(date(2025, 2, 20)), Completion(date(2025, 7, 20))]
    assert calendars.planned(RILUZOLE, ANCHOR, done) == {"M9": date(2025, 10, 20), "M12": date(2026, 1, 20)}


def test_a_calendar_of_a_recurrence_alone_counts_from_its_anchor() -> None:
    only = Calendar("niv-download", "niv", then_every=Period(3, "mo"))
    assert calendars.position(only, ANCHOR, []).next == (None, date(2025, 4, 20))
    assert calendars.position(only, ANCHOR, [Completion(date(2025, 3, 1))]).next == (None, date(2025, 6, 1))


completions = st.lists(st.builds(Completion, st.dates(date(2024, 12, 1), date(2027, 6, 1)), st.booleans()), max_size=12)


@given(done=completions, data=st.data())
def test_the_order_of_entry_does_not_matter_for_results(done: list[Completion], data: st.DataObject) -> None:
    results = [Completion(one.day) for one in done]
    shuffled = data.draw(st.permutations(results))
    assert calendars.position(RILUZOLE, ANCHOR, shuffled) == calendars.position(RILUZOLE, ANCHOR, results)


@given(done=completions)
def test_a_further_completion_never_takes_a_date_back(done: list[Completion]) -> None:
    ordered = sorted(done, key=lambda one: one.day)
    reached = [calendars.position(RILUZOLE, ANCHOR, ordered[:n]).done for n in range(len(ordered) + 1)]
    assert reached == sorted(reached)
