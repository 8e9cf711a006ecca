"""Enrollments: pauses without reminders, leaving, coming back, and a pathway that fits better."""

from __future__ import annotations

import pytest

from pathway import errors
from pathway.models import Enrollment, Stay
from tests import builders
from tests.builders import on
from tests.flow import cast

pytestmark = pytest.mark.usefixtures("loaded")


def everybody() -> int:
    return Enrollment.objects.count()


# on hold


def test_on_hold_nothing_is_sent_but_judging_and_due_dates_go_on() -> None:
    story = cast.well_known()
    story.hold(1)
    assert story.remind(14) == story.remind(28) == 0
    story.weigh(20, "70")
    assert "NUT-10" in story.alerts()
    assert story.due("weight") is not None and story.closed("weight") == ["completed"]
    assert story.due("dietitian-review") == on(28)


def test_after_a_hold_reminders_go_on_and_nothing_is_made_up_for() -> None:
    story = cast.story()
    story.hold(1)
    story.resume(14)
    assert story.remind(14) == 0
    assert story.remind(27) == 0
    assert story.remind(28) > 0
    assert set(story.task("weight").reminders.values_list("on", flat=True)) == {on(28)}


def test_a_hold_needs_somebody_who_is_not_on_hold() -> None:
    story = cast.story()
    with pytest.raises(errors.NotAllowed):
        story.resume(1)
    story.hold(1)
    with pytest.raises(errors.NotAllowed):
        story.hold(2)
    assert story.told("enrollment.held") == 1


# leaving


def test_who_leaves_is_asked_for_nothing_more() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    story.withdraw(2)
    assert (story.tasks(), story.alerts(), story.proposals()) == ({}, set(), set())
    assert {stay.stage.code for stay in Stay.objects.open().filter(enrollment=story.enrollment)} == {"O9"}
    assert story.remind(60) == 0
    assert story.told("alert.closed") == 3
    assert story.told("proposal.closed") == 1
    assert story.told("stages.closed-by-withdrawal") == 1


def test_who_has_left_takes_no_entries() -> None:
    story = cast.well_known()
    story.withdraw(2)
    for entry in (lambda: story.weigh(3, "70"), lambda: story.start(3, "niv"), lambda: story.die(3)):
        with pytest.raises(errors.NotAllowed) as refused:
            entry()
        assert refused.value.code == "not-allowed"
    assert story.tasks() == {}


def test_who_comes_back_is_told_what_still_holds() -> None:
    story = cast.well_known()
    story.weigh(1, "60")
    told, asked = story.alerts(), story.proposals()
    assert told and asked
    story.withdraw(2)
    story.enroll_again(3)
    assert story.alerts() == told
    assert story.proposals() == asked
    assert story.stage("nutrition") == "N0"


def test_alerts_closed_by_a_withdrawal_do_not_come_back_when_nothing_holds_any_more() -> None:
    story = cast.well_known()
    story.weigh(1, "60")
    story.withdraw(2)
    story.enroll_again(200)  # the weight has expired
    assert story.alerts() == set()


def test_a_patient_is_on_one_pathway_at_a_time() -> None:
    story = cast.story()
    with pytest.raises(errors.NotAllowed):
        story.enroll_again(1)
    assert everybody() == 1


def test_nobody_enters_in_the_closed_stage() -> None:
    with pytest.raises(errors.NotAllowed):
        cast.story(start={"overall": "O9"})
    story = cast.story()
    before = everybody()
    with pytest.raises(errors.NotAllowed):
        story.change_pathway(1, "pma", start={"overall": "O9"})
    with pytest.raises(errors.NotAllowed):
        story.move(1, "overall", "O9")
    assert (everybody(), story.stage("overall")) == (before, "O1")


@pytest.mark.parametrize("start", [{"respiratory": "N2"}, {"respiratory": "R99"}, {"breathing": "R1"}])
def test_a_stage_that_is_not_there_is_refused(start: dict[str, str]) -> None:
    patient = builders.patient(builders.site())
    with pytest.raises(errors.Refused):
        builders.enroll(patient, start=start)
    assert not patient.enrollments.exists()


# another pathway


def test_open_work_goes_along_to_another_pathway() -> None:
    story = cast.well_known()
    story.weigh(1, "75")
    story.move(2, "respiratory", "R2")
    told, asked, due = story.alerts(), story.proposals(), story.tasks()
    story.change_pathway(3, "als-bulbar", start={"bulbar": "W0", "nutrition": "N0"})
    assert story.alerts() == told
    assert story.proposals() == asked
    assert story.stage("respiratory") == "R2"
    assert {code: day for code, day in story.tasks().items() if code in due} == due
    assert story.told("alert.raised") == len(told)


def test_what_no_rule_of_the_new_pathway_asks_for_is_closed() -> None:
    story = cast.story(pathway="pma")
    story.record(1, builders.result("umn-signs", True))
    assert (story.alerts(), story.proposals()) == ({"DX-UMN"}, {"change-pathway"})
    story.change_pathway(2, "als-limb")
    assert (story.alerts(), story.proposals()) == (set(), set())
    assert story.alert("DX-UMN").close_reason == "clearer now"


def test_a_change_of_pathway_ends_no_hold() -> None:
    story = cast.story()
    story.hold(1)
    story.change_pathway(2, "als-bulbar")
    assert Enrollment.objects.get(pk=story.pk).status == "on-hold"
    assert story.remind(14) == story.remind(28) == 0
    story.resume(30)
    assert story.remind(42) > 0
    assert story.reminders() > 0


def test_a_change_to_the_same_pathway_is_refused() -> None:
    story = cast.story()
    with pytest.raises(errors.NotAllowed):
        story.change_pathway(1, "als-limb")
    assert everybody() == 1
