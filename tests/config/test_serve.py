"""`manage.py serve` as a person runs it: one command, a page, and a clean end."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection  # noqa: TID251 (asks the server that it has started)
from pathlib import Path
from typing import Self

import pytest

from config import embedded, places
from tests.config.conftest import is_alive, wait_until

START_SECONDS = 90.0
COMMAND = f"{sys.executable} manage.py serve"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Serving:
    """A running `manage.py serve` on a data folder of its own, without the demo clinic."""

    def __init__(self, data: Path, log: Path, command: list[str] | None = None) -> None:
        self.data, self.log, self.port = data, log, free_port()
        variables = {"PATH": os.environ["PATH"], "HOME": str(data), "PORT": str(self.port), "PATHWAY_DEMO": "0"}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command or [sys.executable, "manage.py", "serve"],
                cwd=places.BASE_DIR,
                env=variables | {"PATHWAY_DATA_DIR": str(data)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, words: str) -> None:
        wait_until(lambda: words in self.said() or self.process.poll() is not None, START_SECONDS)
        assert words in self.said(), self.said()

    def descendants(self) -> list[int]:
        """The processes below this one, and the database's, which belong to its keeper."""
        table = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
        rows = [re.split(r"\s+", row.strip(), maxsplit=2) for row in table.splitlines()]
        family = {self.process.pid} | {int(pid) for pid, _, args in rows if str(self.data) in args}
        while grown := {int(pid) for pid, parent, _ in rows if int(parent) in family} - family:
            family |= grown
        return sorted(family - {self.process.pid})

    def status_of(self, path: str) -> int:
        link = HTTPConnection("127.0.0.1", self.port, timeout=10)
        link.request("GET", path)
        return link.getresponse().status


@pytest.fixture
def serving(data: Path, tmp_path: Path) -> Iterator[Serving]:
    with Serving(data, tmp_path / "serve.log") as running:
        yield running


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_one_command_serves_everything_and_ctrl_c_ends_it(serving: Serving) -> None:
    serving.wait_for("ready: ")
    serving.wait_for("celery@")
    serving.wait_for("beat: Starting...")
    assert serving.status_of("/readyz") == 200
    family = serving.descendants()
    serving.process.send_signal(signal.SIGINT)
    assert serving.process.wait(30) == 0
    assert serving.said().rstrip().endswith("| stopped")
    assert not [pid for pid in family if is_alive(pid)]
    assert not embedded.is_running(serving.data)
    assert "Traceback" not in serving.said()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_kill_9_leaves_nothing_behind_and_the_next_start_works(serving: Serving, tmp_path: Path) -> None:
    serving.wait_for("celery@")
    family = serving.descendants()
    assert len(family) > 6
    serving.process.kill()
    serving.process.wait()
    assert wait_until(lambda: not [pid for pid in family if is_alive(pid)], 30)
    with Serving(serving.data, tmp_path / "again.log") as again:
        again.wait_for("ready: ")
        os.kill(int((again.data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        assert again.process.wait(40) == 1
        assert "PostgreSQL has ended, so everything ends" in again.said()


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_kill_9_of_make_run_ends_what_it_started(data: Path, tmp_path: Path) -> None:
    with Serving(data, tmp_path / "serve.log", ["sh", "-c", f"PATHWAY_END_WITH_PARENT=1 {COMMAND}; true"]) as run:
        run.wait_for("ready: ")
        family = run.descendants()
        run.process.kill()
        assert wait_until(lambda: not [pid for pid in family if is_alive(pid)], 30)


def test_a_taken_port_is_named(data: Path, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        command = [sys.executable, "manage.py", "serve"]
        variables = {"PATH": os.environ["PATH"], "PATHWAY_DATA_DIR": str(data), "PORT": str(other.getsockname()[1])}
        done = subprocess.run(command, cwd=places.BASE_DIR, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"Port {variables['PORT']} of 127.0.0.1 is not free" in done.stderr
    assert "Traceback" not in done.stderr
