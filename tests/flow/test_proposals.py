"""Proposals: the furthest stage of a track wins, a no is heard, and what lost its basis is said to have lost it."""

from __future__ import annotations

import pytest

from pathway import errors, flow
from pathway.models import Proposal
from tests import builders
from tests.flow import cast
from tests.flow.cast import Story

pytestmark = pytest.mark.usefixtures("loaded")


def in_nutrition(story: Story) -> dict[str, str]:
    """What became of the newest proposal of each stage."""
    found = Proposal.objects.filter(enrollment__patient=story.patient, track="nutrition").order_by("pk")
    return {one.stage.code: one.status for one in found.select_related("stage") if one.stage}


def test_rules_propose_and_nothing_moves() -> None:
    story = cast.well_known()
    story.weigh(1, "75")
    assert story.proposals() == {"N1"}
    assert story.stage("nutrition") == "N0"


def test_the_furthest_stage_wins() -> None:
    story = cast.well_known()
    story.weigh(1, "75")
    story.weigh(2, "70")
    assert story.proposals() == {"N2"}
    assert in_nutrition(story) == {"N1": "superseded", "N2": "open"}


def test_of_two_asked_for_at_once_only_the_further_is_shown() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    assert story.proposals() == {"N2"}
    assert in_nutrition(story) == {"N1": "superseded", "N2": "open"}
    assert story.told("proposal.opened") == 1


def test_the_nearer_one_comes_back_when_the_further_is_withdrawn_and_a_rule_still_asks() -> None:
    story = cast.well_known()
    story.record(1, cast.eat("4"))
    story.void(3, story.weigh(2, "70"))
    assert story.proposals() == {"N1"}
    assert in_nutrition(story)["N2"] == "withdrawn"
    assert story.proposal("N1").decided_by is None


def test_it_is_superseded_again_when_the_further_one_comes_again() -> None:
    story = cast.well_known()
    story.record(1, cast.eat("4"))
    story.void(3, story.weigh(2, "70"))
    story.weigh(4, "70")
    assert story.proposals() == {"N2"}
    assert in_nutrition(story) == {"N1": "superseded", "N2": "open"}


def test_the_nearer_one_does_not_come_back_when_nothing_asks_for_it() -> None:
    story = cast.well_known()
    story.void(3, story.weigh(2, "70"))
    assert story.proposals() == set()
    assert set(in_nutrition(story).values()) <= {"withdrawn", "superseded"}


def test_several_rules_share_one_proposal_and_all_must_go_before_it_goes() -> None:
    story = cast.well_known()
    heavy_loss = story.weigh(1, "70")
    hunger = story.record(1, builders.result("intake", "60", "%", context={"days": "20"}))[0]
    assert story.proposals() == {"N2"}
    story.void(2, heavy_loss)
    assert story.proposals() == {"N2"}
    story.void(3, hunger)
    assert "N2" not in story.proposals()


def test_a_declined_one_stays_quiet_while_its_episode_runs() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    story.decline(2, "N2")
    story.weigh(10, "69")
    story.pass_day(40)
    assert "N2" not in story.proposals()
    assert story.stage("nutrition") == "N0"


def test_another_rule_is_new_evidence_after_a_no() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    story.decline(2, "N2")
    story.record(3, builders.result("intake", "60", "%", context={"days": "20"}))
    assert story.proposals() == {"N2"}


def test_a_new_episode_of_the_same_rule_is_new_evidence_after_a_no() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    story.decline(2, "N2")
    story.weigh(3, "78")
    story.close_alert(4, "NUT-10")
    story.weigh(40, "71")
    assert story.proposals() == {"N2"}


def test_a_no_until_a_day_is_asked_again_on_that_day() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    story.decline(2, "N2", until=20)
    story.pass_day(19)
    assert "N2" not in story.proposals()
    story.pass_day(20)
    assert story.proposals() == {"N2"}
    assert story.told("proposal.declined") == 1


def test_a_no_until_a_day_waits_on_for_the_first_hit_after_it() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    story.decline(2, "N2", until=20)
    story.weigh(10, "79")
    story.pass_day(20)
    assert story.proposals() == set()
    story.weigh(50, "71")
    assert story.proposals() == {"N2"}


