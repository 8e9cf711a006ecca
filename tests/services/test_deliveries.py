"""A reminder reaches the people who are responsible at that moment, and nobody else."""

from __future__ import annotations

from datetime import datetime

import pytest

from pathway import flow
from pathway.models import CareTask, Delivery, Membership, Reminder, SweepRun, User
from pathway.selectors import health
from pathway.services import deliveries
from tests import builders
from tests.builders import Clinic

pytestmark = pytest.mark.usefixtures("loaded")

FIRST = 28
DUE = builders.at(FIRST)


@pytest.fixture
def clinic() -> Clinic:
    return builders.clinic()


def told(clinic: Clinic, activity: str = "dietitian-review", *, at: datetime = DUE) -> list[tuple[User, str, str]]:
    """Sweep, and who was sent or refused the message about the activity."""
    flow.sweep(at=at, trigger="test")
    found = Delivery.objects.filter(reminder__task__activity=activity).order_by("pk").select_related("person")
    return [(one.person, one.status, one.reason) for one in found]


def leave(clinic: Clinic, role: str, at: datetime) -> None:
    clinic.patient.team.filter(role=role).update(until=at)


def test_the_role_on_the_team_is_told(clinic: Clinic) -> None:
    assert told(clinic) == [(clinic.people["dietitian"], "sent", "")]
    delivery = Delivery.objects.get(reminder__task__activity="dietitian-review")
    assert (delivery.queued_at, delivery.sent_at) == (DUE, DUE)


def test_everybody_with_the_role_is_told_once(clinic: Clinic) -> None:
    second = builders.user(clinic.site, "dietitian")
    builders.join(clinic.patient, second, "dietitian")
    assert {person for person, _, _ in told(clinic)} == {clinic.people["dietitian"], second}
    assert len(told(clinic)) == 2


def test_a_colleague_who_does_not_care_for_the_patient_is_not_told(clinic: Clinic) -> None:
    builders.user(clinic.site, "dietitian")
    assert [person for person, _, _ in told(clinic)] == [clinic.people["dietitian"]]


def test_the_assignee_is_told_alone(clinic: Clinic) -> None:
    second = builders.user(clinic.site, "dietitian")
    builders.join(clinic.patient, second, "dietitian")
    CareTask.objects.filter(activity="dietitian-review").update(assignee=second)
    assert [person for person, _, _ in told(clinic)] == [second]


def test_an_escalation_goes_past_the_assignee(clinic: Clinic) -> None:
    CareTask.objects.filter(activity="dietitian-review").update(assignee=clinic.people["dietitian"])
    people = told(clinic, at=builders.at(FIRST + 14))
    assert [person for person, _, _ in people] == [clinic.people["nurse-coordinator"]]


def test_an_assignee_who_left_the_team_is_passed_over(clinic: Clinic) -> None:
    second = builders.user(clinic.site, "dietitian")
    builders.join(clinic.patient, second, "dietitian")
    CareTask.objects.filter(activity="dietitian-review").update(assignee=second)
    clinic.patient.team.filter(user=second).update(until=builders.at(5))
    assert [person for person, _, _ in told(clinic)] == [clinic.people["dietitian"]]


def test_without_the_role_the_coordinator_of_the_team_is_told(clinic: Clinic) -> None:
    leave(clinic, "dietitian", builders.at(5))
    assert [person for person, _, _ in told(clinic)] == [clinic.people["nurse-coordinator"]]


def test_without_that_too_a_coordinator_of_the_site_who_is_on_the_team_is_told(clinic: Clinic) -> None:
    leave(clinic, "dietitian", builders.at(5))
    leave(clinic, "nurse-coordinator", builders.at(5))
    Membership.objects.create(user=clinic.people["physiotherapist"], site=clinic.site, role="nurse-coordinator")
    assert [person for person, _, _ in told(clinic)] == [clinic.people["physiotherapist"]]


def test_a_coordinator_of_the_site_who_is_not_on_the_team_is_not_told(clinic: Clinic) -> None:
    leave(clinic, "dietitian", builders.at(5))
    leave(clinic, "nurse-coordinator", builders.at(5))
    assert told(clinic) == []


