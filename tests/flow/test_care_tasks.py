"""Tasks: one per activity, laid out from the last time it was done, and asked for by somebody."""

from __future__ import annotations

from datetime import date

import pytest

from pathway import errors, flow
from pathway.models import CareTask
from pathway.services.observations import NewObservation
from tests import builders
from tests.builders import on
from tests.flow import cast
from tests.flow.cast import Story

pytestmark = pytest.mark.usefixtures("loaded")

# The enrollment is on Monday, 8 January 2024; a month later is the 8th of the next.
FEBRUARY, MARCH, APRIL = date(2024, 2, 8), date(2024, 3, 8), date(2024, 4, 8)


@pytest.fixture
def story(loaded: None) -> Story:
    return cast.well_known()


# laid out


def test_enrollment_opens_one_task_per_row_of_the_initial_stages(story: Story) -> None:
    due = story.tasks()
    assert (due["weight"], due["dietitian-review"], due["riluzole-offer"]) == (on(14), on(28), on(14))
    assert due["ecas"] == date(2024, 7, 8)  # first: 6 months, not the interval of 12
    assert not {"cough-review", "equipment-provision", "bereavement-contact"} & due.keys()
    assert CareTask.objects.filter(enrollment=story.enrollment).count() == len(due)


def test_without_first_a_row_of_an_initial_stage_counts_its_entry_window_then_its_interval() -> None:
    story = cast.well_known(start={"nutrition": "N1", "cough": "C1"})
    assert story.due("dietitian-review") == on(14)
    assert story.due("cough-review") == APRIL


def test_a_completion_lays_out_the_next_by_the_interval_of_the_stage(story: Story) -> None:
    story.complete(10, "dietitian-review")
    assert story.due("dietitian-review") == date(2024, 4, 18)
    assert story.closed("dietitian-review") == ["completed"]


@pytest.mark.parametrize(("day", "due"), [(3, date(2024, 4, 11)), (60, date(2024, 6, 8))])
def test_early_or_late_the_next_counts_from_the_day_it_was_done(story: Story, day: int, due: date) -> None:
    story.weigh(day, "79")
    assert story.due("weight") == due


def test_entered_late_the_next_counts_from_the_effective_day(story: Story) -> None:
    story.complete(20, "dietitian-review", effective=5)
    assert story.due("dietitian-review") == date(2024, 4, 13)


def test_an_older_result_that_comes_late_completes_nothing(story: Story) -> None:
    story.weigh(20, "79")
    story.weigh(25, "79", effective=on(10))
    assert story.due("weight") == date(2024, 4, 28)
    assert story.closed("weight") == ["completed"]


def test_results_from_before_the_care_complete_nothing(story: Story) -> None:
    story.weigh(5, "79", effective=on(-1))
    assert story.due("weight") == on(14)


def test_the_order_of_entry_does_not_move_the_next_due_date() -> None:
    days = (3, 9, 20)
    due = set()
    for order in (days, days[::-1], (9, 20, 3)):
        story = cast.well_known()
        for day in order:
            story.weigh(21, "79", effective=on(day))
        due.add(story.due("weight"))
    assert due == {date(2024, 4, 28)}


def test_a_skip_counts_from_its_day_and_is_no_completion(story: Story) -> None:
    story.skip(10, "dietitian-review", "not-appropriate")
    assert story.due("dietitian-review") == date(2024, 4, 18)
    assert story.closed("dietitian-review") == ["skipped"]


def test_a_task_that_is_done_once_does_not_come_again(story: Story) -> None:
    story.complete(10, "genetics-offer")
    story.pass_day(40)
    assert story.due("genetics-offer") is None


def test_it_does_not_come_again_for_a_stage_in_which_it_was_done(story: Story) -> None:
    story.move(1, "mobility", "M1")
    story.complete(2, "equipment-provision")
    story.move(3, "mobility", "M0")
    story.move(4, "mobility", "M1")
    assert story.due("equipment-provision") is None


def test_each_stage_asks_for_its_own_even_when_their_rows_say_the_same(story: Story) -> None:
    story.move(1, "mobility", "M1")
    story.complete(2, "equipment-provision")
    story.move(5, "mobility", "M2")
    assert story.due("equipment-provision") == on(19)


# stages


