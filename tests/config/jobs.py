"""Jobs that only the tests have, for a worker that is started with `-A tests.config.jobs`."""

import datetime
import os
import signal
from pathlib import Path

from django.apps import apps

from config.celery import app

FAR = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)


@app.task(name="tests.leave_mark")
def leave_mark(key: str) -> None:
    """Leave a row in the database."""
    apps.get_model("sessions", "Session").objects.create(session_key=key, session_data="", expire_date=FAR)


@app.task(name="tests.die_once")
def die_once(key: str, memory: str) -> None:
    """The first run dies as if the machine had killed it; the second leaves a row."""
    if not Path(memory).exists():
        Path(memory).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    leave_mark(key)


@app.task(name="tests.die_once_late", acks_late=True, reject_on_worker_lost=False)
def die_once_late(key: str, memory: str) -> None:
    """As `die_once`, but the worker is told nothing of processes that are lost."""
    die_once(key, memory)
