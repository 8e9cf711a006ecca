"""What was entered is checked as a whole: ranges, lists, items, context, flags."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction

import pytest

from pathway import errors
from pathway.engine import entries
from pathway.engine.entries import Checked, Entry
from tests.engine.catalogue import CATALOGUE, ITEMS
from tests.engine.charts import FULL_FORM, TODAY


def check(code: str, value: object = None, unit: str | None = None, *, age: int | None = 50, **more: object) -> Checked:
    entry = Entry(value, unit, **more)  # type: ignore[arg-type]
    return entries.check(CATALOGUE.kinds[code], entry, age=age, today=TODAY)


def refusal(code: str, value: object = None, unit: str | None = None, **more: object) -> tuple[str, str]:
    """Reason code and field."""
    with pytest.raises(errors.InvalidEntry) as refused:
        check(code, value, unit, **more)  # type: ignore[arg-type]
    return refused.value.code, refused.value.field


# quantities


def test_a_quantity_keeps_what_was_entered_beside_the_canonical_value() -> None:
    checked = check("weight", "150", "[lb_av]")
    assert (checked.value, checked.unit, checked.canonical) == (150, "[lb_av]", Fraction("68.0388555"))
    assert checked.flags == ()


@pytest.mark.parametrize(
    ("code", "value", "unit", "age", "expected"),
    [
        ("usual-weight", 71, None, 50, "unit-missing"),
        ("usual-weight", 0, "kg", 50, "implausible"),
        ("paco2", 46, "kPa", 50, "implausible"),
        ("weight", "4.2", "kg", 50, "implausible"),
        ("weight", "4.2", "kg", 18, "implausible"),
        ("weight", "4.2", "kg", None, "implausible"),
        ("weight", "24.99", "kg", 50, "implausible"),
        ("weight", "300.01", "kg", 50, "implausible"),
        ("weight", "201", "kg", 17, "implausible"),
        ("weight", 71, "stone", 50, "unit-unknown"),
        ("weight", "7l", "kg", 50, "not-allowed"),
        ("weight", 68.4, "kg", 50, "not-allowed"),
        ("weight", "NaN", "kg", 50, "implausible"),
        ("weight", None, "kg", 50, "not-allowed"),
        ("weight", True, "kg", 50, "not-allowed"),
    ],
)
def test_a_quantity_that_cannot_be_is_refused(
    code: str, value: object, unit: str | None, age: int | None, expected: str
) -> None:
    assert refusal(code, value, unit, age=age)[0] == expected


@pytest.mark.parametrize(("value", "age"), [("4.2", 0), ("4.2", 17), ("25", 18), ("300", 50), ("1", 0), ("200", 17)])
def test_the_hard_range_includes_its_bounds_and_goes_by_age(value: str, age: int) -> None:
    assert check("weight", value, "kg", age=age).canonical == Fraction(value)


def test_the_hard_range_is_checked_after_conversion() -> None:
    assert check("paco2", 46, "mm[Hg]").canonical == 46 * Fraction("0.133322387415")
    assert refusal("fvc", 500, "L") == ("implausible", "value")
    assert check("fvc", 500, "mL").canonical == Fraction("0.5")


def test_the_refusal_says_the_range_in_the_canonical_unit() -> None:
    with pytest.raises(errors.InvalidEntry, match=r"between 0\.2 and 9 L"):
        check("fvc", "0.1", "L")


def test_a_negative_pressure_is_stored_positive_before_the_range_is_checked() -> None:
    assert check("mip", -58, "cm[H2O]").canonical == 58
    assert check("snip", "-60", "hPa").canonical == 60 * Fraction("1.0197162")
    assert refusal("mip", -201, "cm[H2O]")[0] == "implausible"


def test_a_value_outside_the_soft_range_is_stored_and_flagged() -> None:
    assert check("height", "119.9", "cm").flags == ("soft-range",)
    assert check("height", "120", "cm").flags == ()
    assert check("height", "90", "cm", age=6).flags == ()
    assert check("fvc-pct", 151, "%").flags == ("soft-range",)


def test_scores_need_no_unit_but_take_only_their_own() -> None:
    assert check("hfmse", 41).canonical == 41
    assert check("hfmse", 41, "{score}").unit == "{score}"
    assert refusal("hfmse", 41, "kg") == ("unit-unknown", "unit")


# the liver


def test_a_liver_value_without_its_upper_limit_is_flagged() -> None:
    assert check("alt", 55, "U/L").flags == ("uln-missing",)
    assert check("ast", 1, "ukat/L").flags == ("uln-missing",)
    assert check("alt", 55, "U/L", context={"uln": 40}) == Checked(
        Fraction(55), Fraction(55), "U/L", context={"uln": "40"}
    )


@pytest.mark.parametrize(
    ("limit", "expected"), [(0, "implausible"), (-40, "implausible"), ("forty", "not-allowed"), ("", "not-allowed")]
)
def test_an_upper_limit_that_cannot_divide_is_refused(limit: object, expected: str) -> None:
    assert refusal("alt", 55, "U/L", context={"uln": limit}) == (expected, "context.uln")


# plain values


def test_booleans_are_true_or_false_and_nothing_else() -> None:
    assert check("lung-disease", False).canonical is False
    for other in (0, 1, "true", "false", None, ""):
        assert refusal("lung-disease", other) == ("not-allowed", "value")


def test_an_event_only_ever_happened() -> None:
    assert check("chest-infection", True, context={"antibiotics": True}).context == {"antibiotics": "true"}
    for other in (False, 1, "true", None):
        assert refusal("chest-infection", other) == ("not-allowed", "value")


def test_a_coded_value_is_one_of_its_list() -> None:
    assert check("sod1", "vus").canonical == "vus"
    for other in ("Pathogenic", "", None, ["vus"]):
        assert refusal("sod1", other) == ("not-allowed", "value")


def test_an_empty_set_is_an_answer() -> None:
    assert check("respiratory-symptoms", []).canonical == frozenset()
    assert check("respiratory-symptoms", ["fatigue", "fatigue", "orthopnoea"]).canonical == {"fatigue", "orthopnoea"}


def test_a_set_takes_only_a_list_of_its_items() -> None:
    for other in (None, "fatigue", ["hiccups"], [["fatigue"]], {"fatigue": True}):
        assert refusal("respiratory-symptoms", other) == ("not-allowed", "value")


def test_dates_are_real_and_not_ahead() -> None:
    assert check("onset-date", "2024-02-29").canonical == date(2024, 2, 29)
    assert check("onset-date", TODAY, context={"precision": "month"}).canonical == TODAY
    for other in (
        "2023-02-29",
        "01.02.2024",
        "20240201",
        "2024-W05-1",
        "2024-02",
        20240201,
        datetime(2024, 2, 1, tzinfo=UTC),
        None,
    ):
        assert refusal("onset-date", other) == ("not-allowed", "value")
    assert refusal("onset-date", "2025-07-01") == ("implausible", "value")


def test_what_has_no_unit_takes_none() -> None:
    assert refusal("sod1", "vus", "kg") == ("unit-unknown", "unit")


# panels


def test_a_form_is_stored_by_item_with_null_for_what_was_not_answered() -> None:
    checked = check("alsfrs-r", items={**{int(k) if k != "5a" else k: v for k, v in FULL_FORM.items()}, 9: None})
    assert checked.value is None and checked.canonical is None
    assert checked.items["1"] == 4 and checked.items["9"] is None and "5b" not in checked.items


def test_both_forms_of_item_5_contradict() -> None:
    assert refusal("alsfrs-r", items={**FULL_FORM, "5b": 3}) == ("contradiction", "items.5b")
    assert refusal("alsfrs-r", items={**FULL_FORM, "5b": 0})[0] == "contradiction"
    assert check("alsfrs-r", items={**FULL_FORM, "5b": None}).items["5b"] is None
    assert check("alsfrs-r", items={**FULL_FORM, "5a": None, "5b": 0}).items["5b"] == 0


@pytest.mark.parametrize("item", ITEMS)
@pytest.mark.parametrize(
    ("score", "expected"), [(5, "implausible"), (-1, "implausible"), ("2.5", "implausible"), (True, "not-allowed")]
)
def test_an_item_is_a_whole_number_from_0_to_4(item: str, score: object, expected: str) -> None:
    assert refusal("alsfrs-r", items={item: score}) == (expected, f"items.{item}")


def test_an_item_that_the_form_lacks_is_refused() -> None:
    assert refusal("alsfrs-r", items={"5": 4}) == ("not-allowed", "items.5")
    assert refusal("alsfrs-r", items={"13": 4}) == ("not-allowed", "items.13")
    assert refusal("alsfrs-r", items={}) == ("not-allowed", "items")
    assert refusal("alsfrs-r", 48, items=FULL_FORM) == ("not-allowed", "value")


def test_items_of_oximetry_are_minutes_and_a_yes_or_no() -> None:
    given = {"minutes-le-88": 6, "minutes-lt-90": "12.5", "recording-minutes": 420, "significant": True}
    checked = check("overnight-oximetry", items=given)
    assert checked.items == {
        "minutes-le-88": 6,
        "minutes-lt-90": Fraction("12.5"),
        "recording-minutes": 420,
        "significant": True,
    }
    assert check("overnight-oximetry", items={"significant": None}).items == {"significant": None}


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ({"minutes-le-88": -1}, "implausible"),
        ({"recording-minutes": 1441}, "implausible"),
        ({"minutes-lt-90": 421, "recording-minutes": 420}, "implausible"),
        ({"significant": 1}, "not-allowed"),
        ({"minutes-le-88": "many"}, "not-allowed"),
        ({"minutes": 4}, "not-allowed"),
    ],
)
def test_an_oximetry_that_cannot_be_is_refused(items: dict[str, object], expected: str) -> None:
    assert refusal("overnight-oximetry", items=items)[0] == expected


def test_only_panels_have_items() -> None:
    assert refusal("weight", 70, "kg", items={"1": 4}) == ("not-allowed", "items")


# context


def test_context_takes_known_keys_with_known_values() -> None:
    assert check("fvc-pct", 82, "%", context={"posture": "sitting", "reference": None}).context == {
        "posture": "sitting"
    }
    assert check("spo2", 95, "%", context={"posture": "half sitting up"}).context == {"posture": "half sitting up"}
    assert refusal("fvc-pct", 82, "%", context={"posture": "standing"}) == ("not-allowed", "context.posture")
    assert refusal("fvc-pct", 82, "%", context={"mood": "good"}) == ("not-allowed", "context.mood")
    assert refusal("spo2", 95, "%", context={"posture": ["half"]}) == ("not-allowed", "context.posture")
    assert refusal("intake", 70, "%", context={"days": -3}) == ("implausible", "context.days")


def test_required_context_must_be_there() -> None:
    full = {"method": "bia", "device": "B1", "formula": "desport-2003"}
    assert check("body-fat", 24, "%", context=full).canonical == 24
    for key in full:
        partial = {k: v for k, v in full.items() if k != key}
        assert refusal("body-fat", 24, "%", context=partial) == ("not-allowed", f"context.{key}")


# not performable, time


def test_a_test_that_could_not_be_done_has_no_value_and_raises_no_flag() -> None:
    assert check("alt", performable=False) == Checked(None, None, performable=False)
    assert check("body-fat", performable=False).performable is False
    assert refusal("snip", 40, "cm[H2O]", performable=False) == ("contradiction", "value")


def test_what_lies_ahead_is_refused() -> None:
    assert refusal("weight", 70, "kg", day=date(2025, 7, 1)) == ("implausible", "effective")
    assert check("weight", 70, "kg", day=TODAY).canonical == 70
    now = datetime(2025, 6, 30, 9, 0, tzinfo=UTC)
    later = Entry(70, "kg", day=TODAY, at=datetime(2025, 6, 30, 9, 1, tzinfo=UTC))
    with pytest.raises(errors.InvalidEntry, match="ahead"):
        entries.check(CATALOGUE.kinds["weight"], later, age=50, today=TODAY, now=now)


# against earlier results


@pytest.mark.parametrize(
    ("new", "earlier", "expected"),
    [
        ("154.322", "70", True),
        ("70", "154.322", True),
        ("157.40844", "70", True),  # 2.2046 x 1.02
        ("157.40845", "70", False),
        ("151.23556", "70", True),  # 2.2046 x 0.98
        ("151.23555", "70", False),
        ("70", "70", False),
        ("140", "70", False),
    ],
)
def test_a_weight_that_looks_like_pounds_is_held(new: str, earlier: str, expected: bool) -> None:
    assert entries.is_unit_mixup(Fraction(new), Fraction(earlier)) is expected


def test_an_infant_may_double_its_weight_in_more_than_a_month() -> None:
    new, earlier = Fraction("8.8"), Fraction(4)
    assert entries.is_unit_mixup(new, earlier, age=1, days=31)
    assert not entries.is_unit_mixup(new, earlier, age=1, days=32)
    assert entries.is_unit_mixup(new, earlier, age=2, days=32)


def test_a_body_mass_index_is_implausible_in_adults_only() -> None:
    assert not entries.is_bmi_implausible(Fraction(12), 50)
    assert not entries.is_bmi_implausible(Fraction(50), 50)
    assert entries.is_bmi_implausible(Fraction("11.99"), 18)
    assert entries.is_bmi_implausible(Fraction("50.01"), 50)
    assert not entries.is_bmi_implausible(Fraction("11.99"), 17)


def test_a_rapid_change_is_more_than_a_tenth_within_31_days() -> None:
    change = entries.is_rapid_change
    assert not change(Fraction(63), Fraction(70), days=31, age=50)
    assert change(Fraction("62.99"), Fraction(70), days=31, age=50)
    assert change(Fraction("77.01"), Fraction(70), days=1, age=50)
    assert not change(Fraction("62.99"), Fraction(70), days=32, age=50)
    assert not change(Fraction("62.99"), Fraction(70), days=31, age=17)


def test_bad_swallowing_without_a_gastrostomy_is_flagged() -> None:
    items = {"3": Fraction(1), "5a": Fraction(2)}
    flag = entries.is_q3_without_gastrostomy
    assert flag(items, has_gastrostomy=False)
    assert not flag(items, has_gastrostomy=True)
    assert not flag({**items, "3": Fraction(2)}, has_gastrostomy=False)
    assert not flag({**items, "3": None}, has_gastrostomy=False)
    assert not flag({"3": Fraction(0), "5b": Fraction(2)}, has_gastrostomy=False)


def test_the_fixed_dose_needs_20_kg() -> None:
    assert entries.is_below_fixed_dose(Fraction("19.99"), Fraction(4))
    assert not entries.is_below_fixed_dose(Fraction(20), Fraction(4))
    assert not entries.is_below_fixed_dose(Fraction("19.99"), Fraction(3))
    assert not entries.is_below_fixed_dose(Fraction("19.99"), None)


def test_a_childs_weight_is_stale_the_day_after_three_months() -> None:
    weighed = date(2025, 3, 30)
    assert not entries.is_weight_stale(weighed, date(2025, 6, 30), age=4)
    assert entries.is_weight_stale(weighed, date(2025, 7, 1), age=4)
    assert not entries.is_weight_stale(weighed, date(2026, 7, 1), age=18)