def test_an_entry_window_brings_forward_and_never_back(story: Story) -> None:
    story.move(1, "nutrition", "N1")
    assert story.due("dietitian-review") == on(15)
    story.move(2, "nutrition", "N2")
    assert story.due("dietitian-review") == on(9)
    assert story.due("weight") == on(14)  # open since the enrollment; 2 + 14 days would be later


def test_a_row_that_spans_both_stages_changes_nothing() -> None:
    story = cast.well_known(start={"nutrition": "N2"})
    story.weigh(3, "79")
    before = story.due("weight")
    story.move(5, "nutrition", "N3")
    assert story.due("weight") == before == on(17)


def test_a_new_interval_counts_from_the_last_completion_but_not_into_the_past(story: Story) -> None:
    story.weigh(2, "79")
    assert story.due("weight") == date(2024, 4, 10)
    story.move(40, "nutrition", "N1")
    assert story.due("weight") == on(40)  # one month after day 2 is over


def test_what_the_new_stage_does_not_schedule_is_cancelled() -> None:
    story = cast.well_known(start={"cough": "C1"})
    story.move(1, "musculoskeletal", "K1")
    story.move(1, "nutrition", "N3")
    assert story.due("gastrostomy-assessment") == on(15)
    story.move(2, "nutrition", "N4")
    assert story.due("gastrostomy-assessment") is None
    assert story.due("dietitian-review") is None
    assert story.closed("gastrostomy-assessment") == ["cancelled"]
    assert story.due("cough-review") == APRIL


def test_a_speed_up_brings_a_task_of_another_track_forward_but_lays_out_no_second(story: Story) -> None:
    assert story.due("acp-discussion") == on(28)
    story.move(1, "respiratory", "R3")
    assert story.due("acp-discussion") == on(15)
    assert CareTask.objects.filter(enrollment=story.enrollment, activity="acp-discussion").count() == 1


# rules


def test_a_rule_brings_forward_what_is_open_already(story: Story) -> None:
    assert story.due("speech-review") == on(28)
    story.record(2, builders.result("choking", True))
    assert story.due("speech-review") == on(9)


def test_a_rule_never_puts_off_what_is_due_earlier(story: Story) -> None:
    story.record(25, builders.result("choking", True))
    assert story.due("speech-review") == on(28)


def test_a_task_of_a_rule_alone_counts_from_the_day_of_the_raise_and_survives_a_stage() -> None:
    story = cast.story()
    story.record(5, cast.weight("75", effective=on(1)))
    assert story.due("record-usual-weight") == on(19)
    story.move(6, "nutrition", "N2")
    assert story.due("record-usual-weight") == on(19)
    story.record(7, cast.EIGHTY)
    assert story.due("record-usual-weight") is None
    assert story.closed("record-usual-weight") == ["completed"]


def test_what_a_rule_and_a_stage_ask_for_goes_with_the_stage() -> None:
    story = cast.well_known(start={"nutrition": "N2", "bulbar": "W2"})
    story.record(1, cast.fvc("28"))
    assert story.due("mdt-discussion") == on(8)
    story.move(2, "nutrition", "N4")
    assert story.due("mdt-discussion") is None


def test_a_task_of_retracted_evidence_alone_is_cancelled() -> None:
    story = cast.story()
    row = story.record(1, builders.result("spo2", "91", "%", context={"activity": "rest", "oxygen": "room-air"}))[0]
    assert story.due("blood-gas") == on(8)
    story.void(2, row)
    assert story.due("blood-gas") is None
    assert story.closed("blood-gas") == ["cancelled"]


def test_a_condition_of_a_row_lays_the_activity_out_again() -> None:
    story = cast.story(start={"respiratory": "R1"})
    assert story.due("pft-set") == APRIL
    story.record(3, builders.result("respiratory-symptoms", ["orthopnoea"]))
    assert story.due("pft-set") == date(2024, 2, 11)
    story.pass_day(100)  # symptoms have expired, and are the last known ones still
    assert story.due("pft-set") == date(2024, 2, 11)


# completion by results


def test_a_result_completes_all_that_it_does() -> None:
    story = cast.story(start={"cough": "C1"})
    story.record(3, cast.fvc("90"), builders.result("pcf", "400", "L/min"))
    assert story.closed("pft-set") == story.closed("cough-review") == ["completed"]


@pytest.mark.parametrize(
    "fact",
    [
        cast.form({"12": None}),
        builders.result("alsfrs-r", performable=False, reason="too tired"),
        builders.result("pcf", "400", "L/min", context={"assistance": "assisted"}),
    ],
)
def test_what_is_not_whole_completes_nothing(fact: NewObservation) -> None:
    story = cast.story(start={"cough": "C1"})
    before = story.tasks()
    story.record(3, fact)
    assert {code: due for code, due in story.tasks().items() if code in before} == before


