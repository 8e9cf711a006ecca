"""Interventions: starting, stopping, planning ahead; calendars that stay where they are and series that follow."""

from __future__ import annotations

from datetime import date

import pytest

from pathway import errors, flow
from pathway.models import Administration, Intervention, Stay
from tests import builders
from tests.builders import on
from tests.flow import cast

pytestmark = pytest.mark.usefixtures("loaded")


# stages


def test_starting_a_drug_enters_initiation_and_stopping_the_last_one_ends_it() -> None:
    story = cast.story()
    story.start(1, "riluzole")
    assert story.stage("treatment") == "T1"
    story.start(2, "tofersen")
    story.stop(3, "riluzole")
    assert story.stage("treatment") == "T1"
    story.stop(4, "tofersen")
    assert story.stage("treatment") == "T4"


def test_a_drug_that_is_started_again_begins_anew() -> None:
    story = cast.story()
    story.start(1, "riluzole")
    story.stop(20, "riluzole")
    story.start(40, "riluzole")
    assert story.stage("treatment") == "T1"
    assert story.due("alt-riluzole") == date(2024, 3, 17)  # a month after day 40
    assert Intervention.objects.filter(patient=story.patient).count() == 2


def test_a_drug_beside_another_in_maintenance_moves_nothing_back() -> None:
    story = cast.story()
    story.start(1, "riluzole")
    story.move(2, "treatment", "T2")
    story.start(3, "tofersen")
    assert story.stage("treatment") == "T2"


def test_starting_enters_its_stage_without_asking_and_settles_the_decision() -> None:
    story = cast.story(start={"respiratory": "R3"})
    assert story.due("niv-decision") == on(28)
    story.start(5, "niv")
    assert story.stage("respiratory") == "R4"
    assert story.closed("niv-decision") == ["completed"]
    assert story.due("niv-decision") is None
    assert (story.due("niv-download"), story.due("niv-reevaluation")) == (on(33), on(95))


def test_starting_never_moves_back() -> None:
    story = cast.story(start={"respiratory": "R5"})
    story.start(1, "niv")
    assert story.stage("respiratory") == "R5"


def test_details_decide_which_stage_is_entered() -> None:
    story = cast.story()
    story.start(1, "wheelchair-manual")
    assert story.stage("mobility") == "M0"
    story.start(2, "wheelchair-powered", use="part-time")
    assert story.stage("mobility") == "M2"


# planned ahead


def test_a_planned_start_lays_out_its_plan_and_enters_its_stage_on_the_day() -> None:
    story = cast.story(start={"respiratory": "R3"})
    story.start(1, "niv", effective=30)
    assert (story.stage("respiratory"), story.due("niv-download")) == ("R3", on(58))
    story.pass_day(29)
    assert story.stage("respiratory") == "R3"
    story.pass_day(30)
    assert story.stage("respiratory") == "R4"
    story.pass_day(31)
    assert Stay.objects.filter(enrollment=story.enrollment, how="intervention").count() == 1


def test_a_planned_start_that_is_called_off_leaves_no_task_and_never_was() -> None:
    story = cast.story(start={"respiratory": "R3"})
    story.start(1, "niv", effective=30)
    story.stop(2, "niv")
    assert not {"niv-download", "niv-reevaluation"} & story.tasks().keys()
    story.pass_day(30)
    assert story.stage("respiratory") == "R3"
    story.start(31, "niv")
    assert story.stage("respiratory") == "R4"


def test_a_planned_drug_that_is_called_off_stops_nothing() -> None:
    story = cast.story()
    story.start(1, "riluzole", effective=30)
    story.stop(2, "riluzole")
    assert story.stage("treatment") == "T0"
    assert not {"alt-riluzole", "alt-post-stop"} & story.tasks().keys()


# what is refused


@pytest.mark.parametrize(
    ("code", "details"),
    [("no-such-thing", {}), ("riluzole", {"colour": "red"}), ("gastrostomy", {"type": "wooden"})],
)
def test_what_the_vocabulary_lacks_is_not_started(code: str, details: dict[str, str]) -> None:
    story = cast.story()
    before = story.tasks()
    with pytest.raises(errors.Refused):
        story.start(1, code, **details)
    assert not Intervention.objects.filter(patient=story.patient).exists()
    assert story.tasks() == before


def test_nothing_runs_twice_and_two_courses_do_not_overlap() -> None:
    story = cast.story()
    story.start(1, "riluzole")
    with pytest.raises(errors.NotAllowed):
        story.start(2, "riluzole")
    story.stop(20, "riluzole")
    with pytest.raises(errors.NotAllowed):
        story.start(21, "riluzole", effective=10)
    story.start(21, "riluzole", effective=20)
    assert Intervention.objects.filter(patient=story.patient).count() == 2


def test_stopping_before_the_start_or_ahead_or_what_does_not_run_is_refused() -> None:
    story = cast.story()
    with pytest.raises(errors.NotAllowed):
        story.stop(1, "riluzole")
    story.start(5, "riluzole")
    for effective in (on(4), on(7)):
        with pytest.raises(errors.Refused):
            flow.stop(story.pk, "riluzole", effective=effective, at=builders.at(6), by=None)
    assert Intervention.objects.get(patient=story.patient).stopped_on is None
    assert story.stage("treatment") == "T1"


# calendars


def test_a_calendar_does_not_move_with_completions() -> None:
    story = cast.story()
    story.start(0, "riluzole")
    assert story.due("alt-riluzole") == date(2024, 2, 8)
    story.record(26, cast.alt("20"))  # five days early, within the tolerance of seven
    assert story.due("alt-riluzole") == date(2024, 3, 8)


