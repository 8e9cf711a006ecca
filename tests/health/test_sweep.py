"""The sweep as a whole: who comes first, how much of it is in memory, who is at work, and what it leaves on record."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from pathway import clock, egress, flow
from pathway.egress import Answer, EgressFailed, Outbound
from pathway.models import CareTask, Reminder, SweepRun
from pathway.services import pulse, reminders
from tests import builders

AT = builders.at(60)


def due(task: CareTask, days_ago: int) -> None:
    """As if its due day had been set long before."""
    on = (AT - timedelta(days=days_ago)).date()
    CareTask.objects.filter(pk=task.pk).update(
        due_on=on, due_set_on=on - timedelta(days=100), next_rung_at=AT - timedelta(hours=1), window_opens_on=None
    )


def written(limit: int) -> list[str]:
    """The rungs in the order in which the sweep writes them."""
    ascent = reminders.Ascent(AT, limit=limit)
    while ascent.batch()[0]:
        assert Reminder.objects.count() <= 100
    return list(Reminder.objects.order_by("pk").values_list("rung", flat=True))


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_after_an_outage_the_most_severe_come_first_and_then_the_oldest(loaded: None, limit: int) -> None:
    tasks = builders.clinic().tasks()[:8]
    CareTask.objects.exclude(pk__in=[one.pk for one in tasks]).update(next_rung_at=None)
    for task, days_ago in zip(tasks, [-10, 0, 15, 29, -3, 3, 20, 40], strict=True):
        due(task, days_ago)
    # The one that is least severe has waited longest.
    CareTask.objects.filter(pk=tasks[0].pk).update(next_rung_at=AT - timedelta(days=3))
    found = written(limit)
    assert found[:5] == ["escalated"] * 2 + ["overdue"] * 2 + ["ahead"]
    assert sorted(found[5:]) == ["ahead", "due", "due"]


def test_of_equally_severe_ones_the_oldest_come_first(loaded: None) -> None:
    tasks = builders.clinic().tasks()[:5]
    CareTask.objects.exclude(pk__in=[one.pk for one in tasks]).update(next_rung_at=None)
    waits = [3, 5, 1, 4, 2]
    for task, days in zip(tasks, waits, strict=True):
        due(task, 0)
        CareTask.objects.filter(pk=task.pk).update(next_rung_at=AT - timedelta(days=days))
    written(limit=2)
    found = list(Reminder.objects.order_by("pk").values_list("task", flat=True))
    assert found == [task.pk for _days, task in sorted(zip(waits, tasks, strict=True), key=lambda pair: -pair[0])]


def test_what_somebody_holds_locked_comes_with_the_next_sweep(loaded: None) -> None:
    builders.clinic()
    ascent = reminders.Ascent(AT, limit=7)
    while ascent.batch()[0]:
        pass
    left = CareTask.objects.live().order_by("pk")[0]
    CareTask.objects.filter(pk=left.pk).update(next_rung_at=AT - timedelta(days=1))
    assert ascent.batch() == (0, 0)
    assert reminders.Ascent(AT).batch()[0] == 1


def test_an_ascent_climbs_all_that_single_batches_would(loaded: None) -> None:
    for _ in range(3):
        builders.clinic()
    with transaction.atomic():
        while reminders.climb(at=AT, limit=11)[0]:
            pass
        expected = set(Reminder.objects.values_list("task", "due_on", "rung", "to_role", "on"))
        transaction.set_rollback(True)
    assert not Reminder.objects.exists()
    written(limit=4)
    assert set(Reminder.objects.values_list("task", "due_on", "rung", "to_role", "on")) == expected
    assert not CareTask.objects.live().filter(next_rung_at__lte=AT).exists()


def test_no_rows_of_tasks_come_into_the_process_however_many_are_due(loaded: None, monkeypatch: Any) -> None:
    """A batch is one statement that answers with one row, so that memory does not grow with what is due."""
    builders.clinic()
    sizes: list[int] = []
    real = reminders._run

    def counted(*args: Any) -> Any:
        found = real(*args)
        sizes.append(found[0])
        return found

    monkeypatch.setattr(reminders, "_run", counted)
    ascent = reminders.Ascent(AT, limit=3)
    while ascent.batch()[0]:
        pass
    assert max(sizes) == 3
    assert sum(sizes) > 10


def test_a_snoozed_ladder_pauses_and_closing_a_task_ends_it(loaded: None) -> None:
    clinic = builders.clinic()
    snoozed, closed = clinic.task("dietitian-review"), clinic.task("physio-review")
    nurse = clinic.people["nurse-coordinator"]
    flow.snooze(snoozed.pk, until=builders.on(40), reason="in hospital", at=builders.at(13), by=nurse)
    flow.sweep(at=builders.at(14), trigger="test")
    flow.complete(closed.pk, at=builders.at(15), by=nurse)
    for day in range(15, 80):
        flow.sweep(at=builders.at(day), trigger="test")
    assert [one.rung for one in snoozed.reminders.order_by("pk")] == ["overdue", "escalated"]
    assert all(one.on >= builders.on(40) for one in snoozed.reminders.all())
    assert [one.rung for one in closed.reminders.all()] == ["ahead"]
    snoozed.refresh_from_db()
    assert (snoozed.snooze_reason, snoozed.snoozed_until) == ("in hospital", builders.on(40))


def test_each_sweep_is_on_record_with_the_lag_before_and_after(loaded: None) -> None:
    builders.clinic()
    with clock.simulated(builders.at(14, hour=10)):
        flow.sweep(at=builders.at(14, hour=10), trigger="command")
    run = SweepRun.objects.get()
    assert (run.trigger, run.lag_before, run.lag_after) == ("command", timedelta(hours=2), timedelta())
    assert run.created == Reminder.objects.count() > 0
    assert run.finished_at == builders.at(14, hour=10)


def test_while_one_is_at_work_another_finds_nothing_to_do(committed: None) -> None:
    builders.clinic()
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            assert pulse.take_turn()
            entered.set()
            leave.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert entered.wait(30)
        assert flow.sweep(at=AT, trigger="test") == 0
    finally:
        leave.set()
        holder.join()
    assert flow.sweep(at=AT, trigger="test") > 0  # the lock ended with its transaction


# the watcher elsewhere


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Outbound]:
    found: list[Outbound] = []

    def send(outbound: Outbound) -> Answer:
        found.append(outbound)
        return Answer(200, {}, b"")

    monkeypatch.setattr(egress, "send", send)
    return found


@override_settings(PING_URL="https://watch.example/abc")
def test_after_a_finished_sweep_a_watcher_is_told_nothing_but_that(loaded: None, sent: list[Outbound]) -> None:
    builders.clinic()
    flow.sweep(at=AT, trigger="test")
    assert [(one.url, one.method, one.body) for one in sent] == [("https://watch.example/abc", "GET", b"")]


@override_settings(PING_URL="https://watch.example/abc")
def test_a_sweep_that_did_not_finish_tells_nobody(
    loaded: None, sent: list[Outbound], monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(flow.health, "lag", lambda at: timedelta())
    monkeypatch.setattr(flow.pulse, "finish_sweep", breaks)
    with pytest.raises(RuntimeError):
        flow.sweep(at=AT, trigger="test")
    assert sent == []


@override_settings(PING_URL="https://watch.example/abc")
def test_a_watcher_that_does_not_answer_harms_no_sweep(loaded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: Outbound) -> Answer:
        raise EgressFailed("no answer")

    monkeypatch.setattr(egress, "send", fails)
    builders.clinic()
    assert flow.sweep(at=AT, trigger="test") > 0


def test_without_a_watcher_nothing_is_sent(loaded: None, sent: list[Outbound]) -> None:
    flow.sweep(at=AT, trigger="test")
    assert sent == []
