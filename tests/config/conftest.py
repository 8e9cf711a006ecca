"""Real servers for the tests of the launcher: data folders that any server's user can reach, Valkey, a worker."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from config import children, embedded, places
from config.settings import base
from pathway import nudge

WAIT_SECONDS = 40.0


def wait_until(is_true: Callable[[], object], seconds: float = WAIT_SECONDS) -> bool:
    """Ask again and again; False when it has not become true in time."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(pid: int) -> bool:
    """True while a process runs; one that waits for its parent to notice its end does not count."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def data() -> Iterator[Path]:
    """An empty data folder; pytest's own are closed to the user that the servers run as under root."""
    folder = Path(tempfile.mkdtemp(prefix="pathway-test-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    wait_until(lambda: not embedded.is_running(folder), 20)
    shutil.rmtree(places.socket_dir(folder), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


class Broker:
    """An embedded Valkey that a test may stop, freeze and kill."""

    def __init__(self, data: Path) -> None:
        self.url = embedded.broker_url(data)
        self._data = data
        self.start()

    def start(self) -> None:
        user = places.server_user(self._data)
        self.process = children.spawn(
            embedded.valkey_command(self._data),
            death_signal=signal.SIGTERM,
            output=subprocess.DEVNULL,
            uid=user.uid,
            gid=user.gid,
        )
        assert wait_until(self.answers)

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as link, contextlib.suppress(OSError):
            link.connect(str(embedded.valkey_socket(self._data)))
            link.sendall(b"PING\r\n")
            return link.recv(16).startswith(b"+PONG")
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def broker(data: Path, settings: Settings) -> Iterator[Broker]:
    """A broker that nudges of this test go to."""
    server = Broker(data)
    settings.CELERY_BROKER_URL = server.url
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = base.broker_options(server.url)
    nudge.begin_anew()
    yield server
    server.kill()
    nudge.begin_anew()


@contextlib.contextmanager
def working(url: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A real Celery worker in processes of its own, on the test's database and a broker."""
    server = connection.settings_dict
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        "DATABASE_URL": f"postgresql://{server['USER']}@{server['HOST'].replace('/', '%2F')}/{server['NAME']}",
        "BROKER_URL": url,
        "PATHWAY_PROCESS": "worker",
    }
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "tests.config.jobs", "worker", "--concurrency", "2"]
    with log.open("wb") as output:
        process = children.spawn(
            [*command, "--loglevel", "INFO", "--without-gossip", "--without-mingle"],
            death_signal=signal.SIGKILL,
            output=output,
            env=environment,
            cwd=places.BASE_DIR,
        )
    try:
        wait_until(lambda: b" ready." in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def worker(broker: Broker, transactional_db: None, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker on the broker of the test."""
    with working(broker.url, tmp_path / "worker.log") as process:
        yield process
