"""The readable difference of two versions, and the mapping of their stages."""

from __future__ import annotations

from dataclasses import replace

from pathway.engine import diff
from pathway.engine.definitions import Pathway, Row, Stage, Track
from pathway.engine.schedule import Period

RESPIRATORY = Track("respiratory", "Breathing", tuple(Stage(f"R{n}", f"Stage {n}", n) for n in range(6)))
PATHWAY = Pathway(
    code="als-limb",
    title="ALS, limb onset",
    version=1,
    initial={"respiratory": "R0"},
    tracks=(RESPIRATORY,),
    rows=(
        Row("respiratory", ("R1",), "pft-set", when="any-symptom", every=Period(1, "mo")),
        Row("respiratory", ("R1",), "pft-set", every=Period(3, "mo")),
        Row("respiratory", ("R2", "R4", "R5"), "pft-set", every=Period(2, "mo")),
        Row("respiratory", ("R3",), "niv-decision", entry=Period(28, "d"), every=Period(1, "mo")),
    ),
    rule_sets=("core", "nice-ng42"),
)


def texts(new: Pathway, old: Pathway = PATHWAY) -> list[str]:
    return [change.text for change in diff.difference(old, new)]


def with_row(place: int, **changes: object) -> Pathway:
    rows = list(PATHWAY.rows)
    rows[place] = replace(rows[place], **changes)  # type: ignore[arg-type]
    return replace(PATHWAY, rows=tuple(rows))


def test_versions_that_mean_the_same_do_not_differ() -> None:
    assert diff.difference(PATHWAY, replace(PATHWAY, version=2)) == []


def test_a_changed_interval_is_told_once_for_all_its_stages() -> None:
    changed = with_row(2, every=Period(3, "mo"))
    assert diff.difference(PATHWAY, changed) == [
        diff.Change("respiratory", "R2, R4-R5: pft-set every 2 mo → every 3 mo")
    ]


def test_a_row_that_is_only_written_in_two_is_no_change() -> None:
    one, two = replace(PATHWAY.rows[2], stages=("R2",)), replace(PATHWAY.rows[2], stages=("R4", "R5"))
    assert texts(replace(PATHWAY, rows=(*PATHWAY.rows[:2], two, one, PATHWAY.rows[3]))) == []


def test_a_changed_condition_shows_every_row_of_the_stage() -> None:
    assert texts(with_row(0, when="orthopnoea")) == [
        "R1: pft-set every 1 mo, when any-symptom; else every 3 mo → every 1 mo, when orthopnoea; else every 3 mo"
    ]


def test_a_changed_window_or_mode_is_told() -> None:
    assert texts(with_row(3, entry=None, first=Period(14, "d"))) == [
        "R3: niv-decision every 1 mo, on entry 28 d → every 1 mo, first 14 d"
    ]
    assert texts(with_row(3, mode="once", every=None)) == [
        "R3: niv-decision every 1 mo, on entry 28 d → once, on entry 28 d"
    ]


def test_an_activity_that_comes_or_goes_is_told() -> None:
    assert texts(replace(PATHWAY, rows=PATHWAY.rows[:3])) == [
        "R3: niv-decision every 1 mo, on entry 28 d → not scheduled"
    ]
    assert texts(PATHWAY, replace(PATHWAY, rows=PATHWAY.rows[:3])) == [
        "R3: niv-decision not scheduled → every 1 mo, on entry 28 d"
    ]


def test_stages_that_come_go_or_change_are_told() -> None:
    stages = (
        replace(RESPIRATORY.stages[0], title="Baseline"),
        *RESPIRATORY.stages[1:4],
        replace(RESPIRATORY.stages[4], is_terminal=True),
        Stage("R7", "Comfort", 7),
    )
    changed = replace(PATHWAY, tracks=(replace(RESPIRATORY, stages=stages),), initial={"respiratory": "R1"})
    assert texts(changed) == [
        "R0: title Stage 0 → Baseline",
        "R4: now terminal",
        "R7 Comfort: stage added",
        "R5 Stage 5: stage removed",
        "initial stage R0 → R1",
    ]


def test_tracks_that_come_or_go_are_told() -> None:
    cough = Track("cough", "Cough", (Stage("C0", "Adequate", 0), Stage("C1", "Reduced", 1)))
    row = Row("cough", ("C0", "C1"), "cough-review", every=Period(3, "mo"))
    wider = replace(PATHWAY, tracks=(RESPIRATORY, cough), rows=(*PATHWAY.rows, row))
    assert diff.difference(PATHWAY, wider) == [
        diff.Change("cough", "track added with C0, C1"),
        diff.Change("cough", "C0-C1: cough-review not scheduled → every 3 mo"),
    ]
    assert diff.difference(wider, PATHWAY) == [diff.Change("cough", "track removed")]


def test_what_concerns_the_whole_pathway_is_told_without_a_track() -> None:
    changed = replace(PATHWAY, title="ALS", rule_sets=("core", "aan-2009"), on_entry={"R3": "mi-e"})
    assert diff.difference(PATHWAY, changed) == [
        diff.Change("", "title ALS, limb onset → ALS"),
        diff.Change("", "rule set aan-2009 added"),
        diff.Change("", "rule set nice-ng42 removed"),
        diff.Change("", "on entry of R3: proposal none → mi-e"),
    ]


def test_stages_map_by_code_and_track() -> None:
    narrower = replace(PATHWAY, tracks=(replace(RESPIRATORY, stages=RESPIRATORY.stages[:5]),))
    mapping = diff.stage_mapping(PATHWAY, narrower)
    assert mapping == {"R0": "R0", "R1": "R1", "R2": "R2", "R3": "R3", "R4": "R4", "R5": None}
    assert diff.stage_mapping(narrower, PATHWAY)["R4"] == "R4"
