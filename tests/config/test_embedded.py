"""The embedded PostgreSQL lives as long as somebody uses it, and comes back whatever was killed."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from config import embedded, environment, keeper, places
from tests.config.conftest import is_alive, wait_until

CLIENT = """
import sys
from pathlib import Path
from config import embedded
embedded.join(Path(sys.argv[1]))
print("joined", flush=True)
sys.stdin.read()
"""


@contextmanager
def client(data: Path) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the database until the block ends."""
    command = [sys.executable, "-c", CLIENT, str(data)]
    process = subprocess.Popen(command, cwd=places.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "joined\n"
    try:
        yield process
    finally:
        process.communicate()


def execute(data: Path, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(embedded.database_url(data), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def server_pid(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def keeper_pid(data: Path) -> int:
    return int(Path(f"/proc/{server_pid(data)}/stat").read_text().rpartition(")")[2].split()[1])


def has_ended(data: Path, *pids: int) -> bool:
    return wait_until(lambda: not embedded.is_running(data) and not any(map(is_alive, pids)), 20)


def test_the_server_lives_until_its_last_client_has_gone(data: Path) -> None:
    with client(data):
        server, guard = server_pid(data), keeper_pid(data)
        with client(data):
            assert server_pid(data) == server
        assert embedded.is_running(data)
    assert has_ended(data, server, guard)


def test_what_was_written_is_there_at_the_next_start(data: Path) -> None:
    with client(data):
        execute(data, "CREATE TABLE kept AS SELECT 7 AS value")
    assert has_ended(data)
    with client(data):
        assert execute(data, "SELECT value FROM kept") == [(7,)]


@pytest.mark.parametrize("victim", [server_pid, keeper_pid], ids=["server", "keeper"])
def test_after_kill_9_the_next_client_starts_it_again(data: Path, victim: Callable[[Path], int]) -> None:
    with client(data):
        execute(data, "CREATE TABLE kept AS SELECT 7 AS value")
        os.kill(victim(data), signal.SIGKILL)
        with client(data):
            assert execute(data, "SELECT value FROM kept") == [(7,)]


def test_kill_9_of_the_last_client_ends_the_server(data: Path) -> None:
    with client(data) as process:
        server, guard = server_pid(data), keeper_pid(data)
        process.kill()
        assert has_ended(data, server, guard)


def test_clients_that_come_while_it_stops_get_a_server(data: Path) -> None:
    for _ in range(5):
        with client(data):
            assert execute(data, "SELECT 1") == [(1,)]


def test_an_old_pid_file_that_names_a_stranger_does_not_stop_the_start(data: Path) -> None:
    with client(data):
        pass
    assert has_ended(data)
    user = places.server_user(data)
    change = user.uid != os.geteuid()
    stranger = subprocess.Popen(["sleep", "60"], user=user.uid if change else None)
    try:
        pid_file = data / "postgres" / "postmaster.pid"
        pid_file.write_text(f"{stranger.pid}\n{data / 'postgres'}\n0\n5432\n\n\n")
        os.chown(pid_file, user.uid, user.gid)
        with client(data):
            assert server_pid(data) != stranger.pid
    finally:
        stranger.kill()
        stranger.wait()


def test_a_start_that_fails_says_what_postgresql_said(data: Path) -> None:
    with client(data):
        pass
    assert has_ended(data)
    (data / "postgres" / "PG_VERSION").write_text("9.4\n")
    with pytest.raises(environment.ConfigurationError, match="incompatible with server"):
        embedded.join(data)


def test_nobody_else_can_reach_the_server(data: Path) -> None:
    with client(data):
        folder = places.socket_dir(data).lstat()
        assert stat.S_IMODE(folder.st_mode) == 0o700
        assert folder.st_uid == places.server_user(data).uid
        assert execute(data, "SHOW listen_addresses") == [("",)]


def test_a_socket_folder_that_others_may_enter_is_refused(data: Path) -> None:
    folder = places.socket_dir(data)
    folder.chmod(0o755)
    with pytest.raises(environment.ConfigurationError, match="not a private folder"):
        places.socket_dir(data)
    folder.chmod(0o700)


def test_only_an_established_session_counts_as_running(data: Path) -> None:
    assert keeper.is_ready(places.socket_dir(data)) is False
    assert embedded.is_alive(data) is False
