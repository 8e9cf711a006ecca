"""Rungs become reminders once each, whatever happened to task and enrollment meanwhile (CONVENTIONS 31-33, 40)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pathway import flow
from pathway.models import CareTask, Reminder
from pathway.services import reminders
from tests import builders
from tests.builders import Clinic

pytestmark = pytest.mark.usefixtures("loaded")

FIRST = 28  # days from the start to the due date of most first tasks: rungs on days 14, 28, 42, 56


@pytest.fixture
def clinic() -> Clinic:
    return builders.clinic()


def written(task: CareTask | None = None) -> list[tuple[str, date, str]]:
    found = Reminder.objects.order_by("on", "pk")
    if task is not None:
        found = found.filter(task=task)
    return list(found.values_list("rung", "on", "to_role"))


def test_every_rung_is_written_on_its_day_for_its_role(clinic: Clinic) -> None:
    task = clinic.task("dietitian-review")
    for day in range(70):
        flow.remind(at=builders.at(day))
    assert written(task) == [
        ("ahead", builders.on(FIRST - 14), "dietitian"),
        ("due", builders.on(FIRST), "dietitian"),
        ("overdue", builders.on(FIRST + 14), "nurse-coordinator"),
        ("escalated", builders.on(FIRST + 28), "neurologist"),
    ]


def test_nothing_is_written_before_the_time_of_day_of_the_site(clinic: Clinic) -> None:
    flow.remind(at=builders.at(FIRST - 14, hour=7, minute=59))
    assert written(clinic.task("dietitian-review")) == []
    flow.remind(at=builders.at(FIRST - 14, hour=8))
    assert len(written(clinic.task("dietitian-review"))) == 1


def test_a_second_sweep_of_the_same_moment_writes_nothing(clinic: Clinic) -> None:
    first = flow.remind(at=builders.at(FIRST))
    before = written()
    assert first == len(before) > 0
    assert flow.remind(at=builders.at(FIRST)) == 0
    assert reminders.climb(at=builders.at(FIRST)) == (0, 0)
    assert written() == before


def test_after_an_outage_only_the_present_rung_is_told(clinic: Clinic) -> None:
    task = clinic.task("dietitian-review")
    flow.remind(at=builders.at(FIRST + 20))
    assert [rung for rung, _, _ in written(task)] == ["overdue"]
    flow.remind(at=builders.at(FIRST + 28))
    assert [rung for rung, _, _ in written(task)] == ["overdue", "escalated"]


def test_a_clock_that_steps_back_tells_nothing_twice(clinic: Clinic) -> None:
    flow.remind(at=builders.at(FIRST))
    before = written()
    for day in (FIRST - 5, FIRST, FIRST - 20, FIRST):
        flow.remind(at=builders.at(day))
    assert written() == before


def test_on_hold_nothing_is_told_and_nothing_made_up_for(clinic: Clinic) -> None:
    task = clinic.task("dietitian-review")
    flow.hold(clinic.enrollment.pk, reason="abroad", at=builders.at(10), by=None)
    for day in range(10, 31):
        flow.remind(at=builders.at(day))
    flow.resume(clinic.enrollment.pk, at=builders.at(30), by=None)
    for day in range(30, 45):
        flow.remind(at=builders.at(day))
    assert written(task) == [("overdue", builders.on(FIRST + 14), "nurse-coordinator")]


def test_a_hold_without_any_sweep_is_not_made_up_for_either(clinic: Clinic) -> None:
    flow.hold(clinic.enrollment.pk, reason="abroad", at=builders.at(10), by=None)
    flow.resume(clinic.enrollment.pk, at=builders.at(30), by=None)
    flow.remind(at=builders.at(30, hour=23))
    assert written(clinic.task("dietitian-review")) == []


def test_a_rung_of_the_day_of_the_resumption_is_not_sent(clinic: Clinic) -> None:
    flow.hold(clinic.enrollment.pk, reason="abroad", at=builders.at(20), by=None)
    flow.resume(clinic.enrollment.pk, at=builders.at(FIRST, hour=6), by=None)
    flow.remind(at=builders.at(FIRST, hour=9))
    assert written(clinic.task("dietitian-review")) == []


def test_a_snoozed_task_is_silent_until_its_day(clinic: Clinic) -> None:
    task = clinic.task("dietitian-review")
    until = builders.on(FIRST + 14)
    flow.snooze(task.pk, until=until, reason="in hospital", at=builders.at(5), by=None)
    for day in range(5, FIRST + 14):
        flow.remind(at=builders.at(day))
    assert written(task) == []
    flow.remind(at=builders.at(FIRST + 14))
    assert [rung for rung, _, _ in written(task)] == ["overdue"]


def test_a_closed_task_is_silent(clinic: Clinic) -> None:
    task = clinic.task("dietitian-review")
    flow.complete(task.pk, at=builders.at(3), by=None)
    for day in range(3, 80):
        flow.remind(at=builders.at(day))
    assert written(task) == []


def test_reassigning_a_task_takes_its_reminders_along(clinic: Clinic) -> None:
    task = clinic.task("dietitian-review")
    flow.reassign(task.pk, to="speech-therapist", at=builders.at(3), by=None)
    flow.remind(at=builders.at(FIRST))
    assert written(task) == [("due", builders.on(FIRST), "speech-therapist")]


def test_after_a_death_only_the_family_is_thought_of(clinic: Clinic) -> None:
    flow.record_death(clinic.enrollment.pk, at=builders.at(10), by=None)
    for day in range(10, 10 + 60):
        flow.remind(at=builders.at(day))
    assert set(Reminder.objects.values_list("task__activity", flat=True)) == {"bereavement-contact"}
    assert len(written()) == 4


def test_a_task_left_open_by_mistake_does_not_write_of_the_dead(clinic: Clinic) -> None:
    flow.record_death(clinic.enrollment.pk, at=builders.at(10), by=None)
    CareTask.objects.filter(activity="dietitian-review").update(status="open", next_rung_at=builders.at(14))
    flow.remind(at=builders.at(14))
    assert written() == []


def test_a_reversed_death_is_no_burst_of_reminders(clinic: Clinic) -> None:
    flow.record_death(clinic.enrollment.pk, at=builders.at(10), by=None)
    flow.reverse_death(clinic.enrollment.pk, reason="wrong patient", at=builders.at(FIRST, hour=10), by=None)
    flow.remind(at=builders.at(FIRST, hour=11))
    flow.remind(at=builders.at(FIRST + 13))
    assert written(clinic.task("dietitian-review")) == []
    flow.remind(at=builders.at(FIRST + 14))
    assert [rung for rung, _, _ in written(clinic.task("dietitian-review"))] == ["overdue"]


def test_a_withdrawn_patient_is_not_written_about(clinic: Clinic) -> None:
    flow.withdraw(clinic.enrollment.pk, reason="moved away", at=builders.at(10), by=None)
    for day in range(10, 70):
        flow.remind(at=builders.at(day))
    assert written() == []


def test_a_due_date_that_moves_takes_its_rungs_along(clinic: Clinic) -> None:
    task = clinic.task("mdt-review")
    later = task.due_on + timedelta(days=30)
    flow.remind(at=builders.at(FIRST - 14))
    CareTask.objects.filter(pk=task.pk).update(
        due_on=later, due_set_on=builders.on(20), next_rung_at=builders.at(FIRST + 16)
    )
    for day in range(20, FIRST + 31):
        flow.remind(at=builders.at(day))
    assert [rung for rung, _, _ in written(task)] == ["ahead", "ahead", "due"]


def test_a_rung_of_the_day_the_due_date_was_set_is_not_sent_even_if_its_mark_is_stale(clinic: Clinic) -> None:
    task = clinic.task("dietitian-review")
    CareTask.objects.filter(pk=task.pk).update(
        due_on=builders.on(20), due_set_on=builders.on(20), next_rung_at=builders.at(1)
    )
    flow.remind(at=builders.at(21))
    assert written(task) == []
    flow.remind(at=builders.at(34))
    assert [rung for rung, _, _ in written(task)] == ["overdue"]


def test_batches_miss_nothing_and_end(clinic: Clinic) -> None:
    for _ in range(5):
        builders.enroll(builders.patient(clinic.site))
    at = builders.at(FIRST)
    due = CareTask.objects.live().filter(next_rung_at__lte=at).count()
    sizes = []
    while not sizes or sizes[-1][0]:
        sizes.append(reminders.climb(at=at, limit=7))
    assert sum(moved for moved, _ in sizes) == due > 50
    assert max(moved for moved, _ in sizes) == 7
    assert sum(told for _, told in sizes) == len(written()) == due


def test_reminders_of_one_enrollment_leave_the_others_alone(clinic: Clinic) -> None:
    other = builders.clinic()
    assert flow.remind(at=builders.at(FIRST), enrollment_id=other.enrollment.pk) > 0
    assert not Reminder.objects.filter(task__enrollment=clinic.enrollment).exists()


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles", "Europe/London"])
def test_the_reminder_time_is_that_of_the_wall_clock_of_the_site(zone: str) -> None:
    clinic = builders.clinic(time_zone=zone)
    task = clinic.task("dietitian-review")
    assert task.next_rung_at is not None
    flow.remind(at=task.next_rung_at - timedelta(seconds=1))
    assert written(task) == []
    flow.remind(at=task.next_rung_at)
    assert [on for _, on, _ in written(task)] == [task.due_on - timedelta(days=14)]
