"""ALSFRS-R: sums, slopes, King's and MiToS, and what an unanswered item leaves open."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from tests.engine.charts import form, on, reading, result, take

MONTH = Fraction("30.4375")


# items and sums


def test_sums_of_a_full_form() -> None:
    one = form(q1=1, q2=2, q3=3, q4=0, q5a=1, q6=2, q7=3, q8=4, q9=0, q10=1, q11=2, q12=3)
    assert take("alsfrs-total", one) == 22
    assert take("alsfrs-bulbar", one) == 6
    assert take("alsfrs-fine", one) == 3
    assert take("alsfrs-gross", one) == 7
    assert take("alsfrs-respiratory", one) == 6
    assert take("alsfrs-6", one) == 11
    assert [take(f"q{n}", one) for n in range(1, 13)] == [1, 2, 3, 0, 1, 2, 3, 4, 0, 1, 2, 3]


def test_item_5_is_taken_from_whichever_form_was_answered() -> None:
    assert take("q5", form(q5a=None, q5b=2)) == 2
    assert take("alsfrs-total", form(q5a=None, q5b=0)) == 44
    assert take("q5", form(q5a=None)) is None
    assert take("q5", form(q5a=0, q5b=None)) == 0


def test_an_unanswered_item_leaves_only_its_sums_unknown() -> None:
    one = form(q9=None)
    assert reading("alsfrs-total", one).missing == {"alsfrs-r"}
    assert take("alsfrs-gross", one) is None
    assert take("q9", one) is None
    assert take("alsfrs-bulbar", one) == 12
    assert take("alsfrs-6", one) == 24


def test_the_newest_form_counts_though_an_older_one_was_complete() -> None:
    assert take("alsfrs-total", form(30), form(q9=None)) is None
    assert take("alsfrs-total", form(183)) == 48
    assert take("alsfrs-total", form(184)) is None


# slopes


def test_the_slope_since_onset() -> None:
    onset = result("onset-date", on(400))
    assert take("dfs", onset, form(q1=2)) == 2 * MONTH / 400
    assert take("dfs", onset, form(100, q1=2)) == 2 * MONTH / 300
    assert take("dfs", onset, form(40, q1=2), form(q9=None)) == 2 * MONTH / 360


def test_the_slope_since_onset_needs_onset_a_valid_complete_form_and_time_between() -> None:
    onset = result("onset-date", on(400))
    assert reading("dfs", form(q1=2)).missing == {"onset-date"}
    assert reading("dfs", onset).missing == {"alsfrs-r"}
    assert reading("dfs").missing == {"alsfrs-r", "onset-date"}
    assert take("dfs", onset, form(q9=None)) is None
    assert take("dfs", onset, form(184, q1=2)) is None
    assert take("dfs", result("onset-date", on(0)), form(q1=2)) is None
    assert take("dfs", result("onset-date", on(0)), form(5, q1=2)) is None


def test_the_onset_entered_last_counts() -> None:
    corrected = [result("onset-date", on(200), 0, hour=9), result("onset-date", on(400), 50, order=99)]
    assert take("dfs", *corrected, form(q1=2)) == 2 * MONTH / 400


def test_the_slope_between_visits_uses_complete_forms_28_days_apart() -> None:
    assert take("fs-slope", form(28), form(q1=1)) == 3 * MONTH / 28
    assert take("fs-slope", form(27), form(q1=1)) is None
    assert take("fs-slope", form(200), form(60, q9=None), form(20, q1=3), form(q1=1)) == 3 * MONTH / 200
    assert take("fs-slope", form(100, q1=1), form(q1=3)) == -2 * MONTH / 100
    assert take("fs-slope", form(400), form(184, q1=1)) is None


# King's


@pytest.mark.parametrize(
    ("answers", "stage"),
    [
        ({}, 1),
        ({"q9": 3}, 1),
        ({"q1": 3}, 1),
        ({"q1": 3, "q2": 3, "q3": 3}, 1),
        ({"q3": 3, "q8": 3}, 2),
        ({"q4": 3, "q5a": 2}, 1),
        ({"q5a": 3, "q8": 3}, 2),
        ({"q2": 3, "q4": 3, "q8": 3}, 3),
        ({"q5a": None, "q5b": 4}, 4),
        ({"q10": 0}, 4),
        ({"q10": 1}, 1),
        ({"q12": 3}, 4),
        ({"q11": 0}, 1),
    ],
)
def test_kings_stage_counts_regions_until_support_is_needed(answers: dict[str, int | None], stage: int) -> None:
    assert take("kings", form(**answers)) == stage


@pytest.mark.parametrize(
    ("answers", "stage"),
    [
        ({"q9": None}, 1),
        ({"q1": None}, 1),  # none or one region is stage 1 either way
        ({"q1": None, "q2": 3}, 1),
        ({"q1": None, "q8": 3}, None),
        ({"q8": None, "q4": 3, "q1": 3}, None),
        ({"q10": None}, None),
        ({"q10": None, "q12": 3}, 4),
        ({"q12": None, "q10": 0}, 4),
        ({"q10": None, "q5a": None, "q5b": 1}, 4),
        ({"q5a": None}, None),  # whether there is a gastrostomy is open
        ({"q5a": None, "q12": 2}, 4),
    ],
)
def test_kings_stage_is_unknown_only_while_a_missing_item_could_change_it(
    answers: dict[str, int | None], stage: int | None
) -> None:
    assert take("kings", form(**answers)) == stage


def test_kings_4_says_which_support() -> None:
    assert take("kings-a", form()) is False
    assert take("kings-a", form(q5a=None, q5b=0)) is True
    assert take("kings-a", form(q5a=None)) is False
    assert take("kings-a") is None
    assert take("kings-b", form()) is False
    assert take("kings-b", form(q10=0, q12=None)) is True
    assert take("kings-b", form(q12=None)) is None


# MiToS


@pytest.mark.parametrize(
    ("domain", "answers", "lost"),
    [
        ("movement", {"q8": 1}, True),
        ("movement", {"q6": 1}, True),
        ("movement", {"q6": 2, "q8": 2}, False),
        ("movement", {"q6": None, "q8": 1}, True),
        ("movement", {"q6": None}, None),
        ("swallowing", {"q3": 1}, True),
        ("swallowing", {"q3": 2}, False),
        ("swallowing", {"q3": None}, None),
        ("communication", {"q1": 1, "q4": 1}, True),
        ("communication", {"q1": 1, "q4": 2}, False),
        ("communication", {"q1": None, "q4": 2}, False),
        ("communication", {"q1": None, "q4": 1}, None),
        ("breathing", {"q10": 1}, True),
        ("breathing", {"q12": 2}, True),
        ("breathing", {"q10": 2, "q12": 3}, False),
        ("breathing", {"q12": None}, None),
    ],
)
def test_each_domain_is_lost_kept_or_undecided(domain: str, answers: dict[str, int | None], lost: bool | None) -> None:
    assert take(f"mitos-{domain}", form(**answers)) is lost


def test_mitos_counts_domains_lost_and_is_unknown_while_one_is_undecided() -> None:
    assert take("mitos", form()) == 0
    assert take("mitos", form(q8=1, q3=0, q1=0, q4=0, q12=0)) == 4
    assert take("mitos", form(q8=1, q3=None)) is None
    assert take("mitos", form(q9=None)) == 0
    assert take("mitos") is None


def test_slopes_are_not_moved_by_a_later_day_alone() -> None:
    onset = result("onset-date", date(2024, 6, 30))
    assert take("dfs", onset, form(10, q1=2)) == take("dfs", onset, form(10, q1=2), today=on(5))
