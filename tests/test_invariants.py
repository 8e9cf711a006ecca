"""Every promise is broken once with plain SQL, past all constraints, and is then found by name."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from pathway import flow
from pathway.models import Proposal
from pathway.replay import player, running, scenarios
from pathway.replay.scenarios import Scenario
from pathway.selectors import invariants
from tests import builders
from tests.builders import Clinic

pytestmark = pytest.mark.usefixtures("loaded")

LATER = builders.at(400)
# Corrections and voidings; a death and what comes in after it.
SCENARIOS = [
    settings.BASE_DIR / "fixtures" / "scenarios" / name
    for name in ("05-staging-corrections.yaml", "12-end-stage-and-death.yaml")
]


@pytest.fixture
def clinic() -> Clinic:
    """A patient with a past: results, a decision, reminders that were delivered."""
    clinic = builders.clinic()
    facts = [builders.result("fvc-pct", 45, "%"), builders.result("weight", 60, "kg")]
    neurologist = clinic.people["neurologist"]
    flow.record(clinic.enrollment.pk, facts, at=builders.at(1), by=neurologist)
    proposal = Proposal.objects.get(enrollment=clinic.enrollment, track="respiratory", status="open")
    flow.accept(proposal.pk, at=builders.at(2), by=neurologist)
    flow.sweep(at=builders.at(28), trigger="test")
    return clinic


def plant(*statements: str) -> None:
    """Write past triggers and foreign keys, as a hand in psql or a bad restore could."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            cursor.execute(statement)
        cursor.execute("SET LOCAL session_replication_role = origin")


def broken() -> set[str]:
    return {one.promise for one in invariants.violations(LATER)}


def test_a_clinic_that_was_only_touched_by_the_river_keeps_every_promise(clinic: Clinic) -> None:
    assert invariants.violations(LATER) == []


def test_so_do_hold_pathway_change_death_its_reversal_and_withdrawal(clinic: Clinic) -> None:
    enrollment = clinic.enrollment.pk
    flow.hold(enrollment, reason="abroad", at=builders.at(29), by=None)
    assert broken() == set()
    flow.resume(enrollment, at=builders.at(40), by=None)
    flow.record_death(enrollment, at=builders.at(41), by=None)
    assert broken() == set()
    flow.reverse_death(enrollment, reason="wrong patient", at=builders.at(50), by=None)
    assert broken() == set()
    changed = flow.change_pathway(enrollment, "als-bulbar", reason="bulbar onset", at=builders.at(60), by=None)
    assert broken() == set()
    flow.sweep(at=builders.at(90), trigger="test")
    flow.withdraw(changed.pk, reason="moved away", at=builders.at(91), by=None)
    flow.sweep(at=builders.at(120), trigger="test")
    assert broken() == set()


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_after_every_step_of_a_scenario_all_promises_hold(path: Path) -> None:
    scenario = scenarios.read(path, running.known_codes())
    assert isinstance(scenario, Scenario)
    play = player.begin(scenario)
    for step in scenario.steps:
        player.advance(play, step.on)
        player.act(play, step)
        flow.deliver(at=play.at)
        assert invariants.violations(play.at) == [], f"after the step of {step.on}"


SWEEPS = """INSERT INTO pathway_sweeprun (started_at, finished_at, created, trigger, machine, is_held)
            SELECT day, day, 0, 'test', '', false
            FROM (VALUES ('2024-03-01T09:00Z'::timestamptz), ('2024-03-01T09:01Z')) d(day)"""
