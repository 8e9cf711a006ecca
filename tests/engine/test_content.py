"""The shipped content is complete and says what its tables say; what does not fit is refused with its place."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from pathway.engine import content, expressions, graph, names, yamltext
from pathway.engine.catalogue import ByAge, Range
from pathway.engine.content import ContentError
from pathway.engine.definitions import CalendarDate, Effect, Entry, Licence, PlannedDate, Row, SeriesDose, StartTask
from pathway.engine.measures import REGISTRY
from pathway.engine.schedule import Period

FIXTURES = Path(__file__).parents[2] / "fixtures"
MND = ("als-limb", "als-bulbar", "pma")
SMA = ("sma-non-sitter", "sma-sitter", "sma-walker")


@pytest.fixture(scope="module")
def shipped() -> content.Content:
    return content.read(FIXTURES)


def days(amount: int) -> Period:
    return Period(amount, "d")


def months(amount: int) -> Period:
    return Period(amount, "mo")


# what is there


def test_everything_of_the_vocabulary_is_shipped(shipped: content.Content) -> None:
    assert len(shipped.roles) == 15
    assert len(shipped.tracks) == 9
    assert len(shipped.catalogue.kinds) == 84
    assert len(shipped.measures) == 86
    assert len(shipped.activities) == 67
    assert len(shipped.interventions) == 28
    assert len(shipped.proposals) == 8
    assert {code: len(one.rules) for code, one in shipped.rule_sets.items()} == {
        "core": 95,
        "nice-ng42": 9,
        "aan-2009": 5,
        "us-rad": 6,
        "european-2002": 1,
        "efns-2012": 1,
        "chest-2023": 4,
        "canada-2020": 1,
    }
    assert {code: len(one.rows) for code, one in shipped.pathways.items()} == {
        "als-limb": 54,
        "als-bulbar": 55,
        "sma-non-sitter": 25,
        "sma-sitter": 22,
        "sma-walker": 20,
        "pma": 37,
    }


def test_every_measure_has_its_text_and_its_sum(shipped: content.Content) -> None:
    assert set(shipped.measures) == set(REGISTRY)
    for code, measure in REGISTRY.items():
        text = shipped.measures[code]
        assert (text.title, text.unit, text.places) == (measure.title, measure.unit, measure.places), code


def test_no_pathway_has_an_error_in_its_graph(shipped: content.Content) -> None:
    for pathway in shipped.pathways.values():
        found = graph.problems(
            pathway,
            shipped.rule_sets.values(),
            shipped.activities.values(),
            shipped.interventions.values(),
            shipped.proposals.values(),
            roles=shipped.roles,
            observations=shipped.catalogue.kinds,
        )
        assert [str(one) for one in found if one.severity == graph.ERROR] == []


def test_nothing_is_read_twice_as_something_else(shipped: content.Content) -> None:
    assert content.read(FIXTURES) == shipped


def test_every_mark_in_a_comment_has_its_source(shipped: content.Content) -> None:
    texts = [path.read_text(encoding="utf-8") for path in FIXTURES.rglob("*.yaml")]
    marks = {mark for text in texts for mark in re.findall(r"\[V:([A-Z0-9-]+)\]", text)}
    assert len(marks) > 25
    assert marks <= set(shipped.sources)


def test_every_rule_has_title_citation_and_review_date(shipped: content.Content) -> None:
    for one in shipped.rule_sets.values():
        for rule in one.rules:
            assert rule.title and rule.citation and rule.pathways, rule.code
            assert rule.review_by == date(2027, 11, 30)


def test_files_keep_the_house_form() -> None:
    for path in (one for one in FIXTURES.rglob("*.yaml") if one.parent.name != "scenarios"):  # stories have long steps
        lines = path.read_text(encoding="utf-8").split("\n")
        assert lines[-1] == "" and lines[-2] != "", path.name
        assert max(len(line) for line in lines) <= 120, path.name
        assert not any(line.endswith(" ") or "\t" in line for line in lines), path.name


def test_the_vocabulary_of_the_release_is_the_same_records(shipped: content.Content) -> None:
    vocabulary = shipped.vocabulary
    assert [role.code for role in vocabulary.roles] == list(shipped.roles)
    assert [track.code for track in vocabulary.tracks] == list(shipped.tracks)
    assert vocabulary.catalogue is shipped.catalogue


# rows checked by hand


def test_stages_are_in_order_and_only_the_closed_one_is_terminal(shipped: content.Content) -> None:
    overall = shipped.tracks["overall"]
    assert [stage.code for stage in overall.stages] == ["O1", "O2", "O3", "O4", "O5", "O9"]
    assert [stage.rank for stage in overall.stages] == [1, 2, 3, 4, 5, 9]
    terminal = [stage.code for track in shipped.tracks.values() for stage in track.stages if stage.is_terminal]
    assert terminal == ["O9"]


def test_weight_by_hand(shipped: content.Content) -> None:
    weight = shipped.catalogue.kinds["weight"]
    assert weight.units == {"kg": 1, "g": Fraction(1, 1000), "[lb_av]": Fraction(45359237, 100000000)}
    assert weight.hard == ByAge(Range(Fraction(25), Fraction(300)), Range(Fraction(1), Fraction(200)))
    assert weight.soft == ByAge(None, None)
    assert (weight.decimals, weight.valid, weight.constant) == (2, ByAge(183, 183), ByAge(0, 0))
    assert not weight.unit_optional


def test_height_by_hand(shipped: content.Content) -> None:
    height = shipped.catalogue.kinds["height"]
    assert height.units == {"cm": 1, "m": 100, "[in_i]": Fraction(127, 50)}
    assert height.soft == ByAge(Range(Fraction(120), Fraction(220)), None)
    assert height.valid == ByAge(None, 183)
    assert height.constant == ByAge(1, 0)


def test_a_fraction_is_an_exact_factor(shipped: content.Content) -> None:
    assert shipped.catalogue.kinds["post-exercise-soreness"].units == {"h": 1, "min": Fraction(1, 60)}


def test_settings_that_few_kinds_have(shipped: content.Content) -> None:
    kinds = shipped.catalogue.kinds
    assert {code for code, kind in kinds.items() if kind.magnitude_only} == {"snip", "mip", "mep"}
    assert {code for code, kind in kinds.items() if kind.absent_means is not None} == {
        "lung-disease",
        "skeletal-maturity",
    }
    assert kinds["lung-disease"].absent_means is False
    assert {code: kind.default_context for code, kind in kinds.items() if kind.default_context} == {
        "fvc-pct": {"posture": "sitting"},
        "fvc": {"posture": "sitting"},
        "vc": {"posture": "sitting"},
        "pcf": {"assistance": "none"},
    }
    assert {code for code, kind in kinds.items() if kind.required_context} == {"body-fat"}
    assert kinds["body-fat"].required_context == ("method", "device", "formula")
    assert {code for code, kind in kinds.items() if kind.constant.adult} == {
        "diagnosis-date",
        "lung-disease",
        "onset-date",
        "onset-site",
        "smn1-confirmed",
        "smn2-copies",
        "sod1",
        "usual-weight",
        "height",
    }
    assert [code for code, kind in kinds.items() if kind.constant.adult and not kind.constant.child] == ["height"]


def test_only_scores_counts_and_titres_go_without_a_unit(shipped: content.Content) -> None:
    optional = {kind.unit for kind in shipped.catalogue.kinds.values() if kind.unit_optional}
    assert optional == {"{score}", "{count}", "{Zscore}", "{titre}"}


def test_events_do_not_expire(shipped: content.Content) -> None:
    events = [kind for kind in shipped.catalogue.kinds.values() if kind.type == "event"]
    assert len(events) == 13
    assert all(kind.valid == ByAge(None, None) for kind in events)


def test_a_context_of_true_or_false_is_kept_as_words(shipped: content.Content) -> None:
    assert shipped.catalogue.kinds["chest-infection"].context == {"antibiotics": ("true", "false")}


def test_both_answers_to_item_five_are_items(shipped: content.Content) -> None:
    items = ("1", "2", "3", "4", "5a", "5b", "6", "7", "8", "9", "10", "11", "12")
    assert shipped.catalogue.kinds["alsfrs-r"].items == items


def test_terminology_holds_verified_codes_only(shipped: content.Content) -> None:
    assert shipped.terminology["fvc-pct"] == {"loinc": "19872-1", "snomed": "445210000"}
    assert shipped.terminology["niv"] == {"snomed": "428311008"}
    assert "mip" not in shipped.terminology and "alt" not in shipped.terminology
    assert shipped.pathways["sma-sitter"].terminology["snomed"] == "128212001"
    assert "snomed" not in shipped.pathways["pma"].terminology


def test_an_assisted_cough_completes_nothing(shipped: content.Content) -> None:
    with_cough = [one for one in shipped.activities.values() if "pcf" in one.completed_by]
    assert {one.code for one in with_cough} == {"respiratory-exam", "cough-review"}
    assert all(one.context == {"pcf": {"assistance": "none"}} for one in with_cough)


def test_the_ladder_by_hand(shipped: content.Content) -> None:
    rungs = [(rung.offset_days, rung.to) for rung in shipped.ladders["default"]]
    assert rungs == [(-14, "owner"), (0, "owner"), (14, "nurse-coordinator"), (28, "neurologist")]


def test_niv_by_hand(shipped: content.Content) -> None:
    niv = shipped.interventions["niv"]
    assert niv.enters == (Entry("respiratory", "R4"),)
    assert niv.tasks == (StartTask("niv-reevaluation", due=days(90), opens=days(61)),)
    assert niv.completes == ("niv-decision",)
    assert set(niv.offered_in) == {*MND, *SMA}
    assert niv.licences == () and not niv.is_drug


def test_wheelchairs_enter_by_their_use(shipped: content.Content) -> None:
    for code in ("wheelchair-manual", "wheelchair-powered"):
        assert shipped.interventions[code].enters == (
            Entry("mobility", "M2", {"use": "part-time"}),
            Entry("mobility", "M3", {"use": "full-time"}),
        )


def test_licences_by_region_and_day(shipped: content.Content) -> None:
    licences = {code: one.licences for code, one in shipped.interventions.items() if one.licences}
    assert licences["nusinersen-high-dose"] == (Licence("EU", date(2026, 1, 1)),)
    assert licences["onasemnogene-it"] == (Licence("US", date(2025, 11, 24)),)
    assert licences["edaravone-oral"] == (Licence("US"),)
    assert licences["riluzole"] == (Licence("EU"), Licence("US"))
    drugs = {code for code, one in shipped.interventions.items() if one.is_drug}
    assert set(licences) == drugs == shipped.catalogue.disease_modifying


def test_every_drug_enters_initiation_and_nothing_else_does(shipped: content.Content) -> None:
    entering = {code for code, one in shipped.interventions.items() if Entry("treatment", "T1") in one.enters}
    assert entering == shipped.catalogue.disease_modifying
    assert shipped.catalogue.nusinersen == {"nusinersen-eu", "nusinersen-us", "nusinersen-high-dose"}


def test_the_european_nusinersen_series_by_hand(shipped: content.Content) -> None:
    series = shipped.interventions["nusinersen-eu"].series
    assert series is not None
    assert series.loading == (
        SeriesDose("L1", None),
        SeriesDose("L2", days(14)),
        SeriesDose("L3", days(14)),
        SeriesDose("L4", days(35)),
    )
    assert (series.maintenance, series.maintenance_every, series.labs) == ("calendar", months(4), "")
    american = shipped.interventions["nusinersen-us"].series
    assert american is not None
    assert (american.loading[-1].spacing, american.labs, american.labs_days) == (days(30), "nusinersen-labs", 7)


def test_the_steroid_course_by_hand(shipped: content.Content) -> None:
    assert shipped.interventions["onasemnogene-iv"].planned == (
        PlannedDate("onasemnogene-steroid", "start", -1),
        PlannedDate("onasemnogene-steroid", "end", 28),
    )
    assert shipped.proposals["oa-taper"].planned == (
        PlannedDate("onasemnogene-steroid", "taper-start", 1),
        PlannedDate("onasemnogene-steroid", "taper-end", 28),
    )
    assert shipped.interventions["onasemnogene-it"].planned == ()


def test_stopping_riluzole_opens_a_last_liver_test(shipped: content.Content) -> None:
    assert shipped.interventions["riluzole"].tasks == (StartTask("alt-post-stop", due=days(14), on="stop"),)


def test_calendars_by_hand(shipped: content.Content) -> None:
    assert [(one.activity, one.anchor_intervention) for one in shipped.calendars if one.activity == "oa-lft"] == [
        ("oa-lft", "onasemnogene-iv"),
        ("oa-lft", "onasemnogene-it"),
    ]
    by_activity = {one.activity: one for one in shipped.calendars}
    liver = by_activity["oa-lft"]
    assert (liver.anchor_dose, liver.tolerance_days, liver.then_every) == ("D1", 3, days(14))
    assert liver.then_while == "not (alt-x < 2 and ast-x < 2 and liver-unremarkable)"
    assert liver.dates[4] == CalendarDate("W6", days(42))
    assert by_activity["imt-review"].then_every is None
    assert by_activity["alt-riluzole"].then_every == months(6)


def test_some_rules_by_hand(shipped: content.Content) -> None:
    rules = {rule.code: rule for one in shipped.rule_sets.values() for rule in one.rules}
    ten = rules["NUT-10"]
    assert (ten.applies, ten.test, ten.severity) == ("age >= 18", "loss-pct >= 10", "urgent")
    assert ten.effects == (Effect("nutrition", "N2"),)
    assert set(ten.pathways) == set(MND)
    assert ten.mark == "[S] S18, [D] inclusive"
    assert rules["NICE-URG"].test == "paco2 > 6.0 kPa"
    assert rules["NICE-URG"].effects == (Effect("respiratory", "R3"), Effect(task="respiratory-visit", within=days(7)))
    assert rules["RIL-5"].effects == (
        Effect(proposal="stop-riluzole"),
        Effect(task="riluzole-stop-decision", within=days(1)),
    )
    assert rules["SPINE-20"].effects == () and rules["SPINE-20"].severity == "info"
    assert set(rules["CHEST-CO2"].pathways) == {*MND, *SMA}
    assert rules["INF-2"].pathways == ("als-limb", "als-bulbar", "sma-sitter", "pma")


def test_where_pathways_begin(shipped: content.Content) -> None:
    assert list(shipped.pathways["als-bulbar"].initial.values()) == "O1 R0 C0 N1 M0 K0 W1 T0 P0".split()
    assert list(shipped.pathways["sma-non-sitter"].initial.values()) == "O1 R1 N0 M3 K2 T0 P0".split()
    assert [track.code for track in shipped.pathways["sma-sitter"].tracks] == [
        "overall",
        "respiratory",
        "cough",
        "nutrition",
        "mobility",
        "musculoskeletal",
        "treatment",
        "supportive",
    ]


def test_what_entering_a_stage_opens(shipped: content.Content) -> None:
    opened = {code: dict(one.on_entry) for code, one in shipped.pathways.items()}
    both = {"N2": "gastrostomy-referral", "C2": "mi-e"}
    assert opened == {
        "als-limb": both,
        "als-bulbar": both,
        "pma": both,
        "sma-sitter": {"C2": "mi-e"},
        "sma-non-sitter": {},
        "sma-walker": {},
    }


def rows_of(shipped: content.Content, pathway: str, activity: str) -> list[Row]:
    return [row for row in shipped.pathways[pathway].rows if row.activity == activity]


def test_bulbar_onset_differs_from_limb_onset_in_these_rows_only(shipped: content.Content) -> None:
    limb, bulbar = (set(map(repr, shipped.pathways[code].rows)) for code in ("als-limb", "als-bulbar"))
    added = [row for row in shipped.pathways["als-bulbar"].rows if repr(row) not in limb]
    dropped = [row for row in shipped.pathways["als-limb"].rows if repr(row) not in bulbar]
    assert [(row.stages[0], row.activity) for row in added] == [
        ("R1", "pft-set"),
        ("R0", "overnight-study"),
        ("N0", "swallow-screen"),
        ("N1", "gastrostomy-talk"),
        ("W1", "vfss"),
        ("W2", "acp-discussion"),
        ("P0", "ecas"),
    ]
    assert [(row.stages[0], row.activity) for row in dropped] == [
        ("R1", "pft-set"),
        ("N0", "swallow-screen"),
        ("N1", "swallow-screen"),
        ("N2", "swallow-screen"),
        ("N4", "swallow-screen"),
        ("P0", "ecas"),
    ]


def test_breathing_tests_in_bulbar_onset(shipped: content.Content) -> None:
    found = [(row.stages, row.when, str(row.every)) for row in rows_of(shipped, "als-bulbar", "pft-set")]
    assert found == [
        (("R0",), "", "3 mo"),
        (("R1",), "any-symptom", "1 mo"),
        (("R1",), "", "2 mo"),
        (("R2",), "", "2 mo"),
        (("R3",), "", "1 mo"),
        (("R4", "R5"), "", "3 mo"),
    ]


def test_some_rows_by_hand(shipped: content.Content) -> None:
    assert rows_of(shipped, "als-limb", "ecas") == [
        Row("supportive", ("P0", "P1", "P2", "P3"), "ecas", first=months(6), every=months(12))
    ]
    assert rows_of(shipped, "als-limb", "niv-decision") == [
        Row("respiratory", ("R3",), "niv-decision", entry=days(28), every=months(1))
    ]
    assert rows_of(shipped, "pma", "acp-discussion")[0] == Row(
        "respiratory", ("R3",), "acp-discussion", entry=days(14), mode="speed-up"
    )
    assert rows_of(shipped, "sma-non-sitter", "powered-mobility-assessment") == [
        Row(
            "mobility",
            ("M3", "M4"),
            "powered-mobility-assessment",
            when="age-today >= 1 and age-today < 3",
            first=days(28),
            mode="once",
        )
    ]


# what is refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES, tmp_path / "fixtures"))


def edit(folder: Path, name: str, old: str, new: str) -> int:
    """Replaces the first occurrence and returns its line."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def refusal(folder: Path) -> ContentError:
    with pytest.raises(ContentError) as caught:
        content.read(folder)
    return caught.value


