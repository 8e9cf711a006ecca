"""What Celery and the commands wake: each job calls the flow, with the clock's present, and is harmless twice."""

from __future__ import annotations

from datetime import date
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from config.celery import app
from pathway import clock, flow
from pathway.jobs import deliveries, judge, sweep
from pathway.models import Delivery, Enrollment, Heartbeat, Reminder, SweepRun
from tests import builders

pytestmark = pytest.mark.usefixtures("loaded")

DUE = builders.at(28)


def judged_on() -> list[date | None]:
    return list(Enrollment.objects.order_by("pk").values_list("judged_on", flat=True))


def test_every_scheduled_job_exists() -> None:
    app.loader.import_default_modules()
    names = {entry["task"] for entry in app.conf.beat_schedule.values()} | {"pathway.jobs.deliveries.deliver"}
    assert names <= set(app.tasks)


def test_the_sweep_job_writes_and_delivers_and_twice_is_once() -> None:
    builders.clinic()
    with clock.simulated(DUE):
        sweep.sweep()
        found = Reminder.objects.count(), Delivery.objects.filter(status="sent").count()
        sweep.sweep()
    assert found == (Reminder.objects.count(), Delivery.objects.filter(status="sent").count())
    assert min(found) > 0
    assert list(SweepRun.objects.values_list("trigger", flat=True)) == ["beat", "beat"]


def test_the_delivery_job_sends_what_a_sweep_left() -> None:
    builders.clinic()
    flow.remind(at=DUE)
    with clock.simulated(DUE):
        deliveries.deliver()
    assert not Reminder.objects.filter(resolved_at=None).exists()
    assert set(Delivery.objects.values_list("status", flat=True)) == {"sent"}


def test_the_judge_visits_everybody_once_a_day() -> None:
    for _ in range(3):
        builders.clinic()
    with clock.simulated(DUE):
        assert flow.judge_day(at=DUE) == 3
        judge.judge_daily()
    assert judged_on() == [DUE.date()] * 3
    assert Heartbeat.objects.get(component="judge").at == DUE


def test_a_batch_that_judged_somebody_asks_for_the_next(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    for _ in range(3):
        builders.clinic()
    monkeypatch.setattr(judge, "BATCH", 2)
    with clock.simulated(DUE):
        with django_capture_on_commit_callbacks() as asked:
            judge.judge_daily()
        assert len(asked) == 1
        assert sorted(day == DUE.date() for day in judged_on()) == [False, True, True]
        with django_capture_on_commit_callbacks() as asked:
            judge.judge_daily()
        assert len(asked) == 1, "whoever could not be judged must not stop the rest"
        with django_capture_on_commit_callbacks() as asked:
            judge.judge_daily()
        assert asked == []
    assert judged_on() == [DUE.date()] * 3


def test_one_patient_who_cannot_be_judged_does_not_stop_the_others(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = builders.clinic().enrollment, builders.clinic().enrollment
    real = flow.pass_day

    def pass_day(enrollment_id: int, **more: Any) -> None:
        if enrollment_id == broken.pk:
            raise LookupError("a row is missing")
        real(enrollment_id, **more)

    monkeypatch.setattr(flow, "pass_day", pass_day)
    assert flow.judge_day(at=DUE) == 1
    sound.refresh_from_db()
    assert sound.judged_on == DUE.date()
    assert flow.judge_day(at=DUE) == 0


def test_the_command_sweeps_once_and_says_how_much() -> None:
    builders.clinic()
    output = StringIO()
    with clock.simulated(DUE):
        call_command("sweep", stdout=output)
    assert output.getvalue() == f"{Reminder.objects.count()} reminders written\n"
    assert SweepRun.objects.get().trigger == "command"


@pytest.mark.parametrize("interval", ["0", "-1", "3601"])
def test_an_interval_that_makes_no_sense_is_refused(interval: str) -> None:
    with pytest.raises(CommandError, match="--interval"):
        call_command("sweep", "--loop", f"--interval={interval}")
    assert not SweepRun.objects.exists()
