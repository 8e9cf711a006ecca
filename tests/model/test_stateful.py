"""Whatever is done to a patient in whatever order, dates and reminders are those of a model that knows no database."""

from __future__ import annotations

import ast
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pathway import flow
from pathway.models import CareTask, Reminder
from pathway.selectors import invariants
from tests import builders
from tests.model import model
from tests.model.model import ACTIVE, ACTIVITIES, BEREAVEMENT, DEAD, HELD

NOON, FIRST_ACTION, NIGHT = (
    time(hour, tzinfo=UTC) for hour in (12, 13, 20)
)  # the day of London too, after its reminders
WATCHED = (*ACTIVITIES, BEREAVEMENT)
ROLES = ("dietitian", "physiotherapist", "nurse-coordinator")
SKIPS = ("declined", "unable", "not-appropriate", "done-elsewhere")
activities, back = st.sampled_from(ACTIVITIES), st.integers(0, 40)
# The ends of months and the leap day are where calendars differ.
starts = st.sampled_from(
    [date(2024, 1, 8), date(2024, 1, 31), date(2023, 11, 30), date(2024, 2, 29), date(2023, 12, 31)]
)


class River(RuleBasedStateMachine):
    """Each example is a patient of their own, in a transaction that is rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.actions = 0
        self.observations: dict[int, int] = {}  # number in the model → key in the database

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)
        super().teardown()

    @initialize(day=starts)
    def enroll(self, day: date) -> None:
        self.model = model.Patient.enroll(day)
        patient = builders.patient(builders.site())
        self.pk = builders.enroll(patient, moment=self.at()).pk

    def at(self) -> datetime:
        """Each action a minute after the one before."""
        self.actions += 1
        return datetime.combine(self.model.today, FIRST_ACTION) + timedelta(minutes=self.actions)

    def day(self, days: int) -> date:
        """So many days ago, but not before the enrollment."""
        return max(self.model.today - timedelta(days=days), self.model.enrolled)

    def task(self, code: str) -> int:
        return int(CareTask.objects.live().get(enrollment=self.pk, activity=code).pk)

    def is_alive(self) -> bool:
        return self.model.status != DEAD

    # what people do

    @rule(code=activities, days=back)
    @precondition(is_alive)
    def complete(self, code: str, days: int) -> None:
        flow.complete(self.task(code), effective=self.day(days), at=self.at(), by=None)
        self.model.complete(code, self.day(days))

    @rule(code=activities, days=back, reason=st.sampled_from(SKIPS))
    @precondition(is_alive)
    def skip(self, code: str, days: int, reason: str) -> None:
        flow.skip(self.task(code), reason=reason, effective=self.day(days), at=self.at(), by=None)
        self.model.complete(code, self.day(days))

    @rule(days=back)
    @precondition(is_alive)
    def weigh(self, days: int) -> None:
        number = len(self.observations)
        weight = builders.result("weight", "70", "kg", effective=self.day(days))
        (row,) = flow.record(self.pk, [weight], at=self.at(), by=None)
        self.observations[number] = row.pk
        self.model.weigh(number, self.day(days))

    @rule(data=st.data())
    @precondition(lambda self: self.is_alive() and self.model.weights)
    def void(self, data: st.DataObject) -> None:
        self.take_back(data.draw(st.sampled_from(sorted(self.model.weights))))

    def take_back(self, number: int) -> None:
        flow.void(self.observations[number], reason="typed wrongly", at=self.at(), by=None)
        self.model.void(number)

    @rule(code=activities, days=st.integers(1, 40))
    @precondition(is_alive)
    def snooze(self, code: str, days: int) -> None:
        until = self.model.today + timedelta(days=days)
        flow.snooze(self.task(code), until=until, reason="in hospital", at=self.at(), by=None)
        self.model.snooze(code, until)

    @rule(code=activities, to=st.sampled_from(ROLES))
    @precondition(is_alive)
    def reassign(self, code: str, to: str) -> None:
        flow.reassign(self.task(code), to=to, at=self.at(), by=None)
        self.model.reassign(code, to)

    @rule()
    @precondition(lambda self: self.model.status == ACTIVE)
    def hold(self) -> None:
        flow.hold(self.pk, reason="abroad", at=self.at(), by=None)
        self.model.hold()

    @rule()
    @precondition(lambda self: self.model.status == HELD)
    def resume(self) -> None:
        flow.resume(self.pk, at=self.at(), by=None)
        self.model.resume()

    @rule()
    @precondition(is_alive)
    def die(self) -> None:
        flow.record_death(self.pk, at=self.at(), by=None)
        self.model.die()

    @rule()
    @precondition(lambda self: not self.is_alive())
    def reverse(self) -> None:
        flow.reverse_death(self.pk, reason="another person", at=self.at(), by=None)
        self.model.reverse()

    # time passes

    @rule(days=st.integers(1, 20))
    def live(self, days: int) -> None:
        """The sweep of each day."""
        for _ in range(days):
            self.sweep(self.model.today + timedelta(days=1))
        flow.pass_day(self.pk, at=datetime.combine(self.model.today, NOON))

    @rule(days=st.integers(2, 100))
    def be_down(self, days: int) -> None:
        """No sweep on any day but the last."""
        self.sweep(self.model.today + timedelta(days=days))

    @rule(days=st.integers(1, 60))
    def let_days_pass(self, days: int) -> None:
        """Nothing sweeps, and people go on."""
        self.actions = 0
        self.model.today += timedelta(days=days)

    @rule()
    def sweep_again(self) -> None:
        """After the actions of the day."""
        flow.remind(at=self.at(), enrollment_id=self.pk)
        self.model.sweep(self.model.today)

    @rule(seen=st.integers(0, 30), unseen=st.integers(1, 30))
    @precondition(lambda self: self.model.status == ACTIVE)
    def be_abroad(self, seen: int, unseen: int) -> None:
        """Days on hold, some with sweeps and some without: nothing of them is told, then or later."""
        self.hold()
        for _ in range(seen):
            self.sweep(self.model.today + timedelta(days=1))
        self.let_days_pass(unseen)
        self.resume()
        self.sweep_again()

    @rule(days=back)
    @precondition(is_alive)
    def weigh_wrongly(self, days: int) -> None:
        """A result that completed something, and is taken back some days later."""
        self.weigh(0)
        self.let_days_pass(days)
        self.take_back(max(self.model.weights))

    def sweep(self, day: date) -> None:
        self.actions = 0
        flow.remind(at=datetime.combine(day, NOON), enrollment_id=self.pk)
        self.model.sweep(day)

    # what has to be the case after each step

    @invariant()
    def tasks_are_those_of_the_model(self) -> None:
        found = CareTask.objects.live().filter(enrollment=self.pk, activity__in=WATCHED)
        columns = found.values_list("activity", "occurrence", "due_on", "owner", "snoozed_until")
        known = self.model.open.values()
        assert sorted(columns) == sorted((t.activity, t.occurrence, t.due, t.owner, t.snoozed_until) for t in known)

    @invariant()
    def reminders_are_those_of_the_model(self) -> None:
        rows = Reminder.objects.filter(task__enrollment=self.pk, task__activity__in=WATCHED)
        columns = ("task__activity", "task__occurrence", "due_on", "rung", "on", "to_role")
        assert sorted(rows.values_list(*columns)) == sorted(self.model.told.values())

    @invariant()
    def every_promise_holds(self) -> None:
        assert invariants.violations(datetime.combine(self.model.today, NIGHT)) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("loaded")
def test_dates_and_reminders_are_those_of_the_model() -> None:
    calm = settings(
        max_examples=30, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(River, settings=calm)


def test_the_model_knows_nothing_of_the_product() -> None:
    tree = ast.parse(Path(model.__file__).read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names == {
        "__future__",
        "calendar",
        "collections.abc",
        "dataclasses",
        "datetime",
        "pathlib",
        "typing",
        "yaml",
    }