OBSERVATIONS = "vocabulary/observations.yaml"
INTERVENTIONS = "vocabulary/interventions.yaml"
CORE = "rule_sets/core.yaml"
LIMB = "pathways/als-limb.yaml"


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (OBSERVATIONS, "decimals: 1", "decimal: 1", "unknown key (did you mean 'decimals'?)"),
        (OBSERVATIONS, "soft: {adult: ", "soft: {adults: ", "unknown key (did you mean 'adult'?)"),
        (OBSERVATIONS, '"[in_i]": 2.54', '"[in_i]": 2.54e3', "not a factor"),
        (OBSERVATIONS, '"[in_i]": 2.54', '"[in_i]": 0', "not a factor"),
        (OBSERVATIONS, '"[in_i]": 2.54', '"[in_i]": -2.54', "not a factor"),
        (OBSERVATIONS, '"[in_i]": 2.54', '"[in_i]": 1/0', "not a factor"),
        (OBSERVATIONS, '"[in_i]": 2.54', '"[in_i]": "2,54"', "not a factor"),
        (OBSERVATIONS, '"[in_i]": 2.54', "cm: 2.54", "is the canonical unit"),
        (OBSERVATIONS, "hard: 30 to 250", "hard: 250 to 30", "empty range"),
        (OBSERVATIONS, "hard: 30 to 250", "hard: 30-250", "not a range"),
        (OBSERVATIONS, "child: 183 d}", "child: 6 mo}", "neither days"),
        (OBSERVATIONS, "adult: always, child: 183 d}", "adult: always}", "height.valid.child: is missing"),
        (OBSERVATIONS, "type: quantity", "type: quantities", "unknown type 'quantities'"),
        (OBSERVATIONS, "unit: cm\n", "\n", "needed for a quantity"),
        (OBSERVATIONS, "values: [normal, abnormal]", "values: []", "is missing"),
        (OBSERVATIONS, "values: [normal, abnormal]", "values: [normal, normal]", "names something twice"),
        (OBSERVATIONS, "default_context: {posture: sitting}", "default_context: {posture: seated}", "unknown value"),
        (OBSERVATIONS, "default_context: {posture: ", "default_context: {pose: ", "unknown context key"),
        (OBSERVATIONS, "  weight:\n", "  body weight:\n", "is not a code"),
        (OBSERVATIONS, "  weight:\n", "  height:\n", "occurs twice"),
        (OBSERVATIONS, "title: Body weight", "titles: Body weight", "is missing"),
        (OBSERVATIONS, "magnitude_only: true", "magnitude_only: yes", "must be true or false"),
        ("vocabulary/measures.yaml", "  bmi:\n", "  weight:\n", "weight is an observation already"),
        ("vocabulary/tracks.yaml", "R1: ", "R7: ", "order of their numbers"),
        ("vocabulary/tracks.yaml", "R1: ", "baseline: ", "a letter and a number"),
        ("vocabulary/tracks.yaml", "terminal: [O9]", "terminal: [O8]", "unknown stage 'O8'"),
        ("vocabulary/ladders.yaml", "to: neurologist", "to: neurology", "unknown role 'neurology'"),
        ("vocabulary/ladders.yaml", "offset_days: 28", "offset_days: 28.5", "must be a whole number"),
        ("vocabulary/activities.yaml", "owner: respiratory-physio", "owner: physio", "unknown role 'physio'"),
        ("vocabulary/activities.yaml", "[fvc-pct, fvc, vc, snip, mip]", "[fvc-pct, fev]", "unknown observation 'fev'"),
        ("vocabulary/activities.yaml", "context: {pcf: ", "context: {vc-max: ", "does not complete"),
        (INTERVENTIONS, "to: R4", "to: C1", "unknown stage of respiratory 'C1'"),
        (INTERVENTIONS, "completes: [niv-decision]", "completes: [niv-decisions]", "did you mean 'niv-decision'?"),
        (INTERVENTIONS, "details: {use: part-time}", "details: {use: sometimes}", "unknown value 'sometimes'"),
        (INTERVENTIONS, "licences: {EU: always", "licences: {EU: never", "unknown licence"),
        (INTERVENTIONS, "      maintenance_every: 28 d\n", "", "needed where there is maintenance"),
        (INTERVENTIONS, "L2: 14 d", "L2: 14 days", "not a period"),
        (INTERVENTIONS, "L1: start", "L1: 0 d", "unknown day of the first dose"),
        (INTERVENTIONS, "offered_in: [als-limb", "offered_in: [als-limbs", "unknown pathway 'als-limbs'"),
        (INTERVENTIONS, "smn1-confirmed\n", "smn1-confirm\n", "cannot be understood"),
        ("vocabulary/calendars.yaml", "tolerance_days: 7", "tolerance_days: -7", "must be from 0"),
        ("vocabulary/calendars.yaml", "dose: D1", "dose: D2", "no dose of onasemnogene-iv"),
        ("vocabulary/calendars.yaml", "  imt-review:", "  imt-revue:", "unknown activity (did you mean 'imt-review'?)"),
        ("vocabulary/calendars.yaml", "[imt-programme]", "[imt-program]", "unknown intervention"),
        ("vocabulary/calendars.yaml", "then_every: 14 d\n", "\n", "has no then_every"),
        ("vocabulary/proposals.yaml", "stops: riluzole", "stops: rilusole", "unknown intervention 'rilusole'"),
        ("vocabulary/proposals.yaml", "then: stop", "then: nothing", "needed where then is 'stop'"),
        (CORE, "version: 1", "version: 0", "must be from 1 to 10000"),
        (CORE, "version: 1", "version: 99999999999", "must be from 1 to 10000"),
        (CORE, "severity: warning", "severity: danger", "unknown severity 'danger'"),
        (CORE, "to: N1", "to: N9", "unknown stage of nutrition 'N9'"),
        (CORE, "{task: mdt-discussion, within: 7 d}", "{task: mdt-discussion}", "is missing"),
        (CORE, "{task: mdt-discussion, within: 7 d}", "{task: mdt-discussion, to: N2}", "is missing"),
        (CORE, "{propose: oa-taper}", "{propose: oa-tapers}", "unknown proposal 'oa-tapers'"),
        (CORE, "{propose: oa-taper}", "{propose: stop-riluzole}", "is not a proposal of sma-non-sitter"),
        (CORE, "{track: nutrition, to: N1}", "{track: nutrition, to: N1, task: weight}", "exactly one"),
        (CORE, "test: loss-pct >= 5", "test: los-pct >= 5", "did you mean loss-pct?"),
        (CORE, "test: loss-pct >= 5", "test: loss-pct >=", "cannot be understood"),
        (CORE, "applies: age >= 18", "applies: aged >= 18", "cannot be understood"),
        (CORE, 'mark: "[S] S17, [D] inclusive"', "mark: inclusive", "names no mark"),
        (CORE, 'mark: "[V:EAT]"', 'mark: "[V:EATS]"', "no source in the evidence: [V:EATS]"),
        (CORE, "review_by: 2027-11-30", "review_by: soon", "must be a day"),
        (CORE, "  NUT-BMI1:", "  NICE-P40:", "is a rule of core already"),
        (CORE, "code: core", "code: cores", "must be the name of its file"),
        (CORE, "[als-limb, als-bulbar, pma]", "[als-limb, mnd]", "unknown pathway 'mnd'"),
        (CORE, "[als-limb, als-bulbar, pma]", "[]", "is missing"),
        (LIMB, "stages: O1-O5", "stages: O1-O7", "unknown stage 'O7'"),
        (LIMB, "stages: O1-O5", "stages: O5-O1", "no span of one track"),
        (LIMB, "stages: O1-O5", "stages: O1-R1", "no span of one track"),
        (LIMB, "stages: O1-O5", "stages: first", "no stage or span"),
        (LIMB, "every: 3 mo", "every: quarterly", "not a period"),
        (LIMB, "every: 3 mo", "mode: once, every: 3 mo", "needed for what recurs"),
        (LIMB, "every: 3 mo", "always: 3 mo", "unknown key"),
        (LIMB, "entry: 14 d, mode: speed-up", "mode: speed-up", "needed for a speed-up"),
        (LIMB, "entry: 28 d, mode: once", "mode: once", "either first or entry"),
        (LIMB, "when: any-symptom", "when: any-symptoms", "cannot be understood"),
        (LIMB, "overall: O1", "overall: R1", "unknown stage of overall 'R1'"),
        (LIMB, "rule_sets: [core", "rule_sets: [cores", "unknown rule set 'cores'"),
        (LIMB, "{N2: gastrostomy-referral", "{N2: change-pathway", "not a proposal of this pathway"),
        ("pathways/sma-walker.yaml", "  nutrition: N0\n", "", "unknown stage 'N0' in this pathway"),
        ("pathways/sma-walker.yaml", "  supportive: P0\n", "  suportive: P0\n", "did you mean 'supportive'?"),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, name: str, old: str, new: str, said: str) -> None:
    edit(folder, name, old, new)
    assert said in str(refusal(folder))


