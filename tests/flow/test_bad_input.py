"""What cannot be is refused with a reason, and nothing is stored then: no rest of the form, no flag, no audit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection

from pathway import errors, flow
from pathway.models import Enrollment
from pathway.services.observations import NewObservation
from tests import builders
from tests.builders import on
from tests.flow import cast
from tests.flow.cast import Story

pytestmark = pytest.mark.usefixtures("loaded")

CHANGING = ("observation", "measure", "judgement", "alert", "proposal", "caretask", "stay", "qualityflag", "auditevent")


def everything() -> list[list[Any]]:
    """Every row of the tables that an entry could change."""
    found = []
    with connection.cursor() as cursor:
        for table in (*CHANGING, "enrollment", "intervention", "administration", "exerciseitem"):
            cursor.execute(f"SELECT * FROM pathway_{table} ORDER BY id")
            found.append(cursor.fetchall())
    return found


@pytest.fixture
def story(loaded: None) -> Story:
    story = cast.well_known()
    story.weigh(1, "75")
    return story


def refused(act: Callable[[], object]) -> errors.Refused:
    """The refusal; nothing may have changed."""
    before = everything()
    with pytest.raises(errors.Refused) as found:
        act()
    assert everything() == before
    return found.value


@pytest.mark.parametrize(
    ("fact", "code", "where"),
    [
        (builders.result("weight", "70"), "unit-missing", "unit"),
        (builders.result("weight", "70", "stone"), "unit-unknown", "unit"),
        (cast.weight("7000"), "implausible", "value"),
        (cast.weight("-70"), "implausible", "value"),
        (cast.weight("NaN"), "implausible", "value"),
        (cast.weight("70,5"), "not-allowed", "value"),
        (cast.weight(""), "not-allowed", "value"),
        (builders.result("weight", 70.5, "kg"), "not-allowed", "value"),
        (builders.result("weight", True, "kg"), "not-allowed", "value"),
        (cast.weight("70", effective=on(6)), "implausible", "effective"),
        (cast.weight("70", effective=builders.at(5, 10)), "implausible", "effective"),
        (cast.weight("70", effective=date(1950, 1, 1)), "implausible", "effective"),
        (builders.result("shoe-size", "42"), "not-allowed", "code"),
        (builders.result("respiratory-symptoms", ["boredom"]), "not-allowed", "value"),
        (builders.result("fvc-pct", "50", "%", context={"posture": "upside-down"}), "not-allowed", None),
        (builders.result("body-fat", "20", "%"), "not-allowed", None),
        (cast.form({"5b": 4}), "contradiction", None),
        (cast.form({"1": 5}), "implausible", None),
        (cast.form({"13": 4}), "not-allowed", None),
    ],
)
def test_one_wrong_entry_refuses_the_whole_form(
    story: Story, fact: NewObservation, code: str, where: str | None
) -> None:
    refusal = refused(lambda: story.record(5, cast.fvc("45"), fact, cast.eat("9")))
    assert refusal.code == code
    assert refusal.reason
    assert where is None or refusal.field == where


@pytest.mark.parametrize("text", ["\x00", "weigh\x00t"])
def test_what_a_database_cannot_hold_is_refused(story: Story, text: str) -> None:
    assert refused(lambda: story.record(5, cast.weight(text))).field == "value"


def test_a_source_id_that_is_there_already_is_refused(story: Story) -> None:
    story.record(2, cast.eat("1", source="clinic-system", source_id="77"))
    again = cast.eat("2", source="clinic-system", source_id="77")
    assert refused(lambda: story.record(3, cast.weight("60"), again)).code == "not-allowed"


def test_two_of_one_form_with_the_same_source_id_are_refused(story: Story) -> None:
    twice = [cast.eat(score, source="clinic-system", source_id="77") for score in ("1", "2")]
    assert refused(lambda: story.record(3, *twice)).code == "not-allowed"


def test_an_instant_without_a_zone_is_refused(story: Story) -> None:
    naive = datetime(2024, 1, 9, 8, 0)
    assert refused(lambda: story.record(5, cast.weight("60", effective=naive))).field == "effective"


def test_an_instant_in_any_zone_is_taken(story: Story) -> None:
    row = story.record(5, cast.weight("74", effective=datetime(2024, 1, 10, 23, 30, tzinfo=UTC)))[0]
    assert row.effective_on == date(2024, 1, 10)


@pytest.mark.parametrize(
    "act",
    [
        lambda story: story.move(5, "nutrition", "N9"),
        lambda story: story.move(5, "nutrition", "R2"),
        lambda story: story.move(5, "nutrition", "N0"),
        lambda story: story.move(5, "juggling", "N1"),
        lambda story: story.start(5, "gastrostomy", effective=-30000),
        lambda story: story.give(5, "riluzole", "L1"),
        lambda story: story.change_pathway(5, "no-such-pathway"),
        lambda story: flow.withdraw(story.pk, reason="", at=builders.at(5), by=None),
        lambda story: flow.hold(story.pk, reason=" ", at=builders.at(5), by=None),
        lambda story: flow.prescribe(story.pk, type="eccentric", load="low", at=builders.at(5), by=None),
        lambda story: flow.prescribe(story.pk, type="aerobic", load="high", at=builders.at(5), by=None),
        lambda story: flow.start(story.pk, "risdiplam", details={"dose_mg": "much"}, at=builders.at(5), by=None),
    ],
)
def test_what_does_not_fit_the_patient_changes_nothing(story: Story, act: Callable[[Story], object]) -> None:
    assert refused(lambda: act(story)).reason


def test_going_back_needs_a_reason(story: Story) -> None:
    story.move(2, "nutrition", "N2")
    assert refused(lambda: story.move(3, "nutrition", "N1", reason=" ")).field == "reason"


@pytest.mark.parametrize(
    "act",
    [
        lambda: flow.record(-1, [cast.weight("70")], at=builders.at(1), by=None),
        lambda: flow.void(-1, reason="wrong", at=builders.at(1), by=None),
        lambda: flow.confirm(-1, reason="right", at=builders.at(1), by=None),
        lambda: flow.accept(-1, at=builders.at(1), by=None),
        lambda: flow.decline(-1, reason="no", at=builders.at(1), by=None),
        lambda: flow.complete(-1, at=builders.at(1), by=None),
        lambda: flow.record_death(-1, at=builders.at(1), by=None),
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(act: Callable[[], object]) -> None:
    refusal = refused(act)
    assert isinstance(refusal, errors.NotFound)
    assert Enrollment.objects.count() == 0


# days and doses that can only be slips


@pytest.mark.parametrize("code", ["niv", "riluzole", "tofersen"])
@pytest.mark.parametrize("day", [date(2134, 1, 9), date(9999, 12, 31)])
def test_a_start_a_century_ahead_is_taken_for_a_slip(story: Story, code: str, day: date) -> None:
    found = refused(lambda: flow.start(story.enrollment.pk, code, effective=day, at=builders.at(5), by=None))
    assert (found.code, found.field) == ("implausible", "effective")


def test_a_start_in_nine_years_is_a_plan(story: Story) -> None:
    row = flow.start(story.enrollment.pk, "niv", effective=date(2032, 1, 1), at=builders.at(5), by=None)
    assert not row.took_effect


def test_a_snooze_for_ever_is_refused(story: Story) -> None:
    task = story.task("mdt-review")
    found = refused(lambda: flow.snooze(task.pk, until=date(9999, 1, 1), reason="later", at=builders.at(5), by=None))
    assert (found.code, found.field) == ("implausible", "until")


@pytest.mark.parametrize("dose", ["0", "-5", "0.00000000000001", "123456789", "1e14"])
def test_a_dose_that_no_patient_takes_is_refused(loaded: None, dose: str) -> None:
    story = cast.infant()
    found = refused(
        lambda: flow.start(story.enrollment.pk, "risdiplam", details={"dose_mg": dose}, at=builders.at(5), by=None)
    )
    assert (found.code, found.field) == ("implausible", "details.dose_mg")