PLANTED = {
    "one open stay per live enrollment and track": [
        "UPDATE pathway_stay SET left_at = entered_at WHERE track = 'nutrition'"
    ],
    "no open stay after the end of an enrollment, but overall in the closed stage": [
        "UPDATE pathway_enrollment SET status = 'completed', ended_at = now()"
    ],
    "every stay is in a stage of its track and of the version of its enrollment": [
        """UPDATE pathway_stay SET stage_id = (SELECT s.id FROM pathway_stage s
           JOIN pathway_track t ON t.id = s.track_id
           JOIN pathway_pathwayversion v ON v.id = t.version_id JOIN pathway_pathway p ON p.id = v.pathway_id
           WHERE p.code = 'als-bulbar' AND t.code = 'nutrition' LIMIT 1) WHERE track = 'nutrition'"""
    ],
    "the history of a track begins with the enrollment and has no gaps or overlaps": [
        "UPDATE pathway_stay SET left_at = left_at - interval '1 hour' WHERE left_at IS NOT NULL"
    ],
    "each recurring activity in force has exactly one open task": [
        "UPDATE pathway_caretask SET status = 'completed', closed_at = now() WHERE activity_id = 'dietitian-review'"
    ],
    "the rows in force belong to the version of the enrollment": [
        "UPDATE pathway_enrollment SET rows_in_force = rows_in_force || 999999999::bigint"
    ],
    "one reminder per task, due date and rung, one delivery per reminder, person and channel": [
        "ALTER TABLE pathway_reminder DROP CONSTRAINT one_reminder_per_rung",
        """INSERT INTO pathway_reminder (task_id, due_on, rung, to_role, "on", created_at, resolved_at)
           SELECT task_id, due_on, rung, to_role, "on", created_at, created_at FROM pathway_reminder LIMIT 1""",
    ],
    "no rung of an open task is forgotten": [
        "UPDATE pathway_caretask SET next_rung_at = NULL, due_on = '2030-01-01' WHERE activity_id = 'dietitian-review'"
    ],
    "no reminder is written for the dead, the withdrawn and the completed": [
        """UPDATE pathway_enrollment SET status = 'withdrawn', ended_at = '2024-01-10T00:00Z'""",
    ],
    "nothing is delivered for the dead, the withdrawn and the completed": [
        """UPDATE pathway_enrollment SET status = 'withdrawn', ended_at = '2024-01-10T00:00Z'""",
    ],
    "nothing is delivered to someone who was not on the team then": [
        "UPDATE pathway_careteammember SET until = '2024-01-10T00:00Z' WHERE role = 'dietitian'"
    ],
    "every stay but the first says by whom or why": [
        "UPDATE pathway_stay SET by_id = NULL, reason = '' WHERE how = 'proposal'"
    ],
    "every move of a stage is in the audit": ["DELETE FROM pathway_auditevent WHERE action = 'stage.changed'"],
    "every decision says when, every refusal why": ["UPDATE pathway_proposal SET decided_at = NULL"],
    "a verdict that is not known says what is missing": [
        "UPDATE pathway_judgement SET verdict = 'unknown', missing = '{}' WHERE verdict = 'miss'"
    ],
    "nothing stays open after a death, a withdrawal or a change of pathway": [
        "UPDATE pathway_enrollment SET status = 'withdrawn', ended_at = now()"
    ],
    "a death is recorded at the patient and at the enrollment, or at neither": [
        "UPDATE pathway_patient SET died_on = '2024-03-01'"
    ],
    "one enrollment per patient that has not ended": [
        "DROP INDEX one_live_enrollment",
        """INSERT INTO pathway_enrollment (patient_id, version_id, status, enrolled_at, enrolled_on, care_since,
               rows_in_force, end_reason, status_before_death, revision)
           SELECT patient_id, version_id, 'active', enrolled_at, enrolled_on, care_since, '{}', '', '', 0
           FROM pathway_enrollment""",
    ],
    "the row of an open task belongs to the version of its enrollment": [
        """UPDATE pathway_caretask SET row_id = (
               SELECT r.id FROM pathway_stageactivity r JOIN pathway_enrollment e ON e.version_id <> r.version_id
               LIMIT 1
           ) WHERE activity_id = 'dietitian-review'"""
    ],
    "somebody or something asks for every open task, and a rule by an episode of its patient": [
        """UPDATE pathway_caretask SET asked_by_stage = false, asked_by_rule = false, asked_by_person = false,
               asked_by_plan_id = NULL WHERE activity_id = 'dietitian-review'"""
    ],
    "a finished sweep leaves no rung behind": [
        SWEEPS,
        "UPDATE pathway_caretask SET next_rung_at = '2024-02-20T08:00Z' WHERE activity_id = 'dietitian-review'",
    ],
    "a finished sweep leaves no reminder without its persons": [
        SWEEPS,
        "UPDATE pathway_reminder SET resolved_at = NULL",
    ],
    "every status is one that its kind can have": [
        "UPDATE pathway_proposal SET status = 'forgotten' WHERE status = 'open'"
    ],
    "no present verdict of a live enrollment rests on a result that was voided or is held": [
        "UPDATE pathway_observation SET status = 'voided', voided_at = now(), void_reason = 'wrong patient'"
    ],
    "nothing goes on at a record that was merged into another": ["UPDATE pathway_patient SET merged_into_id = id"],
    invariants.KEYS: [
        "UPDATE pathway_delivery SET key = gen_random_uuid() WHERE id = (SELECT max(id) FROM pathway_delivery)"
    ],
    invariants.WALL: ["ALTER TABLE pathway_stay DISABLE ROW LEVEL SECURITY"],
    invariants.BOTH_WALLS: [
        "DROP POLICY web_reads ON pathway_patient",
        "CREATE POLICY web_reads ON pathway_patient FOR SELECT TO pathway_web USING (true)",
        "UPDATE pathway_careteammember SET until = '2024-03-10T00:00Z' WHERE role = 'dietitian'",
    ],
    invariants.FROZEN: [
        "UPDATE pathway_rulesetversion SET digest = 'another' WHERE id = (SELECT max(id) FROM pathway_rulesetversion)"
    ],
    invariants.CHILDREN: ["UPDATE pathway_rule SET code = code || '-x' WHERE id = (SELECT max(id) FROM pathway_rule)"],
}


