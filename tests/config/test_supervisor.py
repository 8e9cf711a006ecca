"""The supervisor: order, prefixes, restarts, and one end for all."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from config import places, supervisor
from tests.config.conftest import is_alive, wait_until

SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]


def child(name: str, *words: str, essential: bool = False, once: bool = False) -> supervisor.Child:
    return supervisor.Child(name, ["sh", "-c", *words], dict(os.environ), essential=essential, once=once)


def pid_of(some: supervisor.Child) -> int:
    assert some.process is not None
    return some.process.pid


def test_every_line_carries_its_process_name(capsys: pytest.CaptureFixture[str]) -> None:
    processes = supervisor.Supervisor()
    assert processes.run_to_end(child("first", "echo one; echo; printf two"))
    assert capsys.readouterr().out == "first    | one\nfirst    | two\n"


def test_a_step_that_fails_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert not supervisor.Supervisor().run_to_end(child("step", "echo no >&2; exit 3"))
    assert capsys.readouterr().out == "step     | no\n"


def test_the_end_of_an_essential_child_ends_all(capsys: pytest.CaptureFixture[str]) -> None:
    processes = supervisor.Supervisor()
    other = processes.start(supervisor.Child("other", SLEEP, dict(os.environ)))
    processes.start(child("web", "sleep 0.2", essential=True))
    assert processes.pump_until(lambda: False) is False
    processes.stop()
    assert not is_alive(pid_of(other))
    assert "web has ended, so everything ends" in capsys.readouterr().out


def test_another_child_starts_again_and_waits_longer_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    processes = supervisor.Supervisor()
    worker = processes.start(child("worker", "exit 1"))
    deadline = time.monotonic() + 10
    processes.pump_until(lambda: worker.pause >= 4 or time.monotonic() > deadline)
    processes.stop()
    said = capsys.readouterr().out
    assert "worker has ended; next start in 1 s" in said
    assert "worker has ended; next start in 2 s" in said


def test_a_child_that_runs_once_does_not_start_again() -> None:
    processes = supervisor.Supervisor()
    seed = processes.start(child("demo", "exit 0", once=True))
    first = pid_of(seed)
    deadline = time.monotonic() + 2
    processes.pump_until(lambda: time.monotonic() > deadline)
    processes.stop()
    assert pid_of(seed) == first


def test_stopping_kills_what_does_not_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "GRACE_SECONDS", 0.5)
    processes = supervisor.Supervisor()
    deaf = processes.start(child("deaf", "trap '' TERM; while :; do sleep 0.1; done"))
    time.sleep(0.3)
    processes.stop()
    assert not is_alive(pid_of(deaf))


PARENT = """
import os, signal, sys, time
from config import supervisor
processes = supervisor.Supervisor()
one = processes.start(supervisor.Child("one", ["sleep", "60"], dict(os.environ)))
print(one.process.pid, flush=True)
time.sleep(60)
"""


def test_kill_9_of_the_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], cwd=places.BASE_DIR, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    orphan = int(parent.stdout.readline())
    assert is_alive(orphan)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert wait_until(lambda: not is_alive(orphan), 5)
