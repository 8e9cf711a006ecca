"""Many people at one patient at once, on a real PostgreSQL: one wins, the others hear why, nothing is half done."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections

from pathway import errors, flow
from pathway.models import (
    AuditEvent,
    CareTask,
    Delivery,
    Measure,
    Observation,
    Proposal,
    Reminder,
    Stay,
    SweepRun,
)
from pathway.selectors import invariants
from pathway.services import care_tasks, transitions
from tests import builders
from tests.builders import Clinic

pytestmark = pytest.mark.usefixtures("committed")

MANY = 20
NOW = builders.at(1)
WEAK_LUNGS = builders.result("fvc-pct", 45, "%")  # proposes a later stage of breathing


@pytest.fixture(autouse=True)
def everything_still_holds(committed: None) -> Iterator[None]:
    """After every race, all that the product promises is checked in the database."""
    yield
    assert invariants.violations(builders.at(400)) == []


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Let all calls begin at the same moment, each on a connection of its own: results and refusals in order."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            gate.wait(30)
            return call()
        except errors.Refused as refusal:
            return refusal
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def refusals(results: list[Any]) -> list[errors.Refused]:
    return [one for one in results if isinstance(one, errors.Refused)]


@pytest.fixture
def clinic(committed: None) -> Clinic:
    return builders.clinic()


def breathing_proposal(clinic: Clinic) -> Proposal:
    flow.record(clinic.enrollment.pk, [WEAK_LUNGS], at=NOW, by=None)
    return Proposal.objects.get(enrollment=clinic.enrollment, track="respiratory", status="open")


def test_of_twenty_acceptances_one_succeeds_and_the_others_hear_why(clinic: Clinic) -> None:
    proposal = breathing_proposal(clinic)
    before = Stay.objects.filter(enrollment=clinic.enrollment, track="respiratory").count()
    accept = partial(flow.accept, proposal.pk, at=NOW, by=clinic.people["neurologist"])
    results = at_once(*[accept] * MANY)
    assert Counter(type(one) for one in results) == {type(None): 1, errors.Conflict: MANY - 1}
    assert all(one.reason for one in refusals(results))
    stays = Stay.objects.filter(enrollment=clinic.enrollment, track="respiratory")
    assert stays.count() == before + 1
    assert [stay.stage.code for stay in stays.open()] == [proposal.stage.code if proposal.stage else None]
    assert AuditEvent.objects.filter(action="proposal.accepted").count() == 1


def test_accepting_and_declining_at_once_decides_one_way(clinic: Clinic) -> None:
    proposal = breathing_proposal(clinic)
    results = at_once(
        lambda: flow.accept(proposal.pk, at=NOW, by=None),
        lambda: flow.decline(proposal.pk, reason="wishes to wait", at=NOW, by=None),
    )
    assert [type(one) for one in refusals(results)] == [errors.Conflict]
    proposal.refresh_from_db()
    moved = Stay.objects.filter(enrollment=clinic.enrollment, how="proposal").exists()
    assert moved == (proposal.status == "accepted")


def test_results_that_come_while_a_proposal_is_accepted_are_all_judged(clinic: Clinic) -> None:
    proposal = breathing_proposal(clinic)
    enrollment, weights = clinic.enrollment.pk, range(70, 76)
    results = at_once(
        lambda: flow.accept(proposal.pk, at=NOW, by=None),
        *[partial(flow.record, enrollment, [builders.result("weight", kg, "kg")], at=NOW, by=None) for kg in weights],
    )
    assert refusals(results) == []
    newest = Observation.objects.filter(kind="weight").latest("effective_at", "pk")
    assert Observation.objects.filter(kind="weight").count() == 6
    assert Stay.objects.open().filter(enrollment=enrollment, track="respiratory").count() == 1
    assert Measure.objects.filter(patient=clinic.patient, kind="weight-change").count() <= 1
    assert newest.status == "final"


def test_of_twenty_completions_one_counts_and_one_next_task_is_open(clinic: Clinic) -> None:
    task = clinic.task("dietitian-review")
    results = at_once(*[lambda: flow.complete(task.pk, at=NOW, by=None)] * MANY)
    assert Counter(type(one) for one in results) == {type(None): 1, errors.Conflict: MANY - 1}
    tasks = CareTask.objects.filter(enrollment=clinic.enrollment, activity="dietitian-review")
    assert Counter(tasks.values_list("status", flat=True)) == {"completed": 1, "open": 1}


def test_a_result_and_a_hand_that_complete_one_task_leave_one_next_task(clinic: Clinic) -> None:
    task = clinic.task("weight")
    results = at_once(
        lambda: flow.complete(task.pk, at=NOW, by=None),
        lambda: flow.record(clinic.enrollment.pk, [builders.result("weight", 71, "kg")], at=NOW, by=None),
    )
    assert len(refusals(results)) <= 1
    assert CareTask.objects.live().filter(enrollment=clinic.enrollment, activity="weight").count() == 1
    assert Observation.objects.filter(kind="weight").count() == 1


def test_a_death_stops_what_others_do_at_that_moment(clinic: Clinic) -> None:
    enrollment, moment = clinic.enrollment.pk, builders.at(28)
    tasks = [task.pk for task in clinic.tasks()][:8]
    at_once(
        lambda: flow.record_death(enrollment, at=moment, by=None),
        *[partial(flow.complete, pk, at=moment, by=None) for pk in tasks],
        lambda: flow.sweep(at=moment, trigger="test"),
    )
    flow.sweep(at=builders.at(29), trigger="test")
    assert [task.activity_id for task in clinic.tasks()] == ["bereavement-contact"]


def test_one_patient_comes_onto_a_pathway_once(committed: None) -> None:
    patient = builders.patient(builders.site())
    results = at_once(*[lambda: builders.enroll(patient)] * 8)
    assert len(refusals(results)) == 7
    assert patient.enrollments.count() == 1


def test_sweeps_at_once_write_and_send_every_reminder_once(clinic: Clinic) -> None:
    others = [builders.enroll(builders.patient(clinic.site)) for _ in range(20)]
    due = builders.at(28)
    expected = CareTask.objects.live().filter(next_rung_at__lte=due).count()
    written = at_once(*[lambda: flow.sweep(at=due, trigger="test")] * 6)
    flow.sweep(at=due, trigger="test")
    assert len(others) == 20
    assert sum(written) <= expected == Reminder.objects.count()
    keys = Reminder.objects.values_list("task", "due_on", "rung")
    assert len(set(keys)) == len(keys)
    assert set(Delivery.objects.values_list("status", flat=True)) == {"sent"}
    assert SweepRun.objects.filter(finished_at=None).count() == 0


def test_without_the_turn_too_every_reminder_is_written_once(clinic: Clinic) -> None:
    for _ in range(20):
        builders.enroll(builders.patient(clinic.site))
    due = builders.at(28)
    expected = CareTask.objects.live().filter(next_rung_at__lte=due).count()
    written = at_once(*[lambda: flow.remind(at=due)] * 6)
    flow.remind(at=due)
    assert Reminder.objects.count() == expected
    assert sum(written) <= expected


class Killed(BaseException):
    """Stands for the end of a process in the middle of its work."""


def rows() -> dict[str, int]:
    """How many rows every table of the product has."""
    with connection.cursor() as cursor:
        names = [name for name in connection.introspection.table_names(cursor) if name.startswith("pathway_")]
        found = {}
        for name in names:
            cursor.execute(f'SELECT count(*) FROM "{name}"')
            found[name] = cursor.fetchone()[0]
    return found


@pytest.mark.parametrize(
    ("module", "step"), [(transitions, "follow"), (care_tasks, "lay_out_again"), (care_tasks, "follow_plans")]
)
def test_a_flow_that_dies_half_way_leaves_nothing(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, module: Any, step: str
) -> None:
    proposal = breathing_proposal(clinic)
    before, stays = rows(), list(Stay.objects.order_by("pk").values())

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr(module, step, die)
    with pytest.raises(Killed):
        flow.accept(proposal.pk, at=NOW, by=None)
    assert rows() == before
    assert list(Stay.objects.order_by("pk").values()) == stays
    monkeypatch.undo()
    flow.accept(proposal.pk, at=NOW, by=None)
    assert Stay.objects.filter(enrollment=clinic.enrollment, how="proposal").count() == 1


def test_a_connection_that_is_cut_in_a_flow_leaves_nothing(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = breathing_proposal(clinic)
    before = rows()
    backend: list[int] = []
    reached, cut = threading.Event(), threading.Event()
    real = transitions.follow

    def wait_for_the_cut(*args: Any, **more: Any) -> None:
        real(*args, **more)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            backend.append(cursor.fetchone()[0])
        reached.set()
        cut.wait(30)

    monkeypatch.setattr(transitions, "follow", wait_for_the_cut)

    def accept() -> str:
        try:
            flow.accept(proposal.pk, at=NOW, by=None)
        except DatabaseError as error:
            return type(error).__name__
        finally:
            connections.close_all()
        return "accepted"

    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(accept)
        assert reached.wait(30)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", backend)
        cut.set()
        assert ending.result(30) == "OperationalError"
    monkeypatch.undo()
    assert rows() == before
    flow.accept(proposal.pk, at=NOW, by=None)
