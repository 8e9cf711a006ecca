"""Conditions that plainly exclude one another, and those that only look as if they did."""

from __future__ import annotations

import pytest

from pathway.engine import contradictions


@pytest.mark.parametrize(
    "conditions",
    [
        ("fvc-pct < 50 and fvc-pct >= 80",),
        ("fvc-pct < 50 and fvc-pct >= 50",),
        ("cobb > 20 and cobb <= 20",),
        ("cobb = 20 and cobb > 20",),
        ("stage(respiratory) <= R1", "stage(respiratory) >= R3"),
        ("age >= 18", "weight-z-fall >= 1 and age < 18"),
        ("temperature < -1.5 and temperature > -1.0",),
        ("false",),
    ],
)
def test_conditions_that_exclude_one_another_are_named(conditions: tuple[str, ...]) -> None:
    assert contradictions.never_true(*conditions)


@pytest.mark.parametrize(
    "conditions",
    [
        ("",),
        ("cobb >= 15 and cobb < 50",),
        ("cobb >= 20 and cobb <= 20",),
        ("bmi-z < -1 or bmi-z > 1",),
        ("not (known(x) and fvc-pct < 50 and y) and fvc-pct > 80",),
        ("not fvc-pct < 50 and fvc-pct < 50",),
        ("prev(hfmse) - hfmse >= 3 and hfmse < 2",),
        ("paco2 > 45 mm[Hg] and paco2 < 7",),
        ("stage(respiratory) >= R4", "stage(nutrition) <= N1"),
        ("motor-function = sitter and motor-function = walker",),
    ],
)
def test_nothing_is_said_without_certainty(conditions: tuple[str, ...]) -> None:
    assert contradictions.never_true(*conditions) == ""