def test_every_promise_has_its_violation_here() -> None:
    assert set(PLANTED) == invariants.texts()
    assert invariants.count() == len(PLANTED)


@pytest.mark.parametrize("promise", PLANTED)
def test_a_broken_promise_is_found_with_what_breaks_it(clinic: Clinic, promise: str) -> None:
    plant(*PLANTED[promise])
    found = {one.promise: one for one in invariants.violations(LATER)}
    assert promise in found
    if promise != invariants.WALL:  # which names tables
        assert all(any(letter.isdigit() for letter in offender) for offender in found[promise].offenders)


def test_the_dead_may_have_their_contact_with_the_family_and_nothing_else(clinic: Clinic) -> None:
    flow.record_death(clinic.enrollment.pk, at=builders.at(29), by=None)
    flow.sweep(at=builders.at(60), trigger="test")
    assert broken() == set()
    plant("UPDATE pathway_caretask SET status = 'open' WHERE activity_id = 'dietitian-review' AND status = 'cancelled'")
    assert broken() == {"nothing stays open after a death, a withdrawal or a change of pathway"}


def test_the_command_says_that_all_holds(clinic: Clinic) -> None:
    output = StringIO()
    call_command("check_invariants", stdout=output)
    assert output.getvalue() == f"{invariants.count()} of {invariants.count()} promises hold\n"


def test_the_command_names_what_is_broken_and_fails(clinic: Clinic) -> None:
    plant("UPDATE pathway_patient SET died_on = '2024-03-01'")
    output = StringIO()
    with pytest.raises(SystemExit) as ending:
        call_command("check_invariants", stdout=output)
    assert ending.value.code == 1
    assert f"enrollment {clinic.enrollment.pk} of patient {clinic.patient.pk}" in output.getvalue()
    assert "BROKEN 9. a death is recorded" in output.getvalue()
