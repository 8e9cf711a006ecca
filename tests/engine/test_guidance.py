"""Guidance is complete, says what it rests on, and belongs where it says; what does not fit is refused."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from pathway.engine import content
from pathway.engine.content import ContentError
from pathway.engine.definitions import Activity
from pathway.engine.guidance import ChecklistItem, Guidance, Where

FIXTURES = Path(__file__).parents[2] / "fixtures"
STATEMENTS = "statements.yaml"


@pytest.fixture(scope="module")
def shipped() -> content.Content:
    return content.read(FIXTURES)


@pytest.fixture(scope="module")
def guidance(shipped: content.Content) -> Guidance:
    return shipped.guidance


# what is there


def test_every_statement_is_there_in_the_order_of_the_article(guidance: Guidance) -> None:
    assert list(guidance.statements) == [f"S{number}" for number in range(1, 75)]


def test_everything_of_the_vocabulary_is_there(guidance: Guidance) -> None:
    found = (guidance.topics, guidance.checklist, guidance.restrictions, guidance.texts, guidance.policies)
    assert [len(one) for one in found] == [8, 30, 6, 26, 3]


def test_every_statement_names_its_own_number_source_and_review(guidance: Guidance) -> None:
    for statement in guidance.statements.values():
        assert statement.mark.startswith(f"[S] {statement.code}")
        assert statement.source.startswith(f"Source article, statement {statement.code}")
        assert date(2027, 1, 1) < statement.review_by < date(2028, 1, 1)


def test_statements_that_do_not_stand_as_they_are_say_why(guidance: Guidance) -> None:
    found = {code: one.doubt for code, one in guidance.statements.items() if one.doubt}
    assert found == {
        "S5": "out-of-date",
        "S16": "contested",
        "S17": "contested",
        "S18": "contested",
        "S26": "incomplete",
        "S41": "contested",
        "S55": "out-of-date",
        "S56": "unverified",
        "S57": "unverified",
        "S58": "unverified",
        "S59": "unverified",
        "S60": "contested",
        "S61": "out-of-date",
        "S62": "out-of-date",
    }
    assert all(guidance.statements[code].qualification for code in found)


def test_a_text_of_a_doubtful_statement_is_never_bare(guidance: Guidance) -> None:
    for text in guidance.texts.values():
        behind = [guidance.statements[code] for code in text.statements]
        assert behind, text.code
        for statement in behind:
            assert statement.qualification in text.qualification


def test_the_safety_of_onasemnogene_comes_with_the_warning_of_its_label(guidance: Guidance) -> None:
    safety = guidance.texts["info-safety"]
    assert "boxed warning for serious liver injury" in safety.qualification
    assert "fatal acute liver failure" in safety.qualification


def test_no_gene_therapy_does_not_read_as_no_treatment(guidance: Guidance) -> None:
    text = guidance.texts["info-no-als-gene-therapy"]
    assert text.as_of == date(2026, 1, 31)
    assert "tofersen" in text.qualification and "riluzole" in text.qualification


def test_prognosis_and_unverified_figures_are_for_staff(guidance: Guidance) -> None:
    staff = {code for code, one in guidance.texts.items() if one.audience == "staff"}
    assert staff == {
        "info-als-survival",
        "info-als-ten-years",
        "info-bulbar-prognosis",
        "info-causes-of-death",
        "info-hr-bmi",
        "info-hr-5",
        "info-hr-10",
        "info-early-late-cohort",
        "info-milestones",
        "info-no-respiratory-decline",
        "info-oral-feeding",
    }


def test_what_implements_a_statement_takes_owners_and_mark_from_it(guidance: Guidance) -> None:
    orthoses = guidance.checklist["chk-orthoses"]
    assert (orthoses.statements, orthoses.mark) == (("S46",), "[S] S46")
    assert orthoses.owners == ("occupational-therapist", "physiotherapist")
    assert guidance.restrictions["restr-high-load"].statements == ("S37", "S63")
    assert guidance.checklist["chk-kennedy"].mark == "[D]"


def test_every_linked_activity_is_asked_for_by_something(shipped: content.Content) -> None:
    asked = {row.activity for one in shipped.pathways.values() for row in one.rows}
    asked |= {one.activity for one in shipped.calendars}
    asked |= {task.activity for one in shipped.interventions.values() for task in one.tasks}
    asked |= {effect.task for one in shipped.rule_sets.values() for rule in one.rules for effect in rule.effects}
    for statement in shipped.guidance.statements.values():
        for link in statement.implemented_by:
            assert link.kind != "activity" or link.code in asked, (statement.code, link.code)


def test_the_closed_list_of_exercise(guidance: Guidance) -> None:
    allowed = guidance.restrictions["restr-allowed-types"]
    assert allowed.effect == "allow"
    assert len(allowed.types) == 11
    assert "eccentric" not in allowed.types and "swimming" in allowed.types
    assert guidance.restrictions["restr-eccentric"].types == ("eccentric",)
    assert guidance.restrictions["restr-rest-days"].least_rest_days == 1


# where it belongs


def test_places_by_hand(guidance: Guidance) -> None:
    assert guidance.topics["edu-tube-feeding"].where.stages == ("N1", "W1")
    assert guidance.topics["edu-stay-active"].where.stages == ("K0", "K1", "K2")
    assert guidance.texts["info-safety"].where == Where(
        "sma-*, T0", pathways=("sma-non-sitter", "sma-sitter", "sma-walker"), stages=("T0",)
    )
    assert guidance.texts["info-hr-5"].where.tracks == ("nutrition",)
    assert guidance.texts["info-imt-adjunct"].where.interventions == ("imt-programme",)
    assert guidance.texts["info-goals"].where == Where("all pathways")
    assert guidance.checklist["chk-sedation-plan"].where.activities == ("gastrostomy-assessment",)
    assert guidance.checklist["chk-stability"].where.situations == ("exercise-session",)
    assert guidance.restrictions["restr-oximetry"].where.stages == ("R2", "R3", "R4", "R5", "R6")


def test_words_of_one_kind_are_alternatives_and_kinds_must_all_hold() -> None:
    place = Where(pathways=("pma", "als-limb"), stages=("N1", "W1"))
    assert place.holds("pma", {"nutrition": "N1", "bulbar": "W0"}, ())
    assert place.holds("als-limb", {"nutrition": "N0", "bulbar": "W1"}, ())
    assert not place.holds("als-bulbar", {"nutrition": "N1"}, ())
    assert not place.holds("pma", {"nutrition": "N2", "bulbar": "W0"}, ())


def test_a_track_that_the_pathway_lacks_is_no_place() -> None:
    assert not Where(tracks=("nutrition",)).holds("als-limb", {"respiratory": "R0"}, ())
    assert Where(tracks=("nutrition",)).holds("als-limb", {"nutrition": "N0"}, ())


def test_an_intervention_must_be_running() -> None:
    place = Where(interventions=("imt-programme",))
    assert place.holds("pma", {}, {"imt-programme"})
    assert not place.holds("pma", {}, {"niv"})


def test_everywhere_limits_nothing() -> None:
    assert Where().holds("pma", {}, ())


def item(where: Where, *owners: str) -> ChecklistItem:
    return ChecklistItem("chk-one", "One", where, "[D]", owners=owners)


def test_an_item_belongs_to_the_activities_that_it_names() -> None:
    named = item(Where(activities=("dietitian-review",)), "nurse-coordinator")
    assert named.belongs_to(Activity("dietitian-review", "", "dietitian"))
    assert not named.belongs_to(Activity("mdt-review", "", "nurse-coordinator"))


def test_an_item_without_activity_belongs_to_the_tasks_of_its_owners() -> None:
    owned = item(Where(stages=("K1",)), "physiotherapist")
    assert owned.belongs_to(Activity("physio-review", "", "physiotherapist"))
    assert not owned.belongs_to(Activity("ot-review", "", "occupational-therapist"))


def test_every_visit_is_no_laboratory_result() -> None:
    always = item(Where(situations=("every-visit",)), "dietitian")
    assert always.belongs_to(Activity("speech-review", "", "speech-therapist"))
    assert not always.belongs_to(Activity("alt-riluzole", "", "neurologist", completed_by=("alt",)))


def test_an_item_of_the_exercise_session_is_in_no_task() -> None:
    assert not item(Where(situations=("exercise-session",)), "physiotherapist").belongs_to(
        Activity("physio-review", "", "physiotherapist")
    )


# what is refused


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES, tmp_path / "fixtures"))


def edit(folder: Path, name: str, old: str, new: str) -> int:
    """Replaces the first occurrence and returns its line."""
    path = folder / "guidance" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def refusal(folder: Path) -> ContentError:
    with pytest.raises(ContentError) as caught:
        content.read(folder)
    return caught.value


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (STATEMENTS, "activity: mdt-review", "activity: mdt-revue", "unknown activity 'mdt-revue' (did you mean"),
        (STATEMENTS, "rule: NUT-BMI1", "rule: NUT-BMI9", "unknown rule 'NUT-BMI9'"),
        (STATEMENTS, "rule: NUT-BMI1, where: core", "rule: NUT-BMI1, where: aan-2009", "NUT-BMI1 is of core"),
        (STATEMENTS, "rule: NUT-BMI1, where: core", "rule: NUT-BMI1", "NUT-BMI1 is of core"),
        (STATEMENTS, "stage: R3, where: respiratory", "stage: R3, where: cough", "R3 is of respiratory"),
        (STATEMENTS, "{info: info-goals}", "{info: info-goal}", "unknown info 'info-goal'"),
        (STATEMENTS, "{info: info-goals}", "{info: info-goals, where: here}", "stands with info-goals itself"),
        (STATEMENTS, "{info: info-goals}", "{text: info-goals}", "names exactly one of"),
        (STATEMENTS, "{info: info-goals}", "{info: info-goals, policy: policy-people-decide}", "names exactly one of"),
        (STATEMENTS, "      - {info: info-goals}\n", "", "names nothing that implements it"),
        (STATEMENTS, "- {info: info-goals}", "- {info: info-goals}\n      - {info: info-goals}", "something twice"),
        (STATEMENTS, "class: [intervention]", "class: [interventions]", "unknown class"),
        (STATEMENTS, "class: [intervention]", "class: []", "is missing"),
        (STATEMENTS, "owners: [nurse-coordinator]", "owners: [nurse]", "unknown role 'nurse'"),
        (STATEMENTS, 'mark: "[S] S1,', 'mark: "[V:NOWHERE] S1,', "has no source in the evidence: [V:NOWHERE]"),
        (STATEMENTS, "    review_by: 2027-11-30\n", "", "is missing"),
        (STATEMENTS, "    doubt: out-of-date\n", "", "each is given with the other"),
        (STATEMENTS, "doubt: out-of-date", "doubt: obsolete", "unknown doubt 'obsolete'"),
        (STATEMENTS, "short: goals of care", "shorts: goals of care", "short: is missing"),
        ("education.yaml", "where: K0-K2", "where: K0-K9", "no span of stages"),
        ("education.yaml", "where: K0-K2", "where: K2-K0", "no span of stages"),
        ("education.yaml", "where: K0-K2", "where: K0-M1", "no span of stages"),
        ("education.yaml", "where: R2", "where: X2", "there is no stage 'X2'"),
        ("checklists.yaml", "every dietitian-review", "every dietician-review", "did you mean 'dietitian-review'"),
        ("checklists.yaml", "from: R2", "from: R9", "there is no stage 'R9'"),
        ("checklists.yaml", "where: C1-C3", "where: C1-C3\n    from: C2", "says nothing beside stages"),
        ("checklists.yaml", '    mark: "[D]"\n', "", "mark: is missing"),
        ("checklists.yaml", "where: sma-walker, dietitian-review", "where: sma-walker", "nobody would see it"),
        ("information.yaml", "where: sma-*, T0", "where: smb-*, T0", "no pathway begins with 'smb-'"),
        ("information.yaml", "    audience: staff", "    audience: nurses", "unknown audience"),
        ("information.yaml", "as_of: 2026-01-31", "as_of: January", "must be a day"),
        ("restrictions.yaml", "types: [eccentric]", "least_rest_days: 2", "refuse needs types or loads"),
        ("restrictions.yaml", "effect: goal", "effect: goal\n    loads: [high]", "does not belong to the effect goal"),
        ("restrictions.yaml", "check: chk-oximetry-in-session", "check: chk-oxygen", "unknown checklist item"),
        ("policies.yaml", "policies:", "policy:", "unknown"),
    ],
)
def test_what_does_not_fit_is_refused(folder: Path, name: str, old: str, new: str, said: str) -> None:
    edit(folder, name, old, new)
    assert said in str(refusal(folder))


def test_a_refusal_names_file_line_and_key(folder: Path) -> None:
    line = edit(folder, STATEMENTS, "observation: motor-function", "observation: motor-functions")
    error = refusal(folder)
    assert (error.file, error.line) == (STATEMENTS, line)
    assert re.fullmatch(r"statements\.S4\.implemented_by\[2\]\.observation", error.field)


def test_a_missing_file_is_not_read_as_an_empty_one(folder: Path) -> None:
    (folder / "guidance" / "policies.yaml").unlink()
    with pytest.raises(FileNotFoundError):
        content.read(folder)