# people


def test_completing_twice_and_completing_ahead_are_refused(story: Story) -> None:
    task = story.task("dietitian-review")
    with pytest.raises(errors.InvalidEntry):
        story.complete(5, "dietitian-review", effective=6)
    assert story.due("dietitian-review") == on(28)
    story.complete(5, "dietitian-review")
    with pytest.raises(errors.Conflict):
        flow.complete(task.pk, at=builders.at(5), by=None)
    assert story.closed("dietitian-review") == ["completed"]


def test_a_day_long_before_the_care_is_no_completion(story: Story) -> None:
    with pytest.raises(errors.InvalidEntry) as refused:
        flow.complete(story.task("mdt-review").pk, effective=date(1950, 1, 1), at=builders.at(5), by=None)
    assert refused.value.code == "implausible"
    with pytest.raises(errors.InvalidEntry):
        flow.skip(story.task("mdt-review").pk, reason="unable", effective=date(1950, 1, 1), at=builders.at(5), by=None)
    assert story.due("mdt-review") == on(28)


def test_skipping_needs_one_of_four_reasons(story: Story) -> None:
    with pytest.raises(errors.NotAllowed):
        story.skip(1, "weight", "no time")
    assert story.due("weight") == on(14)


def test_snoozing_silences_the_ladder_and_moves_nothing(story: Story) -> None:
    flow.snooze(story.task("weight").pk, until=on(20), reason="in hospital", at=builders.at(1), by=None)
    assert story.due("weight") == on(14)
    story.remind(14)
    assert not CareTask.objects.get(pk=story.task("weight").pk).reminders.exists()
    story.remind(28)
    assert [reminder.on for reminder in story.task("weight").reminders.all()] == [on(28)]


def test_snoozing_needs_a_reason_and_a_day_ahead(story: Story) -> None:
    task = story.task("weight")
    for until, reason in ((on(1), "busy"), (on(9), " ")):
        with pytest.raises(errors.NotAllowed):
            flow.snooze(task.pk, until=until, reason=reason, at=builders.at(1), by=None)
    assert story.task("weight").snoozed_until is None


def test_reminders_go_to_the_role_that_has_it_now(story: Story) -> None:
    flow.reassign(story.task("weight").pk, to="dietitian", at=builders.at(1), by=None)
    story.remind(14)
    assert [one.to_role for one in story.task("weight").reminders.all()] == ["dietitian"]


@pytest.mark.parametrize("role", ["admin", "gardener"])
def test_nobody_gets_a_task_who_has_none(story: Story, role: str) -> None:
    with pytest.raises(errors.NotAllowed):
        flow.reassign(story.task("weight").pk, to=role, at=builders.at(1), by=None)
    assert story.task("weight").owner == "nurse-coordinator"


# voided


def test_a_voided_completion_counts_no_more_and_is_not_due_in_the_past(story: Story) -> None:
    first, second = story.weigh(5, "79"), story.weigh(40, "79")
    story.void(41, second)
    assert story.due("weight") == date(2024, 4, 13)
    story.void(42, first)
    assert story.due("weight") == on(42)  # it was due on day 14
    assert story.closed("weight") == ["completed", "completed"]


def test_a_corrected_completion_stays_one(story: Story) -> None:
    row = story.weigh(5, "79")
    story.void(6, row, replace=cast.weight("78.9", effective=on(5)))
    assert story.due("weight") == date(2024, 4, 13)
    assert story.closed("weight") == ["completed"]


def test_a_voiding_keeps_what_a_rule_had_brought_forward(story: Story) -> None:
    story.record(1, builders.result("pcf", "400", "L/min"))
    story.move(1, "cough", "C1")
    old = story.record(20, builders.result("pcf", "390", "L/min"))[0]
    story.record(21, builders.result("chest-infection", True))
    assert story.due("cough-review") == on(28)
    story.void(22, old)
    assert story.due("cough-review") == on(28)


def test_the_due_date_that_a_task_had_is_found_after_a_change_of_pathway(story: Story) -> None:
    row = story.weigh(5, "79")
    story.change_pathway(6, "pma")
    story.void(7, row)
    assert story.due("weight") == on(14)
