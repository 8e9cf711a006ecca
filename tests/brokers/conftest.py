"""Brokers that this machine has: the embedded Valkey always, Redis and RabbitMQ where `make brokers` has put them.

What is missing is named at the end of the test run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from config import children, embedded, places
from config.settings import base
from pathway import nudge
from tests.config.conftest import data, wait_until

__all__ = ["data"]

# Debian's own wrapper would become another user.
RABBITMQ = (Path("/usr/lib/rabbitmq/bin/rabbitmq-server"), Path("/usr/sbin/rabbitmq-server"))


def rabbitmq_program() -> Path | None:
    """The plain start script of RabbitMQ."""
    return next((path for path in RABBITMQ if path.exists()), None) if shutil.which("erl") else None


def found() -> dict[str, str]:
    """The kinds of brokers that are here, each with its program."""
    kinds = {"valkey": "embedded"}
    redis = shutil.which("redis-server")
    if redis:
        kinds["redis"] = redis
    if rabbitmq_program() is not None:
        kinds["rabbitmq"] = str(rabbitmq_program())
    return kinds


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say with which brokers the run was, and which it lacked."""
    missing = sorted({"valkey", "redis", "rabbitmq"} - set(found()))
    lacking = f"; not installed: {', '.join(missing)} (see `make brokers`)" if missing else ""
    terminalreporter.write_line(f"brokers tested: {', '.join(found())}{lacking}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A broker in processes of its own, that a test may freeze, kill and start again on what it had."""

    def __init__(self, kind: str, data: Path) -> None:
        self.kind, self._data, self._port = kind, data, free_port()
        self.url = {
            "valkey": embedded.broker_url(data),
            "redis": f"redis://127.0.0.1:{self._port}/0",
            "rabbitmq": f"amqp://guest:guest@127.0.0.1:{self._port}//",
        }[kind]
        self._epmd: subprocess.Popen[bytes] | None = None
        self._epmd_port = str(free_port())
        self.start()

    def start(self) -> None:
        command, environment, uid, gid = self._how()
        self.process = children.spawn(
            command, death_signal=signal.SIGTERM, output=subprocess.DEVNULL, env=environment, uid=uid, gid=gid
        )
        assert wait_until(self.answers, 60), self.kind

    def freeze(self) -> None:
        """It accepts and never answers."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()

    def _how(self) -> tuple[list[str], dict[str, str] | None, int | None, int | None]:
        if self.kind == "valkey":
            user = places.server_user(self._data)
            return embedded.valkey_command(self._data), None, user.uid, user.gid
        if self.kind == "redis":
            plain = ["--bind", "127.0.0.1", "--port", str(self._port), "--save", "", "--appendonly", "no"]
            return [found()["redis"], *plain, "--dir", str(self._data)], None, None, None
        return [found()["rabbitmq"]], self._rabbitmq_environment(), None, None

    def _rabbitmq_environment(self) -> dict[str, str]:
        # Erlang would leave its name server behind; this one is ours.
        names = {"ERL_EPMD_PORT": self._epmd_port, "ERL_EPMD_ADDRESS": "127.0.0.1"}
        if self._epmd is None:
            epmd = shutil.which("epmd")
            assert epmd is not None
            self._epmd = children.spawn(
                [epmd, "-port", self._epmd_port, "-address", "127.0.0.1"],
                death_signal=signal.SIGKILL,
                output=subprocess.DEVNULL,
            )
        home = self._data / "rabbitmq"
        home.mkdir(exist_ok=True)
        (home / "enabled_plugins").write_text("[].\n")
        return (
            os.environ
            | names
            | {
                "HOME": str(home),
                "RABBITMQ_NODENAME": f"pathway{self._port}@localhost",
                "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
                "RABBITMQ_NODE_PORT": str(self._port),
                "RABBITMQ_DIST_PORT": str(free_port()),
                "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
                "RABBITMQ_LOG_BASE": str(home / "log"),
                "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
                "RABBITMQ_CONFIG_FILE": str(home / "none"),
                "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
            }
        )

    def answers(self, seconds: float = 5) -> bool:
        """Whether it says what its kind says first, in so many seconds."""
        if self.kind == "valkey":
            return _hears(socket.AF_UNIX, str(embedded.valkey_socket(self._data)), b"PING\r\n", b"+PONG", seconds)
        asked, answer = (b"PING\r\n", b"+PONG") if self.kind == "redis" else (b"AMQP\x00\x00\x09\x01", b"\x01")
        return _hears(socket.AF_INET, ("127.0.0.1", self._port), asked, answer, seconds)


def _hears(family: int, address: object, asked: bytes, answer: bytes, seconds: float) -> bool:
    with socket.socket(family) as link, contextlib.suppress(OSError):
        link.settimeout(seconds)
        link.connect(address)
        link.sendall(asked)
        return link.recv(16).startswith(answer)
    return False


@pytest.fixture(params=sorted(found()))
def server(request: pytest.FixtureRequest, data: Path, settings: Settings) -> Iterator[Server]:
    """Each kind of broker that is here, to which nudges of this test go."""
    running = Server(request.param, data)
    point_to(running.url, settings)
    yield running
    running.end()
    nudge.begin_anew()


def point_to(url: str, settings: Settings = django_settings) -> None:
    """Nudges go to this broker from now on."""
    settings.CELERY_BROKER_URL = url
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = base.broker_options(url)
    nudge.begin_anew()
