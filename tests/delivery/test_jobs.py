"""The job that delivers: as its own role of the database, twice, and in two threads at once."""

from __future__ import annotations

import threading

import pytest
from django.core import mail
from django.db import connection, connections
from django.test import override_settings

from pathway import actor, clock, flow
from pathway.actor import Service
from pathway.jobs import deliveries as job
from pathway.jobs import sweep as sweep_job
from pathway.models import Delivery, Dispatch, Reminder
from pathway.selectors.preferences import Wishes
from pathway.services import preferences
from tests import builders, walls
from tests.builders import Clinic
from tests.delivery import sink as sinks
from tests.delivery.conftest import with_mail
from tests.delivery.test_smtp import by_smtp

DUE = builders.at(28)
ESCALATED = builders.at(56)
LATER = builders.at(56, minute=5)


def test_it_needs_no_more_than_the_role_that_delivers_may(clinic: Clinic) -> None:
    preferences.save(clinic.people["dietitian"], Wishes(digest_hour=7), offered={})
    with walls.role("pathway_deliver"):
        for moment in (DUE, builders.at(28, minute=5), ESCALATED, LATER):
            with clock.simulated(moment):
                sweep_job.sweep()
                job.deliver()
    assert len(mail.outbox) > 3
    assert not Reminder.objects.filter(resolved_at=None).exists()
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"sent"}


def test_twice_is_once(clinic: Clinic) -> None:
    flow.remind(at=ESCALATED)
    with clock.simulated(LATER):
        job.deliver()
        first = state(), len(mail.outbox)
        job.deliver()
    assert (state(), len(mail.outbox)) == first
    assert first[1] > 0


def state() -> list[tuple[object, ...]]:
    return [*Delivery.objects.order_by("pk").values_list("key", "status", "sent_at"),
            *Dispatch.objects.order_by("pk").values_list("key", "status", "attempts")]  # fmt: skip


@pytest.mark.parametrize("workers", [2, 4])
def test_at_once_in_several_threads_every_message_leaves_once(committed: None, workers: int) -> None:
    for _ in range(3):
        with_mail(builders.clinic())
    flow.remind(at=ESCALATED)
    failures: list[BaseException] = []
    together = threading.Barrier(workers)

    def deliver() -> None:
        try:
            with clock.simulated(ESCALATED):
                together.wait(10)
                job.deliver()
            with clock.simulated(LATER):
                together.wait(30)
                job.deliver()
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            connections.close_all()

    with sinks.running() as sink, by_smtp(sink):
        threads = [threading.Thread(target=deliver) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        flow.deliver(at=builders.at(56, minute=10))  # what one left to another
    assert failures == []
    assert sink.counts() and set(sink.counts().values()) == {1}
    assert set(Dispatch.objects.values_list("status", "attempts")) == {("sent", 1)}
    assert len(sink.kept) == Dispatch.objects.count()
    assert not Delivery.objects.exclude(status="sent").exists()


@override_settings(DATABASE_ROLE="")
def test_those_who_remind_read_addresses_and_still_no_names(clinic: Clinic) -> None:
    with walls.role("pathway_deliver"), actor.acting(actor.service(Service.DELIVER)):
        with connection.cursor() as cursor:
            for table, column, may in (
                ("pathway_user", "email", True),
                ("pathway_user", "last_name", False),
                ("pathway_user", "password", False),
                ("pathway_patient", "family_name", False),
                ("pathway_taskground", "task_id", False),
                ("pathway_episode", "rule_id", False),
                ("pathway_alert", "severity", False),
            ):
                cursor.execute("SELECT has_column_privilege(%s, %s, 'SELECT')", [table, column])
                assert cursor.fetchone()[0] is may, (table, column)
