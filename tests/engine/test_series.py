"""Series of doses: loading, maintenance, missed and extra doses."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathway import errors
from pathway.engine import series
from pathway.engine.chart import Dose
from pathway.engine.definitions import Series, SeriesDose
from pathway.engine.schedule import Period

START = date(2025, 1, 6)


def loading(*spacings: str) -> tuple[SeriesDose, ...]:
    first = SeriesDose("L1", None)
    return (first, *(SeriesDose(f"L{n}", Period.parse(text)) for n, text in enumerate(spacings, 2)))


EU = Series("nusinersen-dose", loading("14 d", "14 d", "35 d"), "calendar", Period(4, "mo"))
US = Series("nusinersen-dose", loading("14 d", "14 d", "30 d"), "calendar", Period(4, "mo"), 14, "nusinersen-labs", 7)
TOFERSEN = Series("tofersen-dose", loading("14 d", "14 d"), "from-last", Period(28, "d"))
ONCE = Series("oa-infusion", (SeriesDose("D1", None),))

LOADED = [("L1", date(2025, 1, 6)), ("L2", date(2025, 1, 20)), ("L3", date(2025, 2, 3)), ("L4", date(2025, 3, 10))]


def doses(*given_doses: tuple[str, date]) -> list[Dose]:
    return [Dose("nusinersen-eu", label, day) for label, day in given_doses]


def after(*given_doses: tuple[str, date]) -> tuple[str, date] | None:
    return series.next_dose(EU, START, doses(*LOADED, *given_doses))


# loading


def test_loading_doses_lie_on_days_0_14_28_and_63() -> None:
    coming = series.planned(EU, START, [])
    assert [(coming[f"L{n}"] - START).days for n in (1, 2, 3, 4)] == [0, 14, 28, 63]
    assert (series.planned(US, START, [])["L4"] - START).days == 58


def test_a_late_loading_dose_moves_the_ones_after_it() -> None:
    coming = series.planned(EU, START, doses(("L1", START), ("L2", date(2025, 1, 30))))
    assert "L2" not in coming
    assert coming["L3"] == date(2025, 2, 13)
    assert coming["L4"] == date(2025, 3, 20)
    assert coming["M1"] == date(2025, 7, 20)


def test_twelve_maintenance_doses_are_laid_out() -> None:
    coming = series.planned(EU, START, doses(*LOADED))
    assert list(coming) == [f"M{n}" for n in range(1, 13)]
    assert (coming["M1"], coming["M12"]) == (date(2025, 7, 10), date(2029, 3, 10))


def test_maintenance_months_are_counted_from_the_last_loading_dose_and_not_chained() -> None:
    given_doses = doses(*LOADED[:3], ("L4", date(2025, 3, 31)))
    coming = series.planned(EU, START, given_doses)
    assert [coming[f"M{n}"] for n in (1, 2, 3, 6)] == [
        date(2025, 7, 31),
        date(2025, 11, 30),
        date(2026, 3, 31),
        date(2027, 3, 31),
    ]


# missed maintenance doses, by the time since the dose before


def test_a_maintenance_dose_under_8_months_late_leaves_the_calendar() -> None:
    assert after(("M1", date(2025, 9, 1))) == ("M2", date(2025, 11, 10))


def test_an_early_maintenance_dose_leaves_the_calendar() -> None:
    assert after(("M1", date(2025, 6, 1))) == ("M2", date(2025, 11, 10))


@pytest.mark.parametrize(
    ("given_on", "next_on"),
    [
        (date(2025, 10, 27), date(2025, 11, 10)),  # exactly 14 d away: stays
        (date(2025, 10, 28), date(2025, 11, 11)),  # 13 d away: 14 d after the late dose
        (date(2025, 11, 9), date(2025, 11, 23)),  # the last day under 8 mo
    ],
)
def test_after_a_late_dose_the_next_one_keeps_14_days_and_only_that_one(given_on: date, next_on: date) -> None:
    coming = series.planned(EU, START, doses(*LOADED, ("M1", given_on)))
    assert coming["M2"] == next_on
    assert coming["M3"] == date(2026, 3, 10)
    assert "X1" not in coming


def test_two_late_doses_in_a_row_never_plan_a_dose_before_the_last() -> None:
    coming = series.planned(EU, START, doses(*LOADED, ("M1", date(2025, 11, 9)), ("M2", date(2026, 7, 8))))
    assert coming["M3"] == date(2026, 7, 22)
    assert coming["M4"] == date(2026, 8, 5), "its calendar day, 10 July, is over"
    assert coming["M5"] == date(2026, 11, 10)


@pytest.mark.parametrize("given_on", [date(2025, 11, 10), date(2026, 7, 9)])
def test_from_8_to_under_16_months_one_extra_dose_starts_a_new_calendar(given_on: date) -> None:
    coming = series.planned(EU, START, doses(*LOADED, ("M1", given_on)))
    extra = given_on + timedelta(days=14)
    assert list(coming)[:3] == ["X1", "M2", "M3"]
    assert coming["X1"] == extra
    assert coming["M2"] == Period(4, "mo").after(extra)
    assert coming["M3"] == Period(8, "mo").after(extra)


@pytest.mark.parametrize("given_on", [date(2026, 7, 10), date(2028, 7, 9)])
def test_from_16_to_under_40_months_two_extra_doses_follow(given_on: date) -> None:
    coming = series.planned(EU, START, doses(*LOADED, ("M1", given_on)))
    assert list(coming)[:3] == ["X1", "X2", "M2"]
    assert coming["X1"] == given_on + timedelta(days=14)
    assert coming["X2"] == given_on + timedelta(days=28)
    assert coming["M2"] == Period(4, "mo").after(coming["X2"])


def test_from_40_months_the_dose_is_refused() -> None:
    series.admit(EU, START, doses(*LOADED), "M1", date(2028, 7, 9))
    with pytest.raises(series.DoseRefused, match="starts again") as refused:
        series.admit(EU, START, doses(*LOADED), "M1", date(2028, 7, 10))
    assert refused.value.code == "not-allowed"
    assert isinstance(refused.value, errors.Refused)


def test_the_new_calendar_counts_from_the_extra_dose_as_given() -> None:
    late = ("M1", date(2025, 11, 10))
    assert after(late, ("X1", date(2025, 12, 1))) == ("M2", date(2026, 4, 1))
    assert after(late, ("X1", date(2025, 12, 1)), ("M2", date(2026, 5, 1))) == ("M3", date(2026, 8, 1))


def test_extra_doses_are_numbered_on_through_the_series() -> None:
    history = (("M1", date(2025, 11, 10)), ("X1", date(2025, 11, 24)), ("M2", date(2027, 3, 24)))
    assert after(*history) == ("X2", date(2027, 4, 7))
    assert after(*history, ("X2", date(2027, 4, 7))) == ("X3", date(2027, 4, 21))
    assert after(*history, ("X2", date(2027, 4, 7)), ("X3", date(2027, 4, 21))) == ("M3", date(2027, 8, 21))


def test_the_gap_counts_from_the_dose_before_and_not_from_the_planned_day() -> None:
    history = (("M1", date(2025, 10, 1)), ("M2", date(2026, 5, 31)))
    assert after(*history) == ("M3", date(2026, 6, 14)), "under 8 mo since M1, though more since the planned day"
    assert after(history[0], ("M2", date(2026, 6, 1))) == ("X1", date(2026, 6, 15))


# other regimens


def test_tofersen_counts_every_dose_from_the_one_before_as_given() -> None:
    given_doses = [
        Dose("tofersen", "L1", START),
        Dose("tofersen", "L2", START + timedelta(days=14)),
        Dose("tofersen", "L3", START + timedelta(days=40)),
    ]
    coming = series.planned(TOFERSEN, START, given_doses)
    assert coming["M1"] == START + timedelta(days=68)
    assert coming["M2"] == START + timedelta(days=96)
    late = [*given_doses, Dose("tofersen", "M1", START + timedelta(days=2000))]
    assert series.next_dose(TOFERSEN, START, late) == ("M2", START + timedelta(days=2028))


def test_a_single_dose_is_planned_until_it_is_given() -> None:
    assert series.planned(ONCE, START, []) == {"D1": START}
    given_doses = [Dose("onasemnogene-iv", "D1", START)]
    assert series.planned(ONCE, START, given_doses) == {}
    with pytest.raises(series.DoseRefused, match="all doses"):
        series.admit(ONCE, START, given_doses, "D1", START)


def test_laboratory_tests_have_the_week_before_the_dose() -> None:
    assert series.labs_window(US, date(2025, 7, 5)) == (date(2025, 6, 28), date(2025, 7, 5))
    assert series.labs_window(EU, date(2025, 7, 5)) == (date(2025, 7, 5), date(2025, 7, 5))


# admission


@pytest.mark.parametrize("label", ["L1", "L3", "M1", "X1", "D1", "", "m1"])
def test_a_label_out_of_turn_is_refused(label: str) -> None:
    with pytest.raises(series.DoseRefused, match="L2"):
        series.admit(EU, START, doses(LOADED[0]), label, date(2025, 1, 20))


def test_a_maintenance_dose_may_not_come_before_the_extra_dose() -> None:
    history = doses(*LOADED, ("M1", date(2025, 11, 10)))
    with pytest.raises(series.DoseRefused, match="X1"):
        series.admit(EU, START, history, "M2", date(2026, 3, 24))


def test_a_dose_closer_than_14_days_is_flagged_and_not_refused() -> None:
    one = doses(LOADED[0])
    assert series.admit(EU, START, one, "L2", date(2025, 1, 19)).flags == ("interval-short",)
    assert series.admit(EU, START, one, "L2", START).flags == ("interval-short",)
    assert series.admit(EU, START, one, "L2", date(2025, 1, 20)).flags == ()
    assert series.admit(EU, START, [], "L1", START).flags == ()


def test_the_next_dose_counts_from_a_dose_that_was_too_early() -> None:
    early = doses(LOADED[0], ("L2", date(2025, 1, 16)))
    assert series.next_dose(EU, START, early) == ("L3", date(2025, 1, 30))


def test_a_dose_dated_before_the_one_before_is_refused() -> None:
    with pytest.raises(series.DoseRefused, match="before"):
        series.admit(EU, START, doses(LOADED[0]), "L2", date(2025, 1, 5))


def test_an_admission_names_the_planned_day() -> None:
    assert series.admit(EU, START, doses(LOADED[0]), "L2", date(2025, 2, 1)).planned == date(2025, 1, 20)


@given(gaps=st.lists(st.integers(0, 1200), min_size=1, max_size=15), regimen=st.sampled_from([EU, US, TOFERSEN]))
def test_whatever_the_gaps_planned_doses_keep_order_and_distance(gaps: list[int], regimen: Series) -> None:
    day, history = START, []
    for gap in gaps:
        day += timedelta(days=gap)
        dose = series.next_dose(regimen, START, history)
        assert dose is not None
        history.append(Dose("any", dose[0], day))
        coming = list(series.planned(regimen, START, history).values())
        assert coming[0] >= day + timedelta(days=14)
        assert all(later - earlier >= timedelta(days=14) for earlier, later in zip(coming, coming[1:], strict=False))
        assert not {one.label for one in history} & set(series.planned(regimen, START, history))
