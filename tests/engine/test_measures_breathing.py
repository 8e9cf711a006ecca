"""Pressures, capacities, saturation, symptoms and predicted values."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from pathway.engine import units
from pathway.engine.chart import Value
from tests.engine.charts import on, reading, result, take

QUARTER = Fraction("91.3125")


# pressures


def test_the_best_pressure_is_the_highest_of_the_newest_day_that_has_either() -> None:
    known = [
        result("snip", 90, 10),
        result("snip", 38),
        result("mip", 41, hour=8),
        result("mip", 39, hour=16),
    ]
    best = reading("best-pressure", *known)
    assert best.value == 41
    assert sorted((r.kind, r.value) for r in best.evidence) == [("mip", 39), ("mip", 41), ("snip", 38)]
    assert take("best-pressure", result("snip", 90, 10), result("mip", 41, 11)) == 90


def test_the_best_pressure_expires_after_183_days() -> None:
    assert take("best-pressure", result("mip", 41, 183)) == 41
    assert reading("best-pressure", result("mip", 41, 184)).missing == {"snip", "mip"}
    assert take("best-pressure", result("mip", None, performable=False)) is None


def test_the_pressure_cut_goes_by_sex() -> None:
    assert take("pressure-cut", sex="male") == 65
    assert take("pressure-cut", sex="female") == 55
    assert take("pressure-cut", sex="unknown") is None


def test_the_fall_of_pressure_compares_days_at_least_28_apart() -> None:
    assert take("pressure-fall", result("snip", 85, 91), result("snip", 75)) == 10 * QUARTER / 91
    assert take("pressure-fall", result("snip", 85, 28), result("snip", 75)) == 10 * QUARTER / 28
    assert take("pressure-fall", result("snip", 85, 27), result("snip", 75)) is None


def test_the_fall_of_pressure_takes_the_best_of_both_tests_on_both_days() -> None:
    known = [result("snip", 60, 92), result("mip", 58, 92), result("snip", 50), result("mip", 49)]
    fall = reading("pressure-fall", *known)
    assert fall.value == 10 * QUARTER / 92  # shown as 9.925
    assert len(fall.evidence) == 4
    swapped = [result("snip", 85, 40), result("mip", 60, 40), result("snip", 30), result("mip", 75)]
    assert take("pressure-fall", *swapped) == 10 * QUARTER / 40


def test_the_fall_of_pressure_uses_the_newest_day_that_is_old_enough_even_if_expired() -> None:
    newest = result("snip", 75)
    assert take("pressure-fall", newest, result("snip", 85, 300), result("mip", 95, 400)) == 10 * QUARTER / 300
    assert take("pressure-fall", result("snip", 75, 184), result("snip", 85, 300)) is None


# symptoms


@pytest.mark.parametrize(
    ("symptoms", "signs", "expected"),
    [
        (None, None, None),
        ([], None, False),
        ([], [], False),
        (["fatigue"], None, True),
        ([], ["weak-cough"], True),
        (None, ["weak-cough"], True),
        (None, [], None),
    ],
)
def test_a_symptom_or_sign_is_present_or_was_asked_for(
    symptoms: list[str] | None, signs: list[str] | None, expected: bool | None
) -> None:
    lists = {"respiratory-symptoms": symptoms, "respiratory-signs": signs}
    known = [result(code, frozenset(names)) for code, names in lists.items() if names is not None]
    found = reading("any-symptom", *known)
    assert found.value is expected
    assert len(found.evidence) == len(known)
    assert found.missing == (frozenset() if expected is not None else {"respiratory-symptoms"})


def test_a_symptom_list_counts_for_30_days() -> None:
    assert take("any-symptom", result("respiratory-symptoms", frozenset(), 30)) is False
    assert take("any-symptom", result("respiratory-symptoms", frozenset(), 31)) is None


def test_only_some_symptoms_tell_of_sleep() -> None:
    assert take("sleep-symptom", result("respiratory-symptoms", frozenset({"nightmares"}))) is True
    assert take("sleep-symptom", result("respiratory-symptoms", frozenset({"orthopnoea", "fatigue"}))) is False
    assert take("sleep-symptom", result("respiratory-signs", frozenset({"weak-sniff"}))) is None


# saturation


def test_saturation_is_read_by_activity_on_room_air() -> None:
    known = [
        result("spo2", 95, 20, context={"activity": "rest", "oxygen": "room-air"}),
        result("spo2", 91, 10, context={"activity": "asleep", "oxygen": "room-air"}),
        result("spo2", 99, 5, context={"activity": "rest", "oxygen": "supplemental"}),
        result("spo2", 97, 1, context={"activity": "rest"}),
        result("spo2", 96),
    ]
    assert take("spo2-rest", *known) == 95
    assert take("spo2-asleep", *known) == 91
    assert take("spo2-asleep", known[0]) is None
    assert reading("spo2-rest", *known[1:]).missing == {"spo2"}


def test_saturation_at_rest_expires_after_30_days() -> None:
    context = {"activity": "rest", "oxygen": "room-air"}
    assert take("spo2-rest", result("spo2", 95, 30, context=context)) == 95
    assert take("spo2-rest", result("spo2", 95, 31, context=context)) is None


def test_the_saturation_cut_is_lower_in_lung_disease_which_counts_as_absent_until_recorded() -> None:
    assert take("spo2-cut") == 94
    assert take("spo2-cut", result("lung-disease", False, 900)) == 94
    assert take("spo2-cut", result("lung-disease", True, 900)) == 92


# capacities


def test_vital_capacity_is_the_newer_of_slow_and_forced() -> None:
    assert take("vital-capacity", result("vc", 2, 3), result("fvc", "2.2", 2)) == Fraction("2.2")
    assert take("vital-capacity", result("vc", 2, 1), result("fvc", "2.2", 2)) == 2
    assert take("vital-capacity", result("vc", 2, 1), result("fvc", 1, context={"posture": "supine"})) == 2
    assert take("vital-capacity", result("vc", 2, 184), result("fvc", "2.2", 183)) == Fraction("2.2")
    assert reading("vital-capacity").missing == {"vc", "fvc"}


def test_the_fall_of_fvc_needs_84_days() -> None:
    newest = result("fvc-pct", 70)
    assert take("fvc-pct-fall", newest, result("fvc-pct", 80, 84)) == 10 * Fraction("182.625") / 84
    assert take("fvc-pct-fall", newest, result("fvc-pct", 80, 83)) is None
    assert take("fvc-pct-fall", newest, result("fvc-pct", 80, 90, context={"posture": "supine"})) is None


def test_percent_of_two_reference_sets_are_not_compared() -> None:
    newest = result("fvc-pct", 70, context={"reference": "gli-global"})
    other = result("fvc-pct", 80, 84, context={"reference": "ecsc"})
    same = result("fvc-pct", 90, 100, context={"reference": "gli-global"})
    unnamed = result("fvc-pct", 80, 84)
    assert take("fvc-pct-fall", newest, other) is None
    assert take("fvc-pct-fall", newest, other, same) == 20 * Fraction("182.625") / 100
    assert take("fvc-pct-fall", newest, unnamed) is None


def test_a_percentage_without_a_named_set_is_the_devices() -> None:
    newest = result("fvc-pct", 70, context={"reference": "device"})
    unnamed = result("fvc-pct", 80, 84)
    assert take("fvc-pct-fall", newest, unnamed) == 10 * Fraction("182.625") / 84


def test_a_drop_between_two_reference_sets_is_unknown() -> None:
    sitting = result("fvc-pct", 80, context={"posture": "sitting", "reference": "ecsc"})
    lying = result("fvc-pct", 60, context={"posture": "supine"})
    same = result("fvc-pct", 60, context={"posture": "supine", "reference": "ecsc"})
    assert take("supine-drop", sitting, lying) is None
    assert take("supine-drop", sitting, same) == 25


def test_the_drop_lying_down_needs_both_postures_on_the_newest_day() -> None:
    lying = {"posture": "supine"}
    assert take("supine-drop", result("fvc-pct", 80), result("fvc-pct", 60, context=lying)) == 25
    assert take("supine-drop", result("fvc-pct", 80, 1), result("fvc-pct", 60, context=lying)) is None
    assert (
        take("supine-drop", result("fvc-pct", 80, 1), result("fvc-pct", 60, 1, context=lying), result("fvc-pct", 78))
        is None
    )
    old = [result("fvc-pct", 80, 184), result("fvc-pct", 60, 184, context=lying)]
    assert take("supine-drop", *old) is None


# oximetry, ventilation


def test_items_of_the_newest_oximetry() -> None:
    items = {"minutes-le-88": 6, "minutes-lt-90": 0, "recording-minutes": 420, "significant": False}
    known = [
        result("overnight-oximetry", None, 9, items={"minutes-le-88": 99}),
        result("overnight-oximetry", items=items),
    ]
    assert take("oximetry-le-88", *known) == 6
    assert take("oximetry-lt-90", *known) == 0
    assert take("oximetry-recorded", *known) == 420
    assert take("oximetry-significant", *known) is False
    missing = reading("oximetry-lt-90", known[0])
    assert missing.value is None and missing.missing == {"overnight-oximetry"}
    assert take("oximetry-le-88", result("overnight-oximetry", None, 184, items=items)) is None


def test_hours_of_extended_ventilation_differ_for_non_sitters() -> None:
    assert take("niv-extended", pathway="sma-non-sitter") == 16
    assert take("niv-extended", pathway="sma-sitter") == 12
    assert take("niv-extended") == 12


# predicted values


def predicted(code: str, sex: str, age: int, height: int = 178) -> Value | None:
    return take(code, result("height", height), sex=sex, birth_date=date(2025 - age, 6, 30))


def test_ecsc_of_a_woman_and_a_man() -> None:
    assert predicted("fvc-pred-ecsc", "female", 66, 162) == Fraction("2.5706")
    assert predicted("fvc-pred-ecsc", "male", 58) == Fraction("5.76") * Fraction("1.78") - Fraction("5.848")


def test_ecsc_holds_from_18_to_70_and_counts_the_young_as_25() -> None:
    at_25 = predicted("fvc-pred-ecsc", "male", 25)
    assert predicted("fvc-pred-ecsc", "male", 18) == at_25
    assert predicted("fvc-pred-ecsc", "male", 26) == at_25 - Fraction("0.026")  # type: ignore[operator]
    assert predicted("fvc-pred-ecsc", "male", 70) is not None
    assert predicted("fvc-pred-ecsc", "male", 71) is None
    assert predicted("fvc-pred-ecsc", "male", 17) is None
    assert predicted("fvc-pred-ecsc", "unknown", 50) is None
    assert take("fvc-pred-ecsc", birth_date=date(1975, 1, 1)) is None


@pytest.mark.parametrize(
    ("sex", "age", "height", "expected"),
    [
        ("male", 58, 178, "4.84543528"),
        ("male", 20, 178, "5.61843128"),
        ("male", 19, 178, "5.42729428"),
        ("male", 8, 130, "1.90741"),
        ("female", 66, 162, "3.1022566"),
        ("female", 18, 165, "3.890215750"),
        ("female", 17, 165, "3.830903750"),
    ],
)
def test_nhanes_has_four_branches(sex: str, age: int, height: int, expected: str) -> None:
    assert predicted("fvc-pred-nhanes3", sex, age, height) == Fraction(expected)


def test_nhanes_of_the_worked_example() -> None:
    value = predicted("fvc-pred-nhanes3", "male", 58)
    assert isinstance(value, Fraction) and str(units.rounded(value, 2)) == "4.85"
    assert predicted("fvc-pred-nhanes3", "male", 7) is None
    assert predicted("fvc-pred-nhanes3", "unknown", 58) is None
    assert take("fvc-pred-nhanes3", birth_date=None) is None


def test_the_day_of_a_pressure_is_the_day_it_was_measured() -> None:
    assert reading("best-pressure", result("snip", 60, 12)).day == on(12)
