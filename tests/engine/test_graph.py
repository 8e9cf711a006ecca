"""Problems of a pathway that must be seen before it is published."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from pathway.engine import graph
from pathway.engine.definitions import (
    Activity,
    CodeProposal,
    Effect,
    Entry,
    Intervention,
    Pathway,
    Row,
    Rule,
    RuleSet,
    Series,
    Stage,
    StartTask,
    Track,
)
from pathway.engine.schedule import Period

MONTH = Period(1, "mo")
DAYS = Period(14, "d")


def track(code: str, letter: str, last: int) -> Track:
    return Track(code, code.title(), tuple(Stage(f"{letter}{n}", f"Stage {n}", n) for n in range(last + 1)))


COUGH = track("cough", "C", 2)
NUTRITION = track("nutrition", "N", 1)
PATHWAY = Pathway(
    code="als-limb",
    title="ALS",
    version=1,
    initial={"cough": "C0", "nutrition": "N0"},
    tracks=(COUGH, NUTRITION),
    rows=(
        Row("cough", ("C0", "C1"), "cough-review", every=MONTH),
        Row("nutrition", ("N0", "N1"), "weight", when="any-symptom", every=DAYS),
        Row("nutrition", ("N0", "N1"), "weight", every=MONTH),
    ),
    rule_sets=("core",),
)
RULES = (
    Rule("PCF-A", "pcf < 270", "warning", pathways=("als-limb",), effects=(Effect(track="cough", stage="C1"),)),
    Rule("NUT-5", "loss-pct >= 5", "warning", effects=(Effect(track="nutrition", stage="N1"),)),
)
ACTIVITIES = (
    Activity("cough-review", "Cough review", "respiratory-physio", ("pcf",)),
    Activity("weight", "Weight", "nurse-coordinator", ("weight",)),
)
INTERVENTIONS = (Intervention("mi-e", "Cough assistance", enters=(Entry("cough", "C2"),)),)
PROPOSALS = (CodeProposal("mi-e", "Offer cough assistance"),)


def problems(
    pathway: Pathway = PATHWAY,
    rules: Collection[Rule] = RULES,
    activities: Collection[Activity] = ACTIVITIES,
    interventions: Collection[Intervention] = INTERVENTIONS,
    proposals: Collection[CodeProposal] = PROPOSALS,
    routes: Collection[tuple[str, str]] | None = None,
) -> list[str]:
    found = graph.problems(
        pathway,
        [RuleSet("core", "Core", 1, "", tuple(rules))],
        activities,
        interventions,
        proposals,
        roles={"respiratory-physio", "nurse-coordinator"},
        observations={"pcf", "weight"},
        routes=routes,
    )
    return [str(problem) for problem in found]


def with_rows(*rows: Row) -> Pathway:
    return replace(PATHWAY, rows=rows)


def with_effect(effect: Effect, *pathways: str) -> list[Rule]:
    return [*RULES, Rule("NEW", "pcf < 1", "info", pathways=pathways, effects=(effect,))]


def test_a_sound_pathway_has_no_problems() -> None:
    assert problems() == []


# tracks and stages


def test_a_track_without_an_initial_stage_is_an_error() -> None:
    assert problems(replace(PATHWAY, initial={"cough": "C0"})) == ["error: track nutrition: has no initial stage"]


def test_an_initial_stage_of_another_track_is_an_error() -> None:
    found = problems(replace(PATHWAY, initial={"cough": "N0", "nutrition": "N0"}))
    assert found == ["error: track cough: its initial stage N0 is not one of its stages"]


def test_an_initial_stage_for_an_unknown_track_is_an_error() -> None:
    found = problems(replace(PATHWAY, initial={**PATHWAY.initial, "bulbar": "W0"}))
    assert found == ["error: initial W0: names the unknown track bulbar"]


def test_two_stages_of_one_rank_are_an_error_and_cannot_follow_one_another() -> None:
    twin = Track("cough", "Cough", (*COUGH.stages, Stage("C9", "Twin of the first", 0)))
    found = problems(replace(PATHWAY, tracks=(twin, NUTRITION)))
    assert "error: track cough: C0 and C9 have the same rank 0: neither is later" in found
    assert "error: track cough, stage C9: is unreachable from the initial stage C0" in found


def test_a_stage_or_track_defined_twice_is_an_error() -> None:
    found = problems(replace(PATHWAY, tracks=(COUGH, NUTRITION, NUTRITION)))
    assert "error: track nutrition: is defined twice" in found
    assert "error: stage N0: is defined twice" in found


def test_nothing_is_reached_from_a_terminal_initial_stage() -> None:
    closed = Track("nutrition", "Nutrition", (Stage("N0", "Closed", 0, is_terminal=True), NUTRITION.stages[1]))
    found = problems(replace(PATHWAY, tracks=(COUGH, closed)))
    assert found == ["error: track nutrition, stage N1: is unreachable from the initial stage N0"]


def test_a_stage_that_no_route_leads_to_is_an_error() -> None:
    routes = [("C0", "C1"), ("N0", "N1")]
    assert problems(routes=routes) == ["error: track cough, stage C2: is unreachable from the initial stage C0"]
    assert problems(routes=[*routes, ("C1", "C2")]) == []


def test_routes_that_go_in_a_circle_come_to_an_end() -> None:
    assert problems(routes=[("C0", "C1"), ("C1", "C0"), ("C1", "C2"), ("C2", "C1"), ("N0", "N1")]) == []


def test_a_stage_before_the_initial_one_is_a_warning() -> None:
    found = problems(replace(PATHWAY, initial={"cough": "C1", "nutrition": "N0"}))
    assert found == ["warning: track cough, stage C0: lies before the initial stage C1: backward moves only"]


def test_a_stage_that_nothing_proposes_is_entered_by_hand_only() -> None:
    found = problems(interventions=())
    assert found == ["warning: track cough, stage C2: by hand only: no rule proposes it and no intervention enters it"]


def test_a_terminal_stage_needs_no_rule() -> None:
    ended = Track("cough", "Cough", (*COUGH.stages, Stage("C9", "Closed", 9, is_terminal=True)))
    assert problems(replace(PATHWAY, tracks=(ended, NUTRITION))) == []


def test_disease_modifying_drugs_enter_the_first_stage_and_the_stopped_one() -> None:
    treatment = Track("treatment", "Treatment", tuple(Stage(f"T{n}", f"Stage {n}", n) for n in (0, 1, 4)))
    pathway = replace(PATHWAY, tracks=(*PATHWAY.tracks, treatment), initial={**PATHWAY.initial, "treatment": "T0"})
    assert len(problems(pathway)) == 2
    assert problems(pathway, interventions=(*INTERVENTIONS, Intervention("drug", "Drug", is_drug=True))) == []


def test_what_a_stage_opens_on_entry_must_exist() -> None:
    found = problems(replace(PATHWAY, on_entry={"C7": "mi-e", "C2": "gastrostomy"}))
    assert found == [
        "error: on entry of C7: is an unknown stage",
        "error: on entry of C2: opens the unknown proposal gastrostomy",
    ]


# rows


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (Row("cough", ("C0",), "x-ray", every=MONTH), "unknown activity x-ray"),
        (Row("bulbar", ("C0",), "weight", every=MONTH), "unknown track bulbar"),
        (Row("cough", ("C7",), "weight", every=MONTH), "unknown stage C7"),
        (Row("cough", ("C0", "N1"), "weight", every=MONTH), "spans two tracks: N1 belongs to nutrition, not to cough"),
        (Row("cough", (), "weight", every=MONTH), "names no stage"),
        (Row("cough", ("C0",), "weight"), "recurs, but has no interval"),
        (Row("cough", ("C0",), "weight", every=Period(0, "d")), "recurs every 0 days"),
        (Row("cough", ("C0",), "weight", mode="once"), "is due once, but neither first nor entry says when"),
        (Row("cough", ("C0",), "weight", mode="speed-up"), "is a speed-up without an entry window"),
        (Row("cough", ("C0",), "weight", entry=DAYS, every=DAYS, mode="once"), "has an interval, but its mode is once"),
        (Row("cough", ("C0",), "weight", every=DAYS, mode="often"), "unknown mode often"),
    ],
)
def test_a_row_that_makes_no_sense_is_an_error(row: Row, expected: str) -> None:
    found = problems(with_rows(row))
    assert len(found) == 1
    assert found[0].startswith("error: row ")
    assert expected in found[0]


def test_a_row_behind_one_without_condition_can_never_apply() -> None:
    always, sometimes = PATHWAY.rows[2], PATHWAY.rows[1]
    assert problems(with_rows(always, sometimes)) == [
        "error: row N0, N1 weight when any-symptom: can never apply: a row before it always comes first"
    ]
    assert problems(with_rows(sometimes, sometimes)) != []


def test_a_row_that_is_hidden_in_some_stages_only_is_a_warning() -> None:
    found = problems(with_rows(Row("nutrition", ("N0",), "weight", every=DAYS), PATHWAY.rows[2]))
    assert found == ["warning: row N0, N1 weight: can never apply in N0: a row before it always comes first"]


def test_a_speed_up_does_not_hide_the_row_it_speeds_up() -> None:
    speed_up = Row("nutrition", ("N1",), "weight", entry=DAYS, mode="speed-up")
    assert problems(with_rows(speed_up, PATHWAY.rows[2])) == []


# rules and what they ask for


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (Effect(track="cough", stage="C7"), "proposes the unknown stage C7 of cough"),
        (Effect(track="bulbar", stage="W1"), "proposes W1 in the track bulbar, which is not there"),
        (Effect(proposal="gastrostomy"), "unknown proposal gastrostomy"),
        (Effect(task="x-ray"), "unknown activity x-ray"),
        (Effect(), "an effect names exactly one of stage, proposal and task"),
        (Effect(proposal="mi-e", task="weight"), "an effect names exactly one of stage, proposal and task"),
    ],
)
def test_an_effect_that_leads_nowhere_is_an_error(effect: Effect, expected: str) -> None:
    assert problems(rules=with_effect(effect, "als-limb")) == [f"error: rule core/NEW: {expected}"]


def test_a_rule_for_every_pathway_may_name_a_track_that_is_not_here() -> None:
    found = problems(rules=with_effect(Effect(track="bulbar", stage="W1")))
    assert found == ["warning: rule core/NEW: proposes W1 in the track bulbar, which is not there"]


def test_a_rule_of_another_pathway_is_not_looked_at() -> None:
    assert problems(rules=with_effect(Effect(task="x-ray"), "pma")) == []


def test_a_rule_set_that_is_not_there_is_an_error() -> None:
    found = problems(replace(PATHWAY, rule_sets=("core", "local")))
    assert found == ["error: pathway als-limb: unknown rule set local"]


def test_a_rule_that_can_never_hit_is_a_warning() -> None:
    rule = Rule("NEVER", "pcf < 160 and pcf >= 270", "info")
    found = problems(rules=[*RULES, rule])
    assert found == ["warning: rule core/NEVER: can never hit: no pcf meets all of its comparisons"]


# what pathways share


def test_an_activity_needs_a_known_owner_and_known_observations() -> None:
    stranger = Activity("x-ray", "X-ray", "radiographer", ("cobb",), {"pcf": {"assistance": "none"}})
    assert problems(activities=(*ACTIVITIES, stranger)) == [
        "error: activity x-ray: unknown owner role radiographer",
        "error: activity x-ray: completed by the unknown observation cobb",
        "error: activity x-ray: asks for a context of pcf, which does not complete it",
    ]


def test_an_intervention_names_known_activities_and_stages() -> None:
    niv = Intervention(
        "niv",
        "NIV",
        enters=(Entry("cough", "C8"), Entry("respiratory", "R4")),
        completes=("niv-decision",),
        tasks=(StartTask("niv-download", DAYS),),
        series=Series("dose", ()),
    )
    assert problems(interventions=(*INTERVENTIONS, niv)) == [
        "error: intervention niv: unknown activity niv-decision",
        "error: intervention niv: unknown activity niv-download",
        "error: intervention niv: unknown activity dose",
        "warning: intervention niv: enters C8, which cough does not have here",
    ]


def test_a_proposal_names_known_activities_and_interventions() -> None:
    stop = CodeProposal("stop", "Stop", "stop", task="x-ray", stops="riluzole", completes=("decision",))
    assert problems(proposals=(*PROPOSALS, stop)) == [
        "error: proposal stop: unknown activity decision",
        "error: proposal stop: unknown activity x-ray",
        "error: proposal stop: unknown intervention riluzole",
    ]


def test_errors_come_before_warnings() -> None:
    found = problems(with_rows(Row("cough", ("C7",), "weight", every=MONTH)), interventions=())
    assert [line.split(":")[0] for line in found] == ["error", "warning"]