def test_a_reminder_for_nobody_is_in_the_gap_list(clinic: Clinic) -> None:
    leave(clinic, "dietitian", builders.at(5))
    leave(clinic, "nurse-coordinator", builders.at(5))
    told(clinic)
    assert "dietitian-review" in [gap.task.activity_id for gap in health.untold()]
    assert "physio-review" not in [gap.task.activity_id for gap in health.untold()]
    flow.complete(clinic.task("dietitian-review").pk, at=DUE, by=None)
    assert "dietitian-review" not in [gap.task.activity_id for gap in health.untold()]


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "physiotherapist"}])
def test_who_does_not_hold_the_role_at_the_site_is_not_told(clinic: Clinic, change: dict[str, object]) -> None:
    Membership.objects.filter(user=clinic.people["dietitian"]).update(**change)
    assert [person for person, _, _ in told(clinic)] == [clinic.people["nurse-coordinator"]]


def test_a_person_who_may_not_sign_in_is_not_told(clinic: Clinic) -> None:
    User.objects.filter(pk=clinic.people["dietitian"].pk).update(is_active=False)
    assert [person for person, _, _ in told(clinic)] == [clinic.people["nurse-coordinator"]]


def queue(clinic: Clinic, at: datetime = DUE) -> Delivery:
    """The message about the dietitian's review, named but not sent."""
    flow.remind(at=at)
    deliveries.resolve(at=at)
    return Delivery.objects.get(reminder__task__activity="dietitian-review")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: flow.complete(c.task("dietitian-review").pk, at=DUE, by=None), "the task is closed"),
        (lambda c: flow.hold(c.enrollment.pk, reason="abroad", at=DUE, by=None), "the pathway is on hold"),
        (lambda c: flow.withdraw(c.enrollment.pk, reason="moved", at=DUE, by=None), "the task is closed"),
        (lambda c: flow.record_death(c.enrollment.pk, at=DUE, by=None), "the task is closed"),
        (lambda c: leave(c, "dietitian", DUE), "no longer on the care team"),
        (lambda c: c.people["dietitian"].memberships.update(is_active=False), "no longer on the care team"),
    ],
)
def test_what_changed_between_naming_and_sending_cancels_with_a_reason(
    clinic: Clinic, change: object, reason: str
) -> None:
    delivery = queue(clinic)
    change(clinic)  # type: ignore[operator]
    flow.deliver(at=DUE)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason, delivery.sent_at) == ("cancelled", reason, None)


def test_nothing_about_other_tasks_goes_out_for_the_dead(clinic: Clinic) -> None:
    delivery = queue(clinic)
    flow.record_death(clinic.enrollment.pk, at=DUE, by=None)
    CareTask.objects.filter(activity="dietitian-review").update(status="open")
    flow.deliver(at=DUE)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.reason) == ("cancelled", "the patient has died")


def test_the_contact_with_the_family_goes_out_after_a_death(clinic: Clinic) -> None:
    flow.record_death(clinic.enrollment.pk, at=builders.at(0), by=None)
    people = told(clinic, "bereavement-contact")
    assert [(status, reason) for _, status, reason in people] == [("sent", "")]


def test_two_sweeps_of_one_moment_deliver_once(clinic: Clinic) -> None:
    first = told(clinic)
    keys = set(Delivery.objects.values_list("key", flat=True))
    assert told(clinic) == first
    assert set(Delivery.objects.values_list("key", flat=True)) == keys


def test_the_key_of_a_message_is_the_same_after_a_restore(clinic: Clinic) -> None:
    key = queue(clinic).key
    Delivery.objects.all().delete()
    Reminder.objects.update(resolved_at=None)
    deliveries.resolve(at=builders.at(FIRST + 1))
    assert Delivery.objects.get(reminder__task__activity="dietitian-review").key == key


def test_batches_name_everybody(clinic: Clinic) -> None:
    flow.remind(at=DUE)
    waiting = Reminder.objects.count()
    taken = 0
    while step := deliveries.resolve(at=DUE, limit=3)[0]:
        taken += step
    assert taken == waiting > 6
    assert not Reminder.objects.filter(resolved_at=None).exists()


def test_a_sweep_leaves_a_row_with_the_lag_that_it_found(clinic: Clinic) -> None:
    flow.sweep(at=DUE, trigger="test")
    run = SweepRun.objects.get()
    oldest = builders.at(14, hour=8)
    assert (run.started_at, run.trigger, run.lag_before) == (DUE, "test", DUE - oldest)
    assert run.created == Reminder.objects.count() > 0
    assert run.finished_at is not None


def test_runs_older_than_a_month_are_forgotten(clinic: Clinic) -> None:
    flow.sweep(at=builders.at(0), trigger="test")
    flow.sweep(at=builders.at(1), trigger="test")
    flow.sweep(at=builders.at(30, hour=10), trigger="test")
    assert list(SweepRun.objects.order_by("pk").values_list("started_at", flat=True)) == [
        builders.at(1),
        builders.at(30, hour=10),
    ]