def test_a_refusal_names_file_line_and_key(folder: Path) -> None:
    line = edit(folder, LIMB, "stages: R4-R5", "stages: R4-R8")
    error = refusal(folder)
    assert (error.file, error.line) == ("als-limb.yaml", line)
    assert error.field == "schedule[7].stages"


def test_a_rule_text_that_cannot_be_understood_names_its_rule(folder: Path) -> None:
    line = edit(folder, CORE, "test: bmi < 18.5", "test: bmi < 18,5")
    error = refusal(folder)
    assert (error.file, error.line, error.field) == ("core.yaml", line, "rules.NUT-BMI185.test")


def test_a_rule_may_not_ask_for_a_track_that_its_pathway_lacks(folder: Path) -> None:
    edit(folder, CORE, "[als-limb, als-bulbar, sma-sitter, pma]", "[als-limb, sma-walker]")
    edit(folder, CORE, "test: count(chest-infection, 14 d) >= 1", "test: count(chest-infection, 14 d) >= 2")
    edit(folder, CORE, "effects: [{task: cough-review, within: 7 d}]", "effects: [{track: cough, to: C1}]")
    assert "sma-walker has no track cough" in str(refusal(folder))


def test_a_file_that_is_not_utf8_is_refused(folder: Path) -> None:
    path = folder / "vocabulary/roles.yaml"
    path.write_bytes(path.read_bytes().replace(b"Neurologist", b"N\xe9vrologue"))
    error = refusal(folder)
    assert (error.file, error.line) == ("roles.yaml", 4)


