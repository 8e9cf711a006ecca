"""Alerts: raised once per episode, closed by persons, silent until the rule has missed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pathway import errors, flow
from pathway.engine.content import Content
from pathway.models import Alert, Episode
from pathway.services import definitions
from tests import builders
from tests.flow import cast
from tests.flow.cast import Story

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture
def losing(loaded: None) -> Story:
    """Of 80 kg 75 are left: 6.25 %, less than one unit of BMI more than usual is lost."""
    story = cast.well_known()
    story.weigh(1, "75")
    return story


def test_a_hit_raises_one_alert_and_those_after_it_only_add_evidence(losing: Story) -> None:
    assert losing.alerts() == {"NUT-5", "NUT-BMI1"}
    losing.weigh(2, "74")
    losing.weigh(3, "74.5")
    assert losing.alerts_ever("NUT-5") == 1
    assert losing.alert("NUT-5").episode.hits.count() == 3
    assert "NUT-10" not in losing.alerts()


def test_the_alert_says_since_when_the_condition_holds_not_when_it_became_known() -> None:
    story = cast.story(cast.weight("75"))
    assert story.alerts() == set()
    story.record(10, cast.EIGHTY)
    episode = story.alert("NUT-5").episode
    assert (episode.since, episode.began_on) == (builders.on(0), builders.on(10))


def test_a_miss_marks_an_alert_but_only_a_person_closes_it(losing: Story) -> None:
    losing.weigh(10, "79")
    alert = losing.alert("NUT-5")
    assert (alert.status, alert.no_longer_met) == ("open", True)
    losing.weigh(20, "75")
    alert = losing.alert("NUT-5")
    assert (alert.status, alert.no_longer_met) == ("open", False)
    assert losing.alerts_ever("NUT-5") == 1


def test_expiry_is_unknown_and_changes_nothing(losing: Story) -> None:
    losing.pass_day(1 + 184)
    assert losing.verdict("NUT-5") == "unknown"
    alert = losing.alert("NUT-5")
    assert (alert.status, alert.no_longer_met) == ("open", False)


def test_a_closed_alert_stays_silent_until_the_rule_has_missed_once(losing: Story) -> None:
    losing.close_alert(5, "NUT-5")
    losing.weigh(10, "74")
    losing.pass_day(11)
    assert "NUT-5" not in losing.alerts()
    losing.weigh(20, "79")
    assert losing.alerts_ever("NUT-5") == 1
    losing.weigh(30, "75")
    assert "NUT-5" in losing.alerts()
    assert losing.alerts_ever("NUT-5") == 2


def test_the_unknown_ends_no_episode(losing: Story) -> None:
    losing.close_alert(5, "NUT-5")
    losing.pass_day(200)
    assert losing.verdict("NUT-5") == "unknown"
    losing.weigh(201, "75")
    assert losing.alerts_ever("NUT-5") == 1


def test_closing_after_a_miss_ends_the_episode_at_once(losing: Story) -> None:
    losing.weigh(10, "79")
    losing.close_alert(11, "NUT-5")
    losing.weigh(12, "75")
    assert losing.alerts_ever("NUT-5") == 2


def test_a_rule_without_alert_ends_its_episode_by_itself() -> None:
    story = cast.story(cast.form({"8": 3}))
    assert story.proposals() >= {"M1"}
    assert Alert.objects.filter(episode__key="MOB-1").count() == 0
    story.record(30, cast.form())
    assert Episode.objects.get(patient=story.patient, key="MOB-1").ended_at == builders.at(30)


def test_closing_needs_a_reason_and_works_once(losing: Story) -> None:
    alert = losing.alert("NUT-5")
    with pytest.raises(errors.NotAllowed):
        flow.close_alert(alert.pk, reason="  ", at=builders.at(2), by=None)
    assert "NUT-5" in losing.alerts()
    losing.close_alert(2, "NUT-5")
    with pytest.raises(errors.Conflict):
        losing.close_alert(3, "NUT-5")
    assert losing.alert("NUT-5").closed_at == builders.at(2)
    assert losing.told("alert.closed") == 1


def test_closing_what_was_never_raised_is_refused() -> None:
    with pytest.raises(errors.NotFound):
        flow.close_alert(-1, reason="seen", at=builders.at(1), by=None)


def test_what_a_rule_asks_for_stays_when_its_alert_is_closed(losing: Story) -> None:
    losing.record(3, builders.result("choking", True))
    due = losing.due("speech-review")
    losing.close_alert(4, "CHOKE")
    losing.close_alert(4, "NUT-5")
    assert losing.due("speech-review") == due == builders.on(10)
    assert "N1" in losing.proposals()


def test_an_alert_without_any_evidence_left_is_withdrawn() -> None:
    story = cast.well_known()
    first, second = story.weigh(1, "75"), story.weigh(2, "74.5")
    story.void(3, first)
    assert "NUT-5" in story.alerts()
    story.void(4, second)
    assert story.alerts() == set()
    assert story.alert("NUT-5").status == "withdrawn"
    story.weigh(5, "75")
    assert story.alerts_ever("NUT-5") == 2


def test_an_alert_stays_when_the_rule_hits_without_the_voided_result() -> None:
    story = cast.well_known()
    story.weigh(1, "75")
    story.void(3, story.weigh(2, "74.5"))
    assert story.alert("NUT-5").status == "open"
    assert story.told("alert.withdrawn") == 0


def test_shadow_rules_are_told_under_the_name_of_their_set_and_ask_for_nothing() -> None:
    site = builders.site(rule_sets=("core",), shadow=("nice-ng42",))
    patient = builders.patient(site)
    story = Story(patient, builders.enroll(patient))
    story.record(1, builders.result("paco2", "7", "kPa"))
    assert story.alerts() == {"nice-ng42/NICE-URG"}
    assert story.proposals() == set()
    assert story.due("respiratory-visit") is None


def test_closing_reads_the_verdict_of_the_version_that_the_site_follows_now(shipped: Content) -> None:
    """The old version missed last, the new one hits: the episode goes on, and nothing is raised again."""
    story = cast.well_known(cast.weight("75"))
    story.weigh(1, "77")  # 3.75 %
    assert (story.verdict("NUT-5"), story.alert("NUT-5").no_longer_met) == ("miss", True)
    follow_version_with(shipped, story, "NUT-5", "loss-pct >= 3")
    story.pass_day(2)
    assert not story.alert("NUT-5").no_longer_met
    story.close_alert(3, "NUT-5")
    story.pass_day(4)
    assert "NUT-5" not in story.alerts()
    assert story.alerts_ever("NUT-5") == 1


def follow_version_with(shipped: Content, story: Story, code: str, test: str) -> None:
    """The site follows a new version of the core rules in which one rule says something else."""
    core = shipped.rule_sets["core"]
    rules = tuple(replace(rule, test=test) if rule.code == code else rule for rule in core.rules)
    definitions.load(replace(shipped, rule_sets={"core": replace(core, rules=rules)}), at=builders.at(1))
    definitions.follow_rule_sets(story.patient.site, active=builders.RULE_SETS)


def test_a_correction_under_which_the_rule_still_holds_withdraws_nothing() -> None:
    story = cast.well_known()
    wrong = story.weigh(1, "60")
    raised = story.alerts()
    assert raised
    story.void(2, wrong, replace=cast.weight("60.5", effective=builders.on(1)))
    assert story.alerts() == raised
    assert not story.told("alert.withdrawn")
    assert not story.told("proposal.withdrawn")
