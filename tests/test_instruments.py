"""Instruments through the river: what a form says while it is incomplete, and values computed by hand."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from pathway import errors, flow
from pathway.engine.measures import REGISTRY
from pathway.models import CareTask, Observation
from pathway.selectors import cases
from pathway.services.observations import NewObservation
from tests import builders
from tests.builders import Clinic, result

pytestmark = pytest.mark.usefixtures("loaded")

FULL = {**{str(number): 4 for number in range(1, 13) if number != 5}, "5a": 4}
MONTH = Fraction("30.4375")


def form(**answers: int | None) -> NewObservation:
    """An ALSFRS-R of 48 but for the named items."""
    return NewObservation(
        "alsfrs-r", items={**FULL, **{key.removeprefix("q"): value for key, value in answers.items()}}
    )


def record(clinic: Clinic, *results: NewObservation, day: int = 0) -> list[Observation]:
    return flow.record(clinic.enrollment.pk, results, at=builders.at(day, 10), by=clinic.people["nurse-coordinator"])


def take(clinic: Clinic, *codes: str, day: int = 0) -> list[Any]:
    reader = cases.lock(clinic.enrollment.pk, at=builders.at(day, 23), by=None).reader()
    return [reader.read(code).value for code in codes]


def is_done(clinic: Clinic, activity: str) -> bool:
    return CareTask.objects.filter(enrollment=clinic.enrollment, activity=activity, status="completed").exists()


# ALSFRS-R


def test_a_full_form_gives_sums_stages_and_completes_its_task() -> None:
    clinic = builders.clinic()
    record(clinic, form(q1=2, q3=1, q4=1, q6=2, q8=1, q10=3))
    assert take(clinic, "alsfrs-total", "alsfrs-bulbar", "alsfrs-fine", "alsfrs-gross", "alsfrs-respiratory") == [
        34,
        7,
        7,
        9,
        11,
    ]
    assert take(clinic, "kings", "kings-a", "kings-b") == [3, False, False]
    # movement (walking 1) and swallowing (1) are lost, communication (speech 2) and breathing are not
    assert take(clinic, "mitos", "mitos-movement", "mitos-swallowing", "mitos-communication", "mitos-breathing") == [
        2,
        True,
        True,
        False,
        False,
    ]
    assert is_done(clinic, "alsfrs-r")


def test_an_incomplete_form_keeps_the_staging_that_its_answers_decide_and_completes_nothing() -> None:
    clinic = builders.clinic()
    record(clinic, form(q3=1, q9=None, q12=3))
    assert take(clinic, "alsfrs-total", "alsfrs-gross") == [None, None]
    assert take(clinic, "alsfrs-bulbar", "kings", "kings-b", "mitos", "mitos-swallowing") == [9, 4, True, 1, True]
    assert not is_done(clinic, "alsfrs-r")


def test_what_a_missing_answer_leaves_open_is_unknown_and_never_zero() -> None:
    clinic = builders.clinic()
    record(clinic, form(q10=None))
    assert take(clinic, "kings", "mitos", "mitos-breathing", "alsfrs-6", "q10") == [None] * 5
    assert take(clinic, "mitos-movement", "mitos-swallowing", "alsfrs-bulbar") == [False, False, 12]


def test_a_form_answered_for_both_kinds_of_feeding_is_refused_whole() -> None:
    clinic = builders.clinic()
    with pytest.raises(errors.InvalidEntry) as refusal:
        record(clinic, form(q5b=4))
    assert refusal.value.code == "contradiction"
    assert not Observation.objects.filter(patient=clinic.patient, kind="alsfrs-r").exists()


def test_the_slope_since_onset_and_the_slope_between_visits() -> None:
    clinic = builders.clinic(facts=[result("onset-date", date(2023, 1, 8))])  # 365 days before the start
    record(clinic, form(q1=2))
    assert take(clinic, "dfs", "fs-slope") == [2 * MONTH / 365, None]
    record(clinic, form(q1=2, q8=None), day=60)  # incomplete: no end of a slope
    record(clinic, form(q1=2, q8=1), day=91)
    assert take(clinic, "dfs", "fs-slope", day=91) == [5 * MONTH / 456, 3 * MONTH / 91]


# scales of SMA, and walking


@pytest.mark.parametrize(
    ("code", "most", "unit", "change"),
    [
        ("chop-intend", 64, None, "chop-change"),
        ("hine-2", 26, None, "hine-change"),
        ("hfmse", 66, None, "hfmse-change"),
        ("rulm", 37, None, "rulm-change"),
        ("walk-6min", 1000, "m", "walk-change"),
    ],
)
def test_a_scale_has_its_range_its_change_and_its_task(code: str, most: int, unit: str | None, change: str) -> None:
    clinic = builders.clinic("sma-walker")
    record(clinic, result(code, most, unit))
    assert is_done(clinic, "walk-test" if code == "walk-6min" else "motor-scale")
    assert take(clinic, change) == [None]
    record(clinic, result(code, most - 7, unit), day=30)
    assert take(clinic, change, day=30) == [-7]
    for outside in (-1, most + 1):
        with pytest.raises(errors.InvalidEntry) as refusal:
            record(clinic, result(code, outside, unit), day=31)
        assert refusal.value.code == "implausible"


def test_a_swallow_score_has_its_range_and_completes_the_screen() -> None:
    clinic = builders.clinic("als-bulbar")
    with pytest.raises(errors.InvalidEntry):
        record(clinic, result("eat-10", 41))
    record(clinic, result("eat-10", 40))
    assert take(clinic, "eat-10") == [40]
    assert is_done(clinic, "swallow-screen")


# body and breathing


def test_a_childs_z_score_is_entered_and_never_computed() -> None:
    assert "bmi-z" not in REGISTRY
    site = builders.site()
    child = builders.patient(site, birth_date=date(2020, 1, 8))
    facts = [result("height", 100, "cm"), result("weight", 16, "kg")]
    enrollment = builders.enroll(child, "sma-sitter", facts=facts)
    reader = cases.lock(enrollment.pk, at=builders.at(), by=None).reader()
    assert (reader.read("bmi").value, reader.read("bmi-z").value) == (16, None)
    told = result("bmi-z", "-2.1", context={"reference": "WHO 2006"})
    flow.record(enrollment.pk, [told], at=builders.at(1), by=None)
    assert cases.lock(enrollment.pk, at=builders.at(1), by=None).reader().read("bmi-z").value == Fraction("-2.1")


def test_slopes_of_weight_and_vital_capacity() -> None:
    clinic = builders.clinic()
    record(clinic, result("weight", 80, "kg"), result("fvc-pct", 80, "%"))
    record(clinic, result("weight", 76, "kg"), result("fvc-pct", 70, "%"), day=100)
    # -5 % and -10 points within 100 days
    assert take(clinic, "weight-slope", "fvc-pct-fall", day=100) == [Fraction("-1.521875"), Fraction("18.2625")]


def test_energy_by_harris_benedict_and_by_the_six_items() -> None:
    clinic = builders.clinic(facts=[result("height", 162, "cm"), result("weight", 60, "kg")])
    # a woman of 60: 655.0955 + 9.5634 x 60 + 1.8496 x 162 - 4.6756 x 60
    assert take(clinic, "hb", "tdee-als") == [Fraction("1247.9987"), None]
    record(clinic, form(q1=2, q4=2, q6=2, q7=2, q8=2, q10=4))
    # ... + 55.96 x 14 - 168
    assert take(clinic, "alsfrs-6", "tdee-als") == [14, Fraction("1863.4387")]
