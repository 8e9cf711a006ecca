"""Motor scales, laboratory limits, doses and courses."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest

from pathway.engine.chart import Decision, Dose, Result, Span, Value
from tests.engine.charts import TODAY, on, reading, result, take

# motor scales


def test_the_cobb_rate_is_per_year_and_needs_84_days() -> None:
    assert take("cobb-rate", result("cobb", 25), result("cobb", 20, 84)) == 5 * Fraction("365.25") / 84
    assert take("cobb-rate", result("cobb", 25), result("cobb", 20, 83)) is None
    assert take("cobb-rate", result("cobb", 20), result("cobb", 25, 100)) == -5 * Fraction("365.25") / 100
    assert take("cobb-rate", result("cobb", 25, 401), result("cobb", 20, 600)) is None


@pytest.mark.parametrize(
    ("measure", "of"),
    [
        ("chop-change", "chop-intend"),
        ("hine-change", "hine-2"),
        ("hfmse-change", "hfmse"),
        ("rulm-change", "rulm"),
        ("walk-change", "walk-6min"),
    ],
)
def test_a_change_compares_with_an_earlier_day(measure: str, of: str) -> None:
    assert take(measure, result(of, 22), result(of, 26, 900)) == -4
    assert take(measure, result(of, 22), result(of, 26, 0, hour=8)) is None
    assert take(measure, result(of, 22, 401), result(of, 26, 900)) is None


@pytest.mark.parametrize(
    ("a", "b", "c", "confirmed"), [(30, 27, 27, True), (30, 27, 28, False), (30, 28, 27, False), (30, 20, 10, True)]
)
def test_a_loss_of_hfmse_is_confirmed_by_a_second_test(a: int, b: int, c: int, confirmed: bool) -> None:
    older = result("hfmse", 60, 300)
    known = [result("hfmse", a, 200), result("hfmse", b, 100), result("hfmse", c)]
    assert take("hfmse-confirmed", older, *known) is confirmed
    assert take("hfmse-confirmed", *known[1:]) is None
    assert take("hfmse-confirmed") is None


def test_a_loss_of_rulm_is_confirmed_at_two_points() -> None:
    assert take("rulm-confirmed", result("rulm", 20, 200), result("rulm", 18, 100), result("rulm", 18)) is True
    assert take("rulm-confirmed", result("rulm", 20, 200), result("rulm", 18, 100), result("rulm", 19)) is False


def test_breathing_training_compares_the_pressure_before_and_after() -> None:
    course = [Span("imt-programme", on(100))]
    known = [result("mip", 30, 150), result("mip", 40, 100), result("mip", 55, 99), result("mip", 50)]
    assert take("imt-mip-change", *known, spans=course) == 25
    assert take("imt-mip-change", *known[:2], spans=course) is None
    assert take("imt-mip-change", *known[2:], spans=course) is None
    assert take("imt-mip-change", *known) is None
    assert take("imt-mip-change", result("mip", 0, 100), result("mip", 50), spans=course) is None
    assert take("imt-mip-change", *known, spans=[Span("imt-programme", TODAY + timedelta(days=1))]) is None


# liver


def liver(days_ago: int, alt: int = 60, ast: int = 60, clear: bool = True, uln: str = "40") -> list[Result]:
    return [
        result("alt", alt, days_ago, context={"uln": uln}),
        result("ast", ast, days_ago, context={"uln": uln}),
        result("liver-unremarkable", clear, days_ago),
    ]


def test_a_liver_value_is_measured_against_its_own_limit() -> None:
    assert take("alt-x", result("alt", 120, context={"uln": "40"})) == 3
    assert take("ast-x", result("ast", 121, context={"uln": "40"})) == Fraction(121, 40)
    other_laboratory = [result("alt", 300, 5, context={"uln": "40"}), result("alt", 90, context={"uln": "60"})]
    assert take("alt-x", *other_laboratory) == Fraction(3, 2)


def test_a_liver_value_without_limit_is_unknown_though_an_older_one_has_it() -> None:
    unknown = reading("alt-x", result("alt", 30, 5, context={"uln": "40"}), result("alt", 55))
    assert unknown.value is None and unknown.missing == {"alt"}
    assert take("alt-x", result("alt", 55, context={"uln": "0"})) is None
    assert take("alt-x", result("alt", 55, 101, context={"uln": "40"})) is None


@pytest.mark.parametrize("route", ["onasemnogene-iv", "onasemnogene-it"])
def test_liver_values_count_for_the_taper_from_day_28_after_the_infusion(route: str) -> None:
    infused = [Dose(route, "D1", on(40))]
    for days_ago, expected in ((12, Fraction(3, 2)), (13, None), (41, None)):
        assert take("oa-alt-x", *liver(days_ago), doses=infused) == expected
        assert take("oa-ast-x", *liver(days_ago), doses=infused) == expected
        assert take("oa-liver", *liver(days_ago), doses=infused) is (None if expected is None else True)
    assert take("oa-liver", *liver(12, clear=False), doses=infused) is False
    assert take("oa-alt-x", *liver(0)) is None
    assert reading("oa-alt-x", *liver(13), doses=infused).missing == {"alt"}


def test_whether_onasemnogene_was_given_and_its_steroid_tapered_is_never_unknown() -> None:
    assert take("oa-given") is False
    assert take("oa-given", doses=[Dose("onasemnogene-it", "D1", TODAY)]) is True
    assert take("oa-given", doses=[Dose("nusinersen-eu", "D1", TODAY)]) is False
    assert take("oa-tapered") is False
    assert take("oa-tapered", decisions=[Decision("oa-taper", TODAY)]) is True
    assert take("oa-tapered", decisions=[Decision("oa-taper", TODAY + timedelta(days=1))]) is False


@pytest.mark.parametrize(
    ("weight", "volume"),
    [
        ("2.6", "16.5"),
        ("3", "16.5"),
        ("3.04", "16.5"),
        ("3.05", "19.3"),
        ("6.3", "35.8"),
        ("6.5", "35.8"),
        ("6.51", "35.8"),
        ("6.55", "38.5"),
        ("13.5", "74.3"),
        ("2.59", None),
        ("13.51", None),
    ],
)
def test_the_volume_of_onasemnogene_goes_by_half_kilograms(weight: str, volume: str | None) -> None:
    infant = date(2025, 1, 1)
    expected = None if volume is None else Fraction(volume)
    assert take("oa-volume", result("weight", weight), birth_date=infant) == expected


def test_the_volume_of_onasemnogene_needs_a_valid_weight() -> None:
    assert reading("oa-volume").missing == {"weight"}
    assert take("oa-volume", result("weight", 6, 184)) is None


# which drugs, since when


def test_active_drugs_are_told_apart_by_class() -> None:
    assert take("any-dmt") is False and take("any-nusinersen") is False
    assert take("any-dmt", spans=[Span("riluzole", on(5))]) is True
    assert take("any-nusinersen", spans=[Span("riluzole", on(5))]) is False
    assert take("any-nusinersen", spans=[Span("nusinersen-us", on(5))]) is True
    assert take("any-dmt", spans=[Span("niv", on(5))]) is False
    assert take("any-dmt", spans=[Span("riluzole", on(5), TODAY)]) is False
    assert take("any-dmt", spans=[Span("riluzole", TODAY + timedelta(days=1))]) is False


def test_months_on_treatment_run_from_the_first_start_of_any_drug() -> None:
    courses = [Span("risdiplam", date(2025, 3, 1)), Span("nusinersen-eu", date(2024, 6, 30), date(2025, 1, 1))]
    assert take("dmt-months", spans=courses) == 12
    assert take("dmt-months", spans=courses, today=date(2025, 6, 29)) == 11
    assert take("dmt-months", spans=[Span("niv", on(400))]) is None
    assert take("dmt-months", spans=[Span("risdiplam", TODAY + timedelta(days=1))]) is None


def test_days_from_diagnosis_to_the_first_start() -> None:
    diagnosed = result("diagnosis-date", date(2025, 1, 1))
    assert take("days-to-dmt", diagnosed, spans=[Span("risdiplam", date(2025, 1, 15))]) == 14
    assert take("days-to-dmt", diagnosed) is None
    assert reading("days-to-dmt", spans=[Span("risdiplam", date(2025, 1, 15))]).missing == {"diagnosis-date"}


@pytest.mark.parametrize(
    ("drug", "last", "before"),
    [
        ("tofersen", "L3", "L2"),
        ("nusinersen-eu", "L4", "L3"),
        ("nusinersen-us", "L4", "L3"),
        ("nusinersen-high-dose", "L2", "L1"),
    ],
)
def test_loading_is_complete_with_the_last_loading_dose(drug: str, last: str, before: str) -> None:
    course = [Span(drug, on(90))]
    assert take("loading-complete", spans=course, doses=[Dose(drug, before, on(5))]) is False
    assert take("loading-complete", spans=course, doses=[Dose(drug, last, on(5))]) is True
    assert take("loading-complete", spans=course, doses=[Dose(drug, last, on(91))]) is False
    stopped = [Span(drug, on(90), on(1))]
    assert take("loading-complete", spans=stopped, doses=[Dose(drug, last, on(5))]) is False


@pytest.mark.parametrize("drug", ["riluzole", "risdiplam", "edaravone-iv", "edaravone-oral"])
def test_loading_of_daily_drugs_is_three_calendar_months(drug: str) -> None:
    assert take("loading-complete", spans=[Span(drug, date(2025, 3, 30))]) is True
    assert take("loading-complete", spans=[Span(drug, date(2025, 3, 31))]) is True
    assert take("loading-complete", spans=[Span(drug, date(2025, 4, 1))]) is False


def test_loading_of_onasemnogene_counts_from_the_dose() -> None:
    course = [Span("onasemnogene-iv", date(2025, 1, 1))]
    assert take("loading-complete", spans=course) is False
    assert take("loading-complete", spans=course, doses=[Dose("onasemnogene-iv", "D1", date(2025, 3, 30))]) is True
    assert take("loading-complete", spans=course, doses=[Dose("onasemnogene-iv", "D1", date(2025, 4, 1))]) is False
    assert take("loading-complete") is False


# risdiplam


def row(birth_date: date, weight: str = "12", **facts: object) -> Value | None:
    return take("risdiplam-row", result("weight", weight), birth_date=birth_date, **facts)


def test_the_dosing_row_goes_by_age_then_weight() -> None:
    assert row(date(2025, 5, 1)) == 1
    assert row(date(2025, 4, 30)) == 2
    assert row(date(2025, 4, 30), today=TODAY) == 2
    assert row(date(2023, 7, 1)) == 2
    assert row(date(2023, 6, 30)) == 3
    assert row(date(2023, 6, 30), "19.99") == 3
    assert row(date(2023, 6, 30), "20") == 4
    assert row(date(1990, 1, 1), "60") == 4


def test_months_of_age_clamp_to_the_months_end() -> None:
    born_end_of_december = date(2024, 12, 31)
    weighed = result("weight", 5, 130)
    assert take("risdiplam-row", weighed, birth_date=born_end_of_december, today=date(2025, 2, 27)) == 1
    assert take("risdiplam-row", weighed, birth_date=born_end_of_december, today=date(2025, 2, 28)) == 2


def test_a_childs_weight_of_more_than_three_months_ago_gives_no_row() -> None:
    child = date(2020, 1, 1)
    weighed_in_march = result("weight", 18, (TODAY - date(2025, 3, 30)).days)
    assert take("risdiplam-row", weighed_in_march, birth_date=child) == 3
    stale = reading("risdiplam-row", weighed_in_march, birth_date=child, today=date(2025, 7, 1))
    assert stale.value is None and stale.missing == {"weight"} and len(stale.evidence) == 1
    assert take("risdiplam-row", result("weight", 60, 183), birth_date=date(1990, 1, 1)) == 4
    assert take("risdiplam-row", result("weight", 60, 184), birth_date=date(1990, 1, 1)) is None
    assert reading("risdiplam-row", birth_date=None).missing == {"weight", "birth-date"}


@pytest.mark.parametrize(
    ("birth_date", "weight", "dose"),
    [
        (date(2025, 6, 1), "4", "0.6"),
        (date(2024, 6, 1), "9.3", "1.86"),
        (date(2022, 6, 1), "13", "3.25"),
        (date(2015, 6, 1), "31", "5"),
    ],
)
def test_the_dose_and_its_volume(birth_date: date, weight: str, dose: str) -> None:
    known = result("weight", weight)
    assert take("risdiplam-dose", known, birth_date=birth_date) == Fraction(dose)
    assert take("risdiplam-volume", known, birth_date=birth_date) == Fraction(dose) / Fraction("0.75")
    assert take("risdiplam-dose", birth_date=birth_date) is None


TODDLER = date(2023, 4, 1)  # two years old on 2025-04-01
WEIGHTS = [result("weight", 11, 120), result("weight", 12, 60), result("weight", 13)]


def course(days_ago: int, dose: str | None = "2.2") -> list[Span]:
    return [Span("risdiplam", on(days_ago), details={"dose_mg": dose} if dose else {})]


def test_the_prescribed_row_is_the_one_of_the_day_of_start() -> None:
    facts = {"birth_date": TODDLER, "spans": course(120)}
    assert take("risdiplam-row", *WEIGHTS, **facts) == 3
    assert take("risdiplam-row-prescribed", *WEIGHTS, **facts) == 2
    assert take("risdiplam-row-prescribed", *WEIGHTS, birth_date=TODDLER) is None
    assert take("risdiplam-row-prescribed", *WEIGHTS, birth_date=TODDLER, spans=course(-1)) is None
    assert take("risdiplam-row-prescribed", *WEIGHTS[1:], **facts) is None


def test_an_accepted_change_makes_the_row_of_its_day_the_prescribed_one() -> None:
    change = [Decision("risdiplam-dose-change", on(60))]
    facts = {"birth_date": TODDLER, "spans": course(120), "decisions": change}
    assert take("risdiplam-row-prescribed", *WEIGHTS, **facts) == 3
    before = {**facts, "decisions": [Decision("risdiplam-dose-change", on(130))]}
    assert take("risdiplam-row-prescribed", *WEIGHTS, **before) == 2
    other = {**facts, "decisions": [Decision("dmt-review", on(60))]}
    assert take("risdiplam-row-prescribed", *WEIGHTS, **other) == 2


def test_the_mismatch_compares_the_dose_of_the_start_with_that_of_today() -> None:
    due = Fraction("3.25")
    facts = {"birth_date": TODDLER, "spans": course(120)}
    assert take("risdiplam-mismatch", *WEIGHTS, **facts) == (due - Fraction("2.2")) * 100 / due
    assert take("risdiplam-mismatch", *WEIGHTS, birth_date=TODDLER, spans=course(120, None)) is None
    assert take("risdiplam-mismatch", *WEIGHTS, birth_date=TODDLER) is None
    assert take("risdiplam-mismatch", birth_date=TODDLER, spans=course(120)) is None


def test_after_an_accepted_change_the_dose_of_that_day_rounded_is_the_prescribed_one() -> None:
    known = [result("weight", "12.345", 60), result("weight", 13)]
    changed = {
        "birth_date": TODDLER,
        "spans": course(120),
        "decisions": [Decision("risdiplam-dose-change", on(60))],
    }
    given, due = Fraction("3.09"), Fraction("3.25")  # 0.25 x 12.345 = 3.08625
    assert take("risdiplam-mismatch", *known, **changed) == (due - given) * 100 / due
    weight_voided = reading("risdiplam-mismatch", known[1], **changed)
    assert weight_voided.value == (due - Fraction("2.2")) * 100 / due
