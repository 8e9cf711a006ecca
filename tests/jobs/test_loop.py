"""The third trigger: a process that sweeps without any broker, until it is asked to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from django.db import connection

from config import places
from pathway.models import Heartbeat, Reminder, SweepRun
from tests import builders

WAIT_SECONDS = 30.0


def wait_until(is_true: Callable[[], object]) -> bool:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(is_true())


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_loop_sweeps_until_it_is_asked_to_stop(committed: None, ending: signal.Signals) -> None:
    builders.clinic()  # long ago, so that much is due
    server = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql://{server['USER']}@{server['HOST'].replace('/', '%2F')}/{server['NAME']}",
        "BROKER_URL": "redis+socket:///nowhere/at/all.sock",
    }
    command = [sys.executable, "manage.py", "sweep", "--loop", "--interval", "0.1"]
    process = subprocess.Popen(command, env=environment, cwd=places.BASE_DIR, stderr=subprocess.PIPE)
    try:
        assert wait_until(lambda: SweepRun.objects.filter(finished_at__isnull=False).count() >= 2)
        process.send_signal(ending)
        assert process.wait(WAIT_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
    assert Reminder.objects.exists()
    assert not SweepRun.objects.filter(finished_at=None).exists()
    assert Heartbeat.objects.filter(component="loop").exists()