def test_a_result_too_early_for_a_date_completes_it_not() -> None:
    story = cast.story()
    story.start(0, "riluzole")
    story.record(20, cast.alt("20"))
    assert story.due("alt-riluzole") == date(2024, 2, 8)
    assert story.closed("alt-riluzole") == []


def test_after_its_last_date_a_calendar_recurs_from_the_last_completion() -> None:
    story = cast.story(start={"respiratory": "R3"})
    story.start(0, "niv")
    story.record(35, builders.result("niv-use", "6", "h/d"))
    assert story.due("niv-download") == date(2024, 5, 12)


def test_stopping_cancels_the_plan_but_not_the_task_for_the_outcome() -> None:
    story = cast.story()
    story.start(0, "imt-programme")
    outcome = story.due("imt-outcome")
    assert outcome == on(168)
    story.stop(10, "imt-programme")
    assert story.due("imt-review") is None
    assert story.due("imt-outcome") == outcome


def test_a_calendar_that_has_ended_does_not_begin_again_when_its_values_expire() -> None:
    story = cast.infant()
    story.start(12, "onasemnogene-iv")
    story.give(12, "onasemnogene-iv", "D1")
    assert story.due("oa-lft") == on(19)
    liver = builders.result("liver-unremarkable", True)
    ast = builders.result("ast", "20", "U/L", context={"uln": "40"})
    story.record(96, cast.alt("20"), ast, liver)
    assert story.due("oa-lft") is None
    story.weigh(330, "9.3")
    story.pass_day(331)
    assert story.due("oa-lft") is None


def test_voiding_something_else_moves_no_date_of_a_calendar() -> None:
    story = cast.story()
    story.start(0, "riluzole")
    tested = story.record(31, cast.alt("20"))[0]
    weighed = story.weigh(50, "70")
    assert story.due("alt-riluzole") == date(2024, 3, 8)
    story.void(51, weighed)
    assert story.due("alt-riluzole") == date(2024, 3, 8)
    story.void(52, tested)
    assert story.due("alt-riluzole") == on(52)
    story.void(60, story.weigh(55, "70"))
    assert story.due("alt-riluzole") == on(52)


# series


def test_the_next_dose_counts_from_the_one_before_as_given() -> None:
    story = cast.story()
    story.start(0, "tofersen")
    assert story.due("tofersen-dose") == on(0)
    story.give(3, "tofersen", "L1")
    assert story.due("tofersen-dose") == on(17)
    assert story.closed("tofersen-dose") == ["completed"]


def test_another_dose_than_the_next_is_refused() -> None:
    story = cast.story()
    story.start(0, "tofersen")
    with pytest.raises(errors.NotAllowed):
        story.give(0, "tofersen", "L2")
    assert not Administration.objects.exists()
    assert story.due("tofersen-dose") == on(0)


def test_a_dose_too_soon_after_the_last_is_stored_and_flagged_also_in_a_new_course() -> None:
    story = cast.story()
    story.start(0, "tofersen")
    story.give(0, "tofersen", "L1")
    story.stop(1, "tofersen")
    story.start(2, "tofersen")
    assert "interval-short" not in story.flags()
    story.give(3, "tofersen", "L1")
    assert "interval-short" in story.flags()
    assert Administration.objects.count() == 2


@pytest.mark.parametrize("how", ["skip", "complete"])
def test_a_dose_is_asked_for_until_it_is_recorded(how: str) -> None:
    story = cast.story()
    story.start(0, "tofersen")
    story.give(0, "tofersen", "L1")
    getattr(story, how)(14, "tofersen-dose")
    assert story.due("tofersen-dose") == on(15)
    assert story.task("tofersen-dose").label == "L2"
    story.give(16, "tofersen", "L2")
    assert (story.task("tofersen-dose").label, story.due("tofersen-dose")) == ("L3", on(30))


def test_tests_before_a_dose_that_were_skipped_are_not_asked_for_again() -> None:
    story = cast.infant()
    story.start(0, "nusinersen-us")
    story.skip(0, "nusinersen-labs")
    story.weigh(1, "6.4")
    assert story.due("nusinersen-labs") is None
    story.give(1, "nusinersen-us", "L1")
    assert story.due("nusinersen-labs") == on(15)


def test_tests_before_a_dose_are_cancelled_when_it_is_given_without_them() -> None:
    story = cast.infant()
    story.start(0, "nusinersen-us")
    story.give(0, "nusinersen-us", "L1")
    assert story.closed("nusinersen-labs") == ["cancelled"]


def test_stopping_cancels_the_next_dose() -> None:
    story = cast.story()
    story.start(0, "tofersen")
    story.give(0, "tofersen", "L1")
    story.stop(5, "tofersen")
    assert story.due("tofersen-dose") is None
    with pytest.raises(errors.NotAllowed):
        story.give(14, "tofersen", "L2")


# courses


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_calendar_knows_what_was_done_before_the_patient_came_back(by_hand: bool) -> None:
    story = cast.story(start={"respiratory": "R3"})
    story.start(0, "niv")
    if by_hand:
        story.complete(28, "niv-download")
    else:
        story.record(28, builders.result("niv-use", "6", "h/d"))
    assert story.due("niv-download") == date(2024, 5, 5)
    story.withdraw(40)
    story.enroll_again(60)
    assert story.due("niv-download") == date(2024, 5, 5)


def test_a_second_course_begins_its_calendar_anew_whatever_was_done_by_hand_in_the_first() -> None:
    story = cast.story()
    story.start(0, "riluzole")
    story.complete(31, "alt-riluzole")
    story.stop(35, "riluzole")
    story.start(40, "riluzole")
    assert story.due("alt-riluzole") == date(2024, 3, 17)
    assert story.task("alt-riluzole").label == "M1"
