"""Celery really runs the jobs, and whatever happens to the broker, nobody's click fails."""

import os
import signal
import subprocess
import time
from pathlib import Path

import celery
import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction

from pathway import nudge
from tests.config.conftest import Broker, wait_until


class ChangedOurMind(Exception):
    """Rolls a transaction back."""


def has_mark(key: str) -> bool:
    return Session.objects.filter(session_key=key).exists()


def test_a_nudge_runs_the_job_on_a_real_worker_after_the_commit(worker: "subprocess.Popen[bytes]") -> None:
    with pytest.raises(ChangedOurMind), transaction.atomic():
        nudge.nudge("tests.leave_mark", key="rolled-back")
        raise ChangedOurMind
    with transaction.atomic():
        nudge.nudge("tests.leave_mark", key="committed")
    assert wait_until(lambda: has_mark("committed"))
    assert not has_mark("rolled-back")


def test_the_worker_knows_every_job_of_the_schedule(worker: "subprocess.Popen[bytes]", broker: Broker) -> None:
    app = celery.Celery("question", broker=broker.url, set_as_current=False)
    known = {name for names in app.control.inspect(timeout=10, limit=1).registered().values() for name in names}
    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= known


def test_the_schedule_follows_intervals_and_no_calendar() -> None:
    assert all(isinstance(entry["schedule"], float) for entry in settings.CELERY_BEAT_SCHEDULE.values())
    assert settings.CELERY_TIMEZONE == "UTC"


def test_a_job_whose_process_was_killed_runs_again(worker: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    nudge.nudge("tests.die_once", key="second-run", memory=str(tmp_path / "died"))
    assert wait_until(lambda: has_mark("second-run"))


def test_acknowledging_late_alone_would_lose_it(worker: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    """Which is why no reminder is a message: what is due is asked of the database, by whoever comes next."""
    nudge.nudge("tests.die_once_late", key="second-run", memory=str(tmp_path / "died"))
    assert wait_until((tmp_path / "died").exists)
    for number in range(4):  # more than the worker has processes
        nudge.nudge("tests.leave_mark", key=f"later-{number}")
    assert wait_until(lambda: all(has_mark(f"later-{number}") for number in range(4)))
    assert not has_mark("second-run")


def test_a_worker_comes_back_when_the_broker_was_killed(worker: "subprocess.Popen[bytes]", broker: Broker) -> None:
    broker.kill()
    nudge.nudge("tests.leave_mark", key="lost")
    assert nudge.wait_until_sent(20)
    broker.start()
    nudge.nudge("tests.leave_mark", key="after")
    assert wait_until(lambda: has_mark("after"))
    assert not has_mark("lost")


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_gone_fails_no_click(broker: Broker) -> None:
    broker.kill()
    started = time.monotonic()
    with transaction.atomic():
        nudge.nudge("tests.leave_mark", key="lost")
    assert time.monotonic() - started < 1


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_silent_holds_no_click(broker: Broker) -> None:
    os.kill(broker.process.pid, signal.SIGSTOP)
    started = time.monotonic()
    with transaction.atomic():
        nudge.nudge("tests.leave_mark", key="late")
    assert time.monotonic() - started < 1