def test_a_list_where_a_mapping_belongs_is_refused(folder: Path) -> None:
    (folder / "vocabulary/roles.yaml").write_text("[neurologist]\n", encoding="utf-8")
    assert "must be a mapping" in str(refusal(folder))


def test_a_missing_file_is_not_read_as_an_empty_one(folder: Path) -> None:
    (folder / "vocabulary/ladders.yaml").unlink()
    with pytest.raises(FileNotFoundError, match="ladders"):
        content.read(folder)


def test_on_stays_a_word_in_content(folder: Path) -> None:
    edit(folder, OBSERVATIONS, "values: [normal, abnormal]", "values: [on, off]")
    edit(folder, CORE, "sleep-study = abnormal", "sleep-study = off")
    edit(folder, CORE, "sleep-study = abnormal", "sleep-study = on")
    assert content.read(folder).catalogue.kinds["sleep-study"].values == ("on", "off")


@pytest.mark.parametrize("key", ["title", "pathways", "applies", "test", "severity", "effects", "mark", "citation"])
def test_one_letter_too_many_in_a_key_of_a_rule_is_noticed(folder: Path, key: str) -> None:
    edit(folder, CORE, f"    {key}: ", f"    {key}x: ")
    assert refusal(folder).field in (f"rules.NUT-5.{key}", f"rules.NUT-5.{key}x")


@pytest.mark.parametrize("key", ["activity", "when", "first", "entry", "every", "mode"])
def test_one_letter_too_many_in_a_key_of_a_row_is_noticed(folder: Path, key: str) -> None:
    line = edit(folder, LIMB, f", {key}: ", f", {key}x: ")
    assert refusal(folder).line == line


def test_records_are_frozen(shipped: content.Content) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        shipped.roles["admin"].title = "Clinician"  # type: ignore[misc]


def test_the_names_of_rule_texts_are_those_of_the_content(shipped: content.Content) -> None:
    known: names.Names = content.names(shipped)
    assert isinstance(known.measures, Mapping)
    parsed = expressions.parse("RAD-GAS and stage(bulbar) >= W2 and peg-window = narrowing", known)
    assert parsed.text.startswith("RAD-GAS")
    with pytest.raises(expressions.ExpressionError):
        expressions.parse("RAD-GAZ", known)


def test_lines_are_known_to_the_tree_that_was_read() -> None:
    tree = yamltext.read(FIXTURES / "vocabulary/roles.yaml")
    assert isinstance(tree, yamltext.Table)
    assert yamltext.line_of(tree, "roles") == 3
