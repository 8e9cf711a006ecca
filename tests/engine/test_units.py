"""Numbers are exact, units are known or refused, and rounding is half up."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathway import errors
from pathway.engine import units
from tests.engine.catalogue import CATALOGUE

KINDS = CATALOGUE.kinds


def refused(call: object, *arguments: object) -> str:
    with pytest.raises(errors.InvalidEntry) as refusal:
        call(*arguments)  # type: ignore[operator]
    return refusal.value.code


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected"),
    [
        ("weight", "150", "[lb_av]", "68.0388555"),
        ("snip", "39.5", "hPa", "40.2787899"),
        ("paco2", "45", "mm[Hg]", "5.999507433675"),
        ("pcf", "4.5", "L/s", "270"),
        ("mip", "-58", "cm[H2O]", "58"),
        ("weight", "4200", "g", "4.2"),
        ("height", "1.78", "m", "178"),
        ("height", "70", "[in_i]", "177.8"),
        ("post-exercise-soreness", "50", "min", "5/6"),
        ("weight-z", "-1.5", None, "-1.5"),
    ],
)
def test_a_value_is_converted_by_the_exact_factor(code: str, value: str, unit: str | None, expected: str) -> None:
    assert units.canonical(KINDS[code], units.exact(value), unit) == Fraction(expected)


def test_a_quantity_without_a_unit_is_refused() -> None:
    assert refused(units.canonical, KINDS["usual-weight"], Fraction(71), None) == "unit-missing"
    assert refused(units.canonical, KINDS["usual-weight"], Fraction(71), "") == "unit-missing"


def test_a_unit_of_another_kind_is_refused() -> None:
    assert refused(units.canonical, KINDS["weight"], Fraction(71), "kPa") == "unit-unknown"
    assert refused(units.canonical, KINDS["weight-z"], Fraction(1), "kg") == "unit-unknown"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("68.4", "342/5"),
        (" 68.40 ", "342/5"),
        (Decimal("68.4"), "342/5"),
        (72, "72"),
        ("-0.5", "-1/2"),
        ("+7", "7"),
        (".5", "1/2"),
        ("7.", "7"),
        ("1.5e3", "1500"),
        ("1E-2", "1/100"),
        (Fraction(1, 3), "1/3"),
        ("1" * 40, "1" * 40),
    ],
)
def test_a_number_is_read_exactly_as_written(number: object, expected: str) -> None:
    assert units.exact(number) == Fraction(expected)


@pytest.mark.parametrize(
    "number",
    ["", " ", "abc", "1,250", "71,6", "1 250", "1_000", "0x10", "1/3", "--1", "1.2.3", ".", "٣", None, True, []],
)
def test_what_is_no_number_is_refused(number: object) -> None:
    assert refused(units.exact, number) == "not-allowed"


def test_binary_floats_are_refused_because_none_of_them_is_68_4() -> None:
    assert refused(units.exact, 68.4) == "not-allowed"


@pytest.mark.parametrize(
    "number",
    ["NaN", "nan", "sNaN", "inf", "-Infinity", Decimal("NaN"), "1e16", "1e-16", "1e99999999", "1" * 41, 10**50],
)
def test_numbers_beyond_reason_are_refused_as_implausible(number: object) -> None:
    assert refused(units.exact, number) == "implausible"


def test_an_integer_too_long_to_print_is_refused_not_printed() -> None:
    assert refused(units.exact, 10**9999) == "implausible"


def test_a_refusal_names_code_reason_and_field() -> None:
    with pytest.raises(errors.InvalidEntry) as refusal:
        units.canonical(KINDS["weight"], Fraction(71), "stone")
    assert refusal.value.field == "unit"
    assert "stone" in str(refusal.value) and "unit-unknown" in str(refusal.value)


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        ("0.5", 0, "1"),
        ("1.5", 0, "2"),
        ("2.5", 0, "3"),
        ("-0.5", 0, "-1"),
        ("-2.5", 0, "-3"),
        ("-0.4", 0, "0"),
        ("9.925", 2, "9.93"),
        ("9.925", 3, "9.925"),
        ("9.925", 4, "9.9250"),
        ("1/3", 4, "0.3333"),
        ("2/3", 0, "1"),
        ("999.95", 1, "1000.0"),
    ],
)
def test_rounding_is_half_up_and_keeps_the_places(value: str, places: int, expected: str) -> None:
    assert str(units.rounded(Fraction(value), places)) == expected


@given(st.fractions(min_value=-(10**6), max_value=10**6), st.integers(min_value=0, max_value=8))
def test_rounding_moves_a_value_by_half_a_step_at_most(value: Fraction, places: int) -> None:
    assert abs(Fraction(units.rounded(value, places)) - value) <= Fraction(1, 2 * 10**places)


@given(st.decimals(min_value=1, max_value=500, places=3))
def test_pounds_and_kilograms_say_the_same_weight(pounds: Decimal) -> None:
    weight = KINDS["weight"]
    kilograms = units.exact(pounds) * weight.units["[lb_av]"]
    assert units.canonical(weight, units.exact(pounds), "[lb_av]") == units.canonical(weight, kilograms, "kg")