def test_being_opened_again_forgets_the_old_day() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    story.decline(2, "N2", until=20)
    story.record(3, builders.result("intake", "60", "%", context={"days": "20"}))
    story.decline(4, "N2")
    story.pass_day(20)
    assert story.proposals() == set()


def test_declining_needs_a_reason_and_a_day_ahead_and_leaves_it_open_otherwise() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    with pytest.raises(errors.NotAllowed):
        story.decline(2, "N2", until=2)
    with pytest.raises(errors.NotAllowed):
        flow.decline(story.proposal("N2").pk, reason=" ", at=builders.at(2), by=None)
    assert story.proposals() == {"N2"}


def test_accepting_moves_the_stage_and_answers_what_was_nearer() -> None:
    story = cast.well_known()
    story.weigh(1, "70")
    story.accept(2, "N2")
    assert story.stage("nutrition") == "N2"
    assert story.proposals() == {"gastrostomy-referral"}
    with pytest.raises(errors.Conflict):
        story.accept(3, "N2")


def test_passing_a_stage_in_any_way_answers_its_proposal() -> None:
    story = cast.well_known()
    story.weigh(1, "75")
    story.move(2, "nutrition", "N2")
    assert "N1" not in story.proposals()
    assert story.proposal("N1").status == "superseded"
    assert story.told("proposal.superseded") == 1


def test_nothing_is_proposed_backward_or_for_the_present_stage() -> None:
    story = cast.well_known(start={"nutrition": "N2"})
    story.weigh(1, "70")
    assert story.alerts() >= {"NUT-5", "NUT-10"}
    assert not {"N1", "N2"} & story.proposals()


def test_after_a_move_back_nothing_is_proposed_again_for_what_still_runs() -> None:
    story = cast.well_known()
    story.weigh(1, "75")
    story.accept(2, "N1")
    story.move(3, "nutrition", "N0")
    story.weigh(10, "74.8")
    story.pass_day(11)
    assert story.proposals() == set()


def test_what_people_decided_stays_and_is_flagged_when_its_basis_is_voided() -> None:
    story = cast.well_known()
    row = story.weigh(1, "70")
    story.accept(2, "N2")
    story.void(3, row)
    assert story.stage("nutrition") == "N2"
    assert story.proposal("N2").status == "accepted"
    assert story.proposal("N2").basis_retracted
    assert "basis-retracted" in story.flags()


def test_no_basis_is_lost_while_another_hit_supports_it() -> None:
    story = cast.well_known()
    row = story.weigh(1, "70")
    story.weigh(2, "69.5")
    story.accept(3, "N2")
    story.void(4, row)
    assert not story.proposal("N2").basis_retracted
    assert story.flags() == set()


def test_a_question_is_asked_on_entering_a_stage_and_settled_by_doing_it() -> None:
    story = cast.well_known()
    story.move(1, "nutrition", "N2")
    assert story.proposals() == {"gastrostomy-referral"}
    story.start(2, "gastrostomy")
    assert "gastrostomy-referral" not in story.proposals()
    assert story.proposal("gastrostomy-referral").status == "superseded"
    assert story.due("gastrostomy-assessment") is None


def test_accepting_a_question_does_what_it_says_and_moves_nothing() -> None:
    story = cast.well_known()
    story.move(1, "nutrition", "N2")
    story.accept(5, "gastrostomy-referral")
    assert story.due("gastrostomy-assessment") == builders.on(19)
    assert story.stage("nutrition") == "N2"


def test_accepting_to_stop_riluzole_stops_it_and_settles_its_decision() -> None:
    story = cast.story()
    story.start(1, "riluzole")
    story.record(30, cast.alt("240"))
    assert story.proposals() == {"stop-riluzole"}
    assert story.due("riluzole-stop-decision") == builders.on(31)
    story.accept(30, "stop-riluzole")
    assert story.due("riluzole-stop-decision") is None
    assert story.due("alt-riluzole") is None
    assert story.due("alt-post-stop") == builders.on(44)
    assert story.stage("treatment") == "T4"


def test_declining_to_stop_riluzole_settles_its_decision_and_stops_nothing() -> None:
    story = cast.story()
    story.start(1, "riluzole")
    story.record(30, cast.alt("240"))
    story.decline(30, "stop-riluzole")
    assert story.closed("riluzole-stop-decision") == ["completed"]
    assert story.due("alt-riluzole") is not None
    assert story.stage("treatment") == "T1"
