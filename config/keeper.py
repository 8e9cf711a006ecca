"""The keeper: a small process that owns one embedded PostgreSQL for as long as anybody uses it.

Every process that uses the database holds a shared lock on `clients.lock` (see `config.embedded`). When the keeper
gets the exclusive lock, nobody is left and it stops the server. Locks end with their process, so kill -9 of any part
is seen too. Standard library only; run as `python -S -m config.keeper ORDER`.
"""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from config import children, locks

DATABASE = "pathway"
ROLE = "pathway"
PORT = 5432  # names the socket file only; no TCP port is opened
START_SECONDS = 40.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.2
LOG_LIMIT = 5_000_000  # bytes; an older log is kept once
PROTOCOL_3 = 196608

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
}
# For test databases only: a crash of the machine may lose them.
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class KeeperError(Exception):
    """PostgreSQL could not be made or started; the message says why."""


@dataclasses.dataclass(frozen=True)
class Order:
    """What to run: folders as text, the server's user, and whether losing data in a crash is acceptable."""

    data: str
    sockets: str
    programs: str
    uid: int
    gid: int
    careless: bool

    @property
    def cluster(self) -> Path:
        return Path(self.data) / "postgres"


def is_ready(sockets: Path) -> bool:
    """True when the server behind this socket folder lets the role in (not merely: something listens)."""
    words = b"user\0" + ROLE.encode() + b"\0database\0" + DATABASE.encode() + b"\0\0"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(5)
            link.connect(str(sockets / f".s.PGSQL.{PORT}"))
            link.sendall(struct.pack("!ii", len(words) + 8, PROTOCOL_3) + words)
            welcome = link.recv(4096)[:1] == b"R"
            link.sendall(b"X" + struct.pack("!i", 4))
            while link.recv(4096):  # leave politely, else the server logs a broken connection
                pass
            return welcome
    except OSError:
        return False


def main(order: Order) -> None:
    """Start PostgreSQL, tell the caller through the exit status, and stay behind as its keeper."""
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader) as news:
            sys.exit(news.read() or None)
    os.close(reader)
    os.setsid()
    os.chdir("/")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _keep(order, writer)


def _keep(order: Order, writer: int) -> None:
    with _log(order) as log:
        for stream in (0, 1, 2):
            os.dup2(log.fileno(), stream)
        try:
            with locks.FileLock(Path(order.data) / "keeper.lock") as turn:
                _wait_for_turn(turn)
                server = _started(order)
                os.close(writer)
                _stay(order, server)
        except (KeeperError, OSError) as error:
            with contextlib.suppress(OSError):  # closed already when the server had started
                os.write(writer, str(error).encode())


def _stay(order: Order, server: "subprocess.Popen[bytes]") -> None:
    signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGINT))
    with locks.FileLock(Path(order.data) / "clients.lock") as clients:
        while server.poll() is None:
            if clients.try_take():
                children.stop(server, signal.SIGINT, STOP_SECONDS)
                return
            time.sleep(POLL_SECONDS)


def _started(order: Order) -> "subprocess.Popen[bytes]":
    if not (order.cluster / "PG_VERSION").exists():
        _make_cluster(order)
    deadline = time.monotonic() + START_SECONDS
    while True:
        _forget_dead_server(order)
        server = _launch(order)
        while server.poll() is None and time.monotonic() < deadline:
            if is_ready(Path(order.sockets)):
                return server
            time.sleep(0.02)
        # Right after kill -9 the old server's memory is still attached; that passes.
        if time.monotonic() > deadline:
            children.stop(server, signal.SIGQUIT, STOP_SECONDS)
            raise KeeperError(f"PostgreSQL did not start; its log ends with:\n{_log_tail(order)}")
        time.sleep(0.3)
        if "incompatible with server" in _log_tail(order):
            deadline = 0.0


def _launch(order: Order) -> "subprocess.Popen[bytes]":
    settings = SETTINGS | (CARELESS if order.careless else {}) | {"unix_socket_directories": order.sockets}
    command = [f"{order.programs}/postgres", "-D", str(order.cluster), "-p", str(PORT)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return children.spawn(command, death_signal=signal.SIGINT, output=1, uid=order.uid, gid=order.gid)


def _make_cluster(order: Order) -> None:
    # Made beside its place and renamed, so that a broken attempt never looks like a database.
    unfinished = order.cluster.with_name("postgres.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    os.chown(unfinished, order.uid, order.gid)
    initdb = [f"{order.programs}/initdb", "-D", str(unfinished), "-U", ROLE, "-A", "trust"]
    _run(order, [*initdb, "-E", "UTF8", "--locale=C.UTF-8", *(["--no-sync"] if order.careless else [])])
    single = [f"{order.programs}/postgres", "--single", "-D", str(unfinished), "template1"]
    _run(order, single, f"CREATE DATABASE {DATABASE}\n")
    unfinished.rename(order.cluster)


def _run(order: Order, command: list[str], words: str = "") -> None:
    change = order.uid != os.geteuid()
    done = subprocess.run(
        command,
        input=words,
        text=True,
        capture_output=True,
        check=False,
        user=order.uid if change else None,
        group=order.gid if change else None,
        extra_groups=[] if change else None,
    )
    if done.returncode:
        raise KeeperError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()}")


def _forget_dead_server(order: Order) -> None:
    # After a restart of the machine, the number in an old pid file can belong to an unrelated process of this user,
    # and PostgreSQL would refuse to start because of it.
    pid_file = order.cluster / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int(pid_file.read_text().splitlines()[0])
        if b"postgres" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            pid_file.unlink()


def _wait_for_turn(lock: locks.FileLock) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while not lock.try_take():
        if time.monotonic() > deadline:
            raise KeeperError("another keeper holds this data folder, but its PostgreSQL does not answer")
        time.sleep(0.1)


def log_file(data: Path) -> Path:
    """Where PostgreSQL and its keeper write."""
    return data / "postgres.log"


def _log(order: Order) -> IO[bytes]:
    path = log_file(Path(order.data))
    if path.exists() and path.stat().st_size > LOG_LIMIT:
        path.replace(path.with_suffix(".old.log"))
    return path.open("ab", buffering=0)


def _log_tail(order: Order) -> str:
    lines = log_file(Path(order.data)).read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-5:])


if __name__ == "__main__":
    main(Order(**json.loads(sys.argv[1])))
