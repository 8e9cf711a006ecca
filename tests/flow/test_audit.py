"""Every change leaves a row: who, when and why can be told of whatever a person finds changed."""

from __future__ import annotations

from collections import Counter

import pytest

from pathway import errors
from pathway.models import AuditEvent, User
from tests import builders
from tests.flow import cast
from tests.flow.cast import Story

pytestmark = pytest.mark.usefixtures("loaded")


def since(story: Story, pk: int) -> Counter[str]:
    return Counter(AuditEvent.objects.filter(patient=story.patient, pk__gt=pk).values_list("action", flat=True))


def last() -> int:
    newest = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first()
    return int(newest or 0)


@pytest.fixture
def somebody(loaded: None) -> User:
    return builders.user()


def test_a_result_and_all_that_follows_from_it(somebody: User) -> None:
    story = cast.well_known()
    story.by, before = somebody, last()
    story.weigh(1, "75")
    told = since(story, before)
    assert told == Counter(
        {
            "observation.recorded": 1,
            "task.completed": 1,
            "task.opened": 1,
            "alert.raised": 2,
            "proposal.opened": 1,
        }
    )
    assert set(AuditEvent.objects.filter(pk__gt=before).values_list("actor", flat=True)) == {somebody.pk}


def test_a_result_that_changes_nothing_leaves_its_own_row_alone() -> None:
    story = cast.well_known()
    before = last()
    story.record(1, builders.result("vitamin-d", "60", "nmol/L"))
    assert since(story, before) == Counter({"observation.recorded": 1})


def test_a_mark_on_an_alert_and_its_removal() -> None:
    story = cast.well_known(cast.weight("75"))
    story.weigh(1, "79")
    assert story.told("alert.no-longer-met") == len(story.alerts()) > 0
    story.pass_day(2)
    story.weigh(3, "75")
    assert story.told("alert.met-again") == story.told("alert.no-longer-met")


def test_superseded_withdrawn_and_reopened_proposals() -> None:
    story = cast.well_known()
    story.record(1, cast.eat("4"))
    row = story.weigh(2, "70")
    assert story.told("proposal.superseded") == 1
    story.void(3, row)
    assert story.told("proposal.withdrawn") == 1
    assert story.told("proposal.opened") == 3


def test_a_decision_that_lost_its_basis() -> None:
    story = cast.well_known()
    row = story.weigh(1, "70")
    story.accept(2, "N2")
    story.void(3, row)
    assert story.told("proposal.basis-retracted") == 1


def test_a_planned_start_that_takes_effect_by_the_server() -> None:
    story = cast.story(start={"respiratory": "R3"})
    story.start(1, "niv", effective=30)
    story.pass_day(29)
    assert story.told("intervention.took-effect") == 0
    story.pass_day(30)
    took = AuditEvent.objects.get(patient=story.patient, action="intervention.took-effect")
    assert took.actor is None
    assert story.told("stage.changed") == 1


def test_what_a_death_held_and_its_reversal_released() -> None:
    story = cast.story()
    story.weigh(9, "69")
    story.die(10, effective=8)
    assert story.told("observation.held") == 1
    story.revive(11)
    assert story.told("observation.released") == 1
    assert story.told("task.cancelled") - 1 == story.told("task.restored")  # the contact is cancelled for good


def test_what_a_correction_released() -> None:
    story = cast.story()
    wrong = story.weigh(1, "154.3")
    story.weigh(5, "70")
    story.void(6, wrong)
    assert story.told("observation.released") == 1
    assert story.told("observation.confirmed") == 0


def test_what_was_refused_leaves_no_row() -> None:
    story = cast.story()
    before = last()
    with pytest.raises(errors.Refused):
        story.weigh(1, "7000")
    assert since(story, before) == Counter()
