"""A death stops everything in one transaction, and a death that was none leaves no trace but the history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from pathway import errors, flow
from pathway.models import AuditEvent, CareTask, Enrollment, Observation, Stay
from pathway.selectors import invariants
from pathway.services import observations
from tests import builders
from tests.builders import on
from tests.flow import cast
from tests.flow.cast import Story

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture
def story(loaded: None) -> Story:
    """With alerts, a proposal and a drug."""
    story = cast.well_known()
    story.start(1, "riluzole")
    story.weigh(2, "70")
    return story


def open_stages(story: Story) -> dict[str, str]:
    found = Stay.objects.open().filter(enrollment=story.enrollment).select_related("stage")
    return {stay.track: stay.stage.code for stay in found}


# recording it


def test_everything_stops_and_one_contact_is_opened(story: Story) -> None:
    story.die(10, effective=8)
    assert story.tasks() == {"bereavement-contact": on(36)}
    assert (story.alerts(), story.proposals()) == (set(), set())
    assert open_stages(story) == {"overall": "O9"}
    assert story.remind(24) == 1  # 14 days before the contact is due (22), the latest rung of that day
    assert story.told("stages.closed-by-death") == 1
    assert story.told("alert.closed") == 3
    assert story.told("proposal.closed") == 1
    assert invariants.violations(builders.at(40)) == []


def test_it_is_one_transaction(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (story.tasks(), story.alerts(), story.proposals(), open_stages(story), AuditEvent.objects.count())

    def break_down(*_: object) -> None:
        raise ArithmeticError

    monkeypatch.setattr(observations, "hold_after", break_down)
    with pytest.raises(ArithmeticError):
        story.die(10)
    after = (story.tasks(), story.alerts(), story.proposals(), open_stages(story), AuditEvent.objects.count())
    assert after == before
    assert Enrollment.objects.get(pk=story.pk).status == "active"


@pytest.mark.parametrize("day", [on(11), date(1950, 1, 1)])
def test_no_death_lies_ahead_or_before_birth(story: Story, day: date) -> None:
    with pytest.raises(errors.InvalidEntry):
        flow.record_death(story.pk, effective=day, at=builders.at(10), by=None)
    assert story.alerts()


@pytest.mark.parametrize(
    "act",
    [
        lambda story: story.start(11, "niv"),
        lambda story: story.move(11, "respiratory", "R3"),
        lambda story: story.hold(11),
        lambda story: story.withdraw(11),
        lambda story: story.die(11),
        lambda story: story.change_pathway(11, "pma"),
        lambda story: story.close_alert(11, "NUT-5"),
        lambda story: story.accept(11, "N2"),
        lambda story: story.enroll_again(11),
    ],
)
def test_any_other_action_is_refused(story: Story, act: Callable[[Story], None]) -> None:
    story.die(10)
    stages = open_stages(story)
    with pytest.raises(errors.NotAllowed) as refused:
        act(story)
    assert refused.value.code == "after-death"
    assert open_stages(story) == stages


def test_days_pass_without_any_judging(story: Story) -> None:
    story.die(10)
    story.pass_day(11)
    assert flow.judge_day(at=builders.at(40)) == 0
    assert story.tasks().keys() == {"bereavement-contact"}


# facts that come later


def test_what_was_seen_before_the_death_is_stored_silently(story: Story) -> None:
    story.die(10)
    row = story.record(11, cast.fvc("30", effective=on(9)))[0]
    assert row.status == "final"
    assert (story.alerts(), story.proposals()) == (set(), set())
    assert story.tasks().keys() == {"bereavement-contact"}


def test_what_is_dated_after_the_death_is_held(story: Story) -> None:
    before = story.weigh(9, "69")
    story.die(10, effective=8)
    after = story.weigh(11, "68")
    assert {Observation.objects.get(pk=row.pk).held_for for row in (before, after)} == {"after-death"}
    assert story.flags() == {"after-death"}


def test_voiding_recomputes_the_measures_of_the_dead_too(story: Story) -> None:
    row = story.weigh(3, "60")
    story.die(10)
    loss = story.measure("loss-pct")
    assert loss is not None and loss.value == 25
    story.void(11, row)
    loss = story.measure("loss-pct")
    assert loss is not None and loss.value == Decimal("12.5")


def test_voiding_releases_nothing_that_is_dated_after_the_death() -> None:
    story = cast.story(cast.weight("70"))
    wrong = story.weigh(1, "70.5")
    story.die(10, effective=5)
    late = story.weigh(11, "155")
    story.void(12, wrong)
    assert Observation.objects.get(pk=late.pk).held_for == "after-death"


def test_alerts_that_death_closed_are_withdrawn_by_their_evidence(story: Story) -> None:
    row = Observation.objects.get(patient=story.patient, kind="weight")
    story.die(10)
    story.void(11, row)
    assert story.alert("NUT-10").status == "withdrawn"
    story.revive(12)
    assert (story.alerts(), story.proposals()) == (set(), set())


# the contact


@pytest.mark.parametrize("how", ["complete", "skip"])
def test_after_the_contact_nothing_begins_again_and_the_death_can_still_be_reversed(how: str) -> None:
    story = cast.story(start={"respiratory": "R3"})
    story.start(1, "niv")
    before = story.tasks()
    story.die(10)
    getattr(story, how)(20, "bereavement-contact")
    assert story.tasks() == {}
    assert open_stages(story) == {"overall": "O9"}
    story.revive(21)
    assert story.tasks() == before


# reversing it


def test_a_reversal_brings_everything_back_as_it_was(story: Story) -> None:
    before = (story.tasks(), story.alerts(), story.proposals(), open_stages(story))
    story.die(10)
    story.revive(20)
    assert (story.tasks(), story.alerts(), story.proposals(), open_stages(story)) == before
    assert story.told("task.restored") == len(before[0])
    assert story.told("alert.restored") == len(before[1])
    assert story.told("stages.reopened") == 1
    assert invariants.violations(builders.at(20)) == []


def test_rungs_that_were_missed_meanwhile_are_not_sent(story: Story) -> None:
    story.die(10)
    story.revive(28)
    assert story.due("dietitian-review") == on(28)
    assert story.remind(28) == 0
    story.remind(42)
    assert [one.on for one in story.task("dietitian-review").reminders.all()] == [on(42)]


def test_what_came_meanwhile_is_judged_on_the_day_of_the_reversal(story: Story) -> None:
    story.die(10)
    story.record(12, builders.result("choking", True, effective=on(9)))
    assert story.alerts() == set()
    story.revive(13)
    assert "CHOKE" in story.alerts()
    assert story.due("speech-review") == on(20)


def test_what_was_held_counts_again_but_not_pounds_for_kilograms(story: Story) -> None:
    story.die(10, effective=8)
    pounds = story.weigh(11, "154.3")
    right = story.weigh(12, "69")
    story.revive(13)
    assert Observation.objects.get(pk=right.pk).status == "final"
    assert Observation.objects.get(pk=pounds.pk).held_for == "unit-mixup"


def test_what_completed_a_task_in_the_moment_of_death_completes_no_second_one(story: Story) -> None:
    story.weigh(10, "71")
    story.die(10)
    story.revive(15)
    assert story.closed("weight") == ["completed", "completed"]  # day 2 and day 10
    assert story.due("weight") == date(2024, 4, 18)


def test_who_was_on_hold_is_on_hold_again(story: Story) -> None:
    story.hold(5)
    story.die(10)
    story.revive(11)
    assert Enrollment.objects.get(pk=story.pk).status == "on-hold"


def test_only_a_death_can_be_reversed_and_only_with_a_reason(story: Story) -> None:
    with pytest.raises(errors.NotAllowed):
        story.revive(5)
    story.die(10)
    with pytest.raises(errors.NotAllowed):
        flow.reverse_death(story.pk, reason=" ", at=builders.at(11), by=None)
    assert CareTask.objects.live().get(enrollment=story.enrollment).activity_id == "bereavement-contact"
