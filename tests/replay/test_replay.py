"""`manage.py replay` tells the truth: what is wrong fails, what is not in the format is refused, nothing stays."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from pathway.models import AuditEvent, Observation, Patient, Reminder, Site

STORY = """
scenario: a-short-story
pathway: als-limb
patient: {sex: male, birth_date: 1967-03-02}
enrolled: 2025-01-15
facts:
  - {code: usual-weight, value: 72.0, unit: kg, id: usual}
steps:
  - on: 2025-01-15
    do: {observe: {code: weight, value: 68.4, unit: kg, id: w1}}
    expect:
      alerts: {raised: [NUT-5], since: {NUT-5: 2025-01-15}}
      proposals: {opened: [{track: nutrition, to: N1}]}
      measures: {loss-pct: 5.00}
      evidence: {NUT-5: [usual, w1]}
  - on: 2025-01-16
    do: {observe: {code: weight, value: 70}}
    expect: {rejected: unit-missing, alerts: {raised: []}}
"""

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded")]


def replay(path: Path, *options: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("replay", str(path), *options, stdout=out, stderr=err)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.yaml"
    path.write_text(STORY)
    return path


def rewritten(path: Path, old: str, new: str) -> Path:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return path


def test_a_true_story_passes_and_says_how_much_it_checked(story: Path) -> None:
    code, out, _ = replay(story)
    assert (code, out.strip()) == (0, "1 scenarios, 7 expectations, 0 failed")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("raised: [NUT-5], since", "raised: [], since", "alerts.raised: expected [], found ['NUT-5']"),
        ("loss-pct: 5.00", "loss-pct: 5.01", "loss-pct: expected 5.01, found 5.0"),
        ("loss-pct: 5.00", "loss-pct: null", "loss-pct: expected None, found 5"),
        ("opened: [{track: nutrition, to: N1}]", "opened: []", "proposals.opened: expected []"),
        ("NUT-5: 2025-01-15", "NUT-5: 2025-01-14", "alerts.since NUT-5: expected 2025-01-14"),
        ("rejected: unit-missing", "rejected: implausible", "rejected: expected implausible"),
        ("value: 70}", "value: 70, unit: kg}", "rejected: expected unit-missing, found accepted"),
    ],
)
def test_what_is_not_so_fails_and_names_step_and_finding(story: Path, old: str, new: str, told: str) -> None:
    code, out, _ = replay(rewritten(story, old, new))
    assert code == 1
    assert told in out
    assert "a-short-story, step" in out


def test_a_refusal_that_nobody_expects_fails_the_step(story: Path) -> None:
    code, out, _ = replay(rewritten(story, "{rejected: unit-missing, alerts: {raised: []}}", "{alerts: {raised: []}}"))
    assert code == 1
    assert "action: expected accepted, found unit: " in out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("code: weight, value: 68.4", "code: wieght, value: 68.4", "story.yaml:10: code: 'wieght' is not known"),
        ("measures:", "meassures:", "story.yaml:14: meassures: 'meassures' is not known; did you mean measures?"),
        ("enrolled: 2025-01-15", "enroled: 2025-01-15", "story.yaml:5: enroled"),
        ("to: N1", "to: N7", "story.yaml:13"),
        ("on: 2025-01-16", "on: 2025-01-14", "story.yaml:16: on: the clock never goes back"),
        ("pathway: als-limb", "pathway: als-arm", "story.yaml:3: pathway: 'als-arm' is not known"),
    ],
)
def test_a_file_that_is_not_in_the_format_is_refused_with_its_place(story: Path, old: str, new: str, told: str) -> None:
    code, out, err = replay(rewritten(story, old, new))
    assert code == 2
    assert told in err
    assert "expectations" not in out, "nothing was played"


def test_the_database_is_left_as_it_was(story: Path) -> None:
    models = (Site, Patient, Observation, Reminder, AuditEvent)
    before = [model._base_manager.count() for model in models]
    replay(story)
    assert [model._base_manager.count() for model in models] == before


def test_a_report_for_programs_holds_every_expectation(story: Path) -> None:
    _, out, err = replay(story, "--json")
    rows = json.loads(out)
    assert len(rows) == 7
    assert all(row["holds"] for row in rows)
    assert "7 expectations" in err


def test_a_question_to_the_pure_parts_is_one_expectation(tmp_path: Path) -> None:
    path = tmp_path / "questions.yaml"
    path.write_text(
        "cases:\n"
        "  - {id: right, rule: NUT-5, given: {usual-weight: 72.0, weight: 68.4}, expect: hit}\n"
        "  - {id: wrong, rule: NUT-5, given: {weight: 68.4}, expect: miss}\n"
    )
    code, out, _ = replay(path)
    assert code == 1
    assert "wrong, line 3: rule NUT-5: expected miss, found unknown" in out
    assert "2 expectations, 1 failed" in out
