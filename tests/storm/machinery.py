"""The machinery that the storm hits: PostgreSQL, the broker, a mail server, two sweepers, a worker and its beat.

All are real processes on a data folder of their own. What ends is started again by `mend`, as a supervisor would.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg

from config import children, embedded, places
from tests.delivery.sink import Mood, Sink

LEASE_SECONDS = 4
BROKER = "broker"
SWEEP_SECONDS = 10  # of beat; the loops sweep every half second
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]
SWEEPER = [sys.executable, "manage.py", "sweep", "--loop", "--interval", "0.5"]
WORKER = [*CELERY, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
BEAT = [*CELERY, "beat", "--loglevel", "WARNING", "--pidfile="]
# Bad enough for many repeats; that one message fails twelve times, and is given up, is not to be expected.
BAD_WEATHER = (*[Mood.TAKE] * 6, Mood.SLOW, Mood.REFUSE, Mood.BUSY, Mood.TAKE_AND_BREAK)
PREPARE = "import django; django.setup(); from tests.storm import workload; workload.main()"


class Machinery:
    """`open` makes the database; `start` begins the work; `close` ends all and removes the folder."""

    def __init__(self, chance: random.Random) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="pathway-storm-", dir="/tmp"))
        self.data.chmod(0o711)  # the servers may run as another user
        self.is_stormy = False
        self._chance = chance
        self._weather = random.Random(chance.random())  # asked by other threads
        self.sink = Sink(self._mood, slowness=0.5)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._commands = {
            "sweeper 1": SWEEPER,
            "sweeper 2": SWEEPER,
            "worker": WORKER,
            "beat": [*BEAT, "--schedule", str(self.data / "beat-schedule")],
        }

    def open(self) -> None:
        self.sink.start()
        embedded.join(self.data)
        self.run("manage.py", "migrate", "--no-input", "--verbosity", "0")
        self.run("manage.py", "load_pathways")

    def prepare(self, patients: int, sites: int, spread: float) -> dict[str, Any]:
        """The workload, made by a process of its own."""
        told = self.run("-c", PREPARE, str(patients), str(sites), str(spread))
        found: dict[str, Any] = json.loads(told)
        return found

    def start(self) -> None:
        self.start_broker()
        for name in self._commands:
            self._launch(name)

    def close(self) -> None:
        for process in self.processes.values():
            _kill_all(process)
        self.sink.stop()
        embedded.leave(self.data, 30)
        shutil.rmtree(places.socket_dir(self.data), ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)

    # processes

    def run(self, *command: str) -> str:
        """A command of the owner of the database; its output. Raises RuntimeError with what it said."""
        done = subprocess.run(
            [sys.executable, *command],
            env=self._environment("command", role=""),
            cwd=places.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed: {done.stdout[-2000:]} {done.stderr[-2000:]}")
        return done.stdout

    def mend(self) -> None:
        """Start again what has ended."""
        ended = [name for name, process in self.processes.items() if process.poll() is not None]
        for name in ended:
            _kill_all(self.processes[name])
            if name == BROKER:
                self.start_broker()
            else:
                self._launch(name)

    def kill(self, name: str) -> None:
        """-9, with all of its children: the machine does not ask."""
        _kill_all(self.processes[name])

    def kill_child(self, name: str) -> bool:
        """One of its children alone, as when memory runs out. False where it has none."""
        pid = self.processes[name].pid
        with contextlib.suppress(OSError):
            found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
            if found:
                os.kill(self._chance.choice(found), signal.SIGKILL)
                return True
        return False

    def signal_all(self, name: str, number: signal.Signals) -> None:
        """To the process and its children: SIGSTOP and SIGCONT are for the whole of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.processes[name].pid, number)

    @property
    def workers(self) -> list[str]:
        return list(self._commands)

    def log(self, name: str) -> Path:
        return self.data / f"{name.replace(' ', '-')}.log"

    def _launch(self, name: str) -> None:
        process = "worker" if name == "worker" else "beat" if name == "beat" else "command"
        with self.log(name).open("ab") as output:
            self.processes[name] = children.spawn(
                self._commands[name],
                death_signal=signal.SIGKILL,
                output=output,
                env=self._environment(process, role="pathway_deliver"),
                cwd=places.BASE_DIR,
            )

    def _environment(self, process: str, *, role: str) -> dict[str, str]:
        plain = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PATHWAY_", "DATABASE_", "BROKER_", "EMAIL_", "APPRISE_"))
        }
        return plain | {
            "DJANGO_SETTINGS_MODULE": "config.settings.dev",
            "PATHWAY_DATA_DIR": str(self.data),
            "DATABASE_URL": embedded.database_url(self.data),
            "BROKER_URL": embedded.broker_url(self.data),
            "PATHWAY_DB_ROLE": role,
            "PATHWAY_PROCESS": process,
            "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "EMAIL_HOST": "127.0.0.1",
            "EMAIL_PORT": str(self.sink.port),
            "PATHWAY_MESSAGES_PER_HOUR": "1000",
            "PATHWAY_LEASE_SECONDS": str(LEASE_SECONDS),
            "PATHWAY_SWEEP_SECONDS": str(SWEEP_SECONDS),
            "LOG_LEVEL": "WARNING",
            "PYTHONWARNINGS": "ignore",
            "PYTHONUNBUFFERED": "1",
        }

    # the servers

    def ask(self, query: str) -> Sequence[Sequence[Any]]:
        """As the owner of the database, who sees everything."""
        with psycopg.connect(embedded.database_url(self.data), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def restart_database(self) -> None:
        """Immediately: nobody is asked to finish, and the server recovers from its log."""
        pid = int((self.data / "postgres" / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        os.kill(pid, signal.SIGQUIT)
        if not embedded.leave(self.data, 60):
            raise RuntimeError("PostgreSQL did not end")
        embedded.join(self.data)

    def start_broker(self) -> None:
        user = places.server_user(self.data)
        with self.log(BROKER).open("ab") as output:
            self.processes[BROKER] = children.spawn(
                embedded.valkey_command(self.data),
                death_signal=signal.SIGKILL,
                output=output,
                uid=user.uid,
                gid=user.gid,
            )

    def flush_broker(self) -> None:
        """Every message that waits in it is gone."""
        with socket.socket(socket.AF_UNIX) as link, contextlib.suppress(OSError):
            link.settimeout(2)
            link.connect(str(embedded.valkey_socket(self.data)))
            link.sendall(b"FLUSHALL\r\n")
            link.recv(16)

    def _mood(self, _number: int) -> Mood:
        return self._weather.choice(BAD_WEATHER) if self.is_stormy else Mood.TAKE


@contextlib.contextmanager
def running(chance: random.Random) -> Iterator[Machinery]:
    machinery = Machinery(chance)
    try:
        machinery.open()
        yield machinery
    finally:
        machinery.close()


def _kill_all(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
