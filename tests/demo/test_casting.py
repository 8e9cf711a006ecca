"""The cast of the demo clinic is a function of the order, and speaks the closed vocabulary."""

from collections import Counter
from datetime import date

import pytest

from pathway.demo import casting, results
from pathway.demo.casting import Part, Script
from pathway.demo.courses import Life
from pathway.engine import content
from tests.demo.conftest import FOLDER

TODAY = date(2026, 3, 11)


@pytest.fixture(scope="module")
def script() -> Script:
    return casting.read(FOLDER)


def cast(script: Script, **changed: int) -> list[Part]:
    return casting.cast(script, **{"patients": 60, "months": 24, "seed": 1, **changed}, today=TODAY)


def test_the_same_order_makes_the_same_people(script: Script) -> None:
    assert cast(script) == cast(script)
    assert cast(script) != cast(script, seed=2)


def test_sixty_patients_take_the_courses_by_their_shares(script: Script) -> None:
    assert sum(course.share for course in script.courses.values()) == 60
    found = Counter(part.course.code for part in cast(script))
    assert found == {code: course.share for code, course in script.courses.items()}


def test_every_fate_is_told_of_somebody(script: Script) -> None:
    found = Counter(part.fate for part in cast(script) if part.fate)
    assert found == Counter(fate for fate, _ in script.fates)


@pytest.mark.parametrize(("patients", "months"), [(1, 1), (2, 24), (6, 6), (500, 3)])
def test_any_size_makes_a_cast(script: Script, patients: int, months: int) -> None:
    parts = cast(script, patients=patients, months=months)
    assert len({part.identifier for part in parts}) == patients
    assert all(part.birth_date < part.enrolled_on < TODAY for part in parts)


def test_everything_that_may_be_recorded_is_in_the_vocabulary(script: Script, shipped: content.Content) -> None:
    vocabulary = shipped.vocabulary
    assert set(results.BRINGS) <= set(vocabulary.activities)
    assert {course.pathway for course in script.courses.values()} <= set(shipped.pathways)
    drugs = {course.treatment for course in script.courses.values()} - {""}
    assert drugs <= set(vocabulary.interventions)
    events = {what for course in script.courses.values() for what in course.events}
    assert events <= set(vocabulary.catalogue.kinds)


def test_a_form_never_shows_more_than_the_form_before(script: Script) -> None:
    part = next(part for part in cast(script) if part.course.code == "limb-fast")
    life = Life.of(part, 1)
    totals = [
        sum(life.form(date.fromordinal(part.enrolled_on.toordinal() + days)).values()) for days in range(0, 700, 50)
    ]
    assert totals == sorted(totals, reverse=True)
    assert all(0 <= total <= 48 for total in totals)


def test_a_loss_of_weight_is_slower_with_a_tube(script: Script) -> None:
    part = next(part for part in cast(script) if part.course.code == "bulbar-fast")
    without, fed = Life.of(part, 1), Life.of(part, 1)
    fed.tube_since = date.fromordinal(part.enrolled_on.toordinal() + 100)
    later = date.fromordinal(part.enrolled_on.toordinal() + 400)
    assert fed.weight(later) > without.weight(later) + 2
