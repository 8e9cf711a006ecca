"""Age, weight, nutrition and energy: hand-computed values, edges, and what is missing."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from pathway.engine import units
from pathway.engine.chart import Span
from pathway.engine.measures import base
from tests.engine.charts import TODAY, form, on, reading, result, take


def shown(value: object, places: int) -> str:
    assert isinstance(value, Fraction)
    return str(units.rounded(value, places))


# age


def test_age_is_in_completed_years_today() -> None:
    assert take("age", birth_date=date(1967, 6, 30)) == 58
    assert take("age-today", birth_date=date(1967, 7, 1)) == 57
    assert take("age-today", birth_date=date(2024, 2, 29), today=date(2025, 2, 28)) == 1
    assert take("age-today", birth_date=date(2024, 2, 29), today=date(2025, 2, 27)) == 0


def test_an_unknown_birth_date_is_no_age() -> None:
    assert reading("age", birth_date=None).missing == {"birth-date"}
    assert take("age-today", birth_date=None) is None


@pytest.mark.parametrize(
    ("start", "day", "months"),
    [
        (date(2025, 1, 31), date(2025, 2, 27), 0),
        (date(2025, 1, 31), date(2025, 2, 28), 1),
        (date(2025, 1, 31), date(2025, 3, 30), 1),
        (date(2025, 1, 31), date(2025, 3, 31), 2),
        (date(2024, 2, 29), date(2025, 2, 28), 12),
        (date(2025, 6, 30), date(2025, 6, 30), 0),
    ],
)
def test_full_months_clamp_to_the_months_end(start: date, day: date, months: int) -> None:
    assert base.full_months(start, day) == months


# weight and body mass index


def test_loss_is_exact_at_the_threshold() -> None:
    assert take("loss-pct", result("usual-weight", 72), result("weight", "68.4")) == 5
    assert take("loss-pct", result("usual-weight", 160), result("weight", 152)) == 5
    value = take("loss-pct", result("usual-weight", 70), result("weight", "66.501"))
    assert shown(value, 4) == "4.9986"
    assert isinstance(value, Fraction) and value < 5


def test_a_gain_is_a_negative_loss() -> None:
    assert take("loss-pct", result("usual-weight", 70), result("weight", "73.5")) == -5


def test_without_a_usual_weight_the_loss_is_unknown_and_never_0() -> None:
    unknown = reading("loss-pct", result("weight", 66))
    assert unknown.value is None
    assert unknown.missing == {"usual-weight"}
    assert [r.kind for r in unknown.evidence] == ["weight"]


def test_a_weight_is_used_on_its_183rd_day_and_no_longer() -> None:
    usual = result("usual-weight", 72, 4000)
    assert take("loss-pct", usual, result("weight", "68.4", 183)) == 5
    assert reading("loss-pct", usual, result("weight", "68.4", 184)).missing == {"weight"}


def test_evidence_holds_both_weights_and_the_constant_sets_no_day() -> None:
    loss = reading("loss-pct", result("usual-weight", 72), result("weight", "68.4", 10))
    assert {r.kind for r in loss.evidence} == {"usual-weight", "weight"}
    assert loss.day == on(10)


def test_body_mass_index_of_usual_and_present_weight() -> None:
    known = [result("height", 200), result("usual-weight", 80), result("weight", 72)]
    assert take("bmi", *known) == 18
    assert take("usual-bmi", *known) == 20
    assert take("bmi-loss", *known) == 2
    assert reading("bmi-loss", *known[1:]).missing == {"height"}
    assert take("usual-bmi", known[0], known[2]) is None


def test_an_adults_height_never_expires_but_a_childs_does() -> None:
    weight = result("weight", 32)
    assert take("bmi", weight, result("height", 160, 4000)) == Fraction("12.5")
    child = date(2015, 1, 1)
    assert take("bmi", weight, result("height", 160, 183), birth_date=child) == Fraction("12.5")
    assert take("bmi", weight, result("height", 160, 184), birth_date=child) is None


def test_weight_change_compares_with_an_earlier_day() -> None:
    known = [result("weight", 80, 400), result("weight", 79, 0, hour=8), result("weight", 76, 0, hour=9)]
    assert take("weight-change", *known) == -5
    assert take("weight-change", *known[1:]) is None
    assert reading("weight-change", *known[1:]).missing == {"weight"}


def test_weight_slope_is_per_mean_month() -> None:
    assert (
        take("weight-slope", result("weight", 80, 60), result("weight", 76))
        == Fraction("-5") * Fraction("30.4375") / 60
    )
    assert take("weight-slope", result("weight", 76)) is None
    assert take("weight-slope") is None


def test_a_fall_of_the_z_score_needs_28_days() -> None:
    newest = result("weight-z", "-1.5")
    assert take("weight-z-fall", newest, result("weight-z", "-1", 28)) == Fraction("0.5") * Fraction("91.3125") / 28
    assert take("weight-z-fall", newest, result("weight-z", "-1", 27)) is None
    assert (
        take("weight-z-fall", newest, result("weight-z", "-1", 30), result("weight-z", 1, 20))
        == Fraction("0.5") * Fraction("91.3125") / 30
    )


def test_intake_days_come_from_the_newest_intake() -> None:
    assert take("intake-days", result("intake", 70, context={"days": "15"})) == 15
    assert take("intake-days", result("intake", 70, 31, context={"days": "15"})) is None
    assert reading("intake-days", result("intake", 70)).missing == {"intake"}


# gastrostomy window, energy


@pytest.mark.parametrize(
    ("fvc", "window"),
    [
        ("60", "favourable"),
        ("59.99", "narrowing"),
        ("50", "narrowing"),
        ("49.99", "raised-risk"),
        ("30", "raised-risk"),
        ("29.99", "high-risk"),
    ],
)
def test_the_gastrostomy_window_has_inclusive_lower_edges(fvc: str, window: str) -> None:
    assert take("peg-window", result("fvc-pct", fvc)) == window


def test_the_gastrostomy_window_is_unknown_without_a_sitting_fvc() -> None:
    assert take("peg-window") is None
    assert take("peg-window", result("fvc-pct", 45, context={"posture": "supine"})) is None


def test_resting_energy_of_a_man_and_a_woman() -> None:
    known = [result("weight", 76), result("height", 178)]
    man = take("hb", *known)
    assert man == Fraction("1610.3920")
    assert shown(man, 1) == "1610.4"
    woman = Fraction("655.0955") + Fraction("9.5634") * 76 + Fraction("1.8496") * 178 - Fraction("4.6756") * 58
    assert take("hb", *known, sex="female") == woman
    assert reading("hb", *known, sex="unknown").missing == {"sex"}
    assert reading("hb", result("weight", 76)).missing == {"height"}


def test_daily_energy_in_als() -> None:
    known = [result("weight", 76), result("height", 178), form(q1=3, q4=2, q5a=2, q6=2, q7=2, q8=2, q9=1, q10=3)]
    assert shown(take("tdee-als", *known), 1) == "2225.8"
    assert take("tdee-als", *known[:2]) is None


def test_daily_energy_is_not_given_with_a_tracheostomy() -> None:
    from_start = Span("tracheostomy-ventilation", on(1))
    known = [result("weight", 76), result("height", 178), form()]
    assert take("tdee-als", *known, spans=[from_start]) is None
    assert take("tdee-als", *known, spans=[Span("tracheostomy-ventilation", on(9), stopped=TODAY)]) is not None


def test_constants_hold_for_days_before_they_were_recorded() -> None:
    known = [result("usual-weight", 72), result("weight", "68.4", 40), result("height", 200)]
    assert take("loss-pct", *known, today=on(40)) == 5
    assert take("bmi", *known, today=on(40)) == Fraction("17.1")
    assert take("loss-pct", *known, today=on(41)) is None


def test_the_height_of_an_adult_is_not_that_of_the_child() -> None:
    grown = [result("weight", 50, 40), result("height", 170)]
    assert take("bmi", *grown, birth_date=date(2007, 6, 15), today=on(40)) is None
