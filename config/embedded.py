"""The embedded PostgreSQL and Valkey: what a start without DATABASE_URL and BROKER_URL uses.

`join()` gives this process the database for as long as it lives, starting it when none runs. The server belongs to
the keeper (`config.keeper`), which stops it after the last client. Both servers listen on a unix socket in a private
folder and nowhere else, so there are no passwords.
"""

import dataclasses
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

from config import binaries, environment, keeper, locks, places

JOIN_SECONDS = 60.0

_clients: dict[Path, locks.FileLock] = {}


def data_dir() -> Path:
    """The data folder, made when missing; raises ConfigurationError when it is not usable."""
    return places.data_dir()


def accounts_file() -> Path:
    """The private file with the demo accounts: a JSON list of {"username", "password", "role"}."""
    return data_dir() / "demo_accounts.json"


def is_wanted() -> bool:
    """True when no DATABASE_URL points elsewhere; never in production, and tests start their own."""
    variables = environment.Environment()
    if variables.text("DJANGO_SETTINGS_MODULE").endswith((".prod", ".test")):
        return False
    return not variables.text("DATABASE_URL") and not variables.text("DATABASE_URL_FILE")


def database_url(data: Path) -> str:
    """The URL of the embedded database, whether it runs or not; libpq understands it too."""
    return f"postgresql://{keeper.ROLE}@{quote(str(places.socket_dir(data)), safe='')}/{keeper.DATABASE}"


def broker_url(data: Path) -> str:
    """The URL of the embedded Valkey, whether it runs or not."""
    return f"redis+socket://{valkey_socket(data)}?virtual_host=0"


def valkey_socket(data: Path) -> Path:
    """The socket of the embedded Valkey."""
    return places.socket_dir(data) / "valkey.sock"


def is_running(data: Path) -> bool:
    """True when the embedded PostgreSQL of this data folder accepts sessions."""
    return keeper.is_ready(places.socket_dir(data))


def is_alive(data: Path) -> bool:
    """True while the server's process exists: cheaper than `is_running`, and enough to notice its end."""
    try:
        pid = int((data / "postgres" / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        os.kill(pid, 0)
    except PermissionError:  # it runs as another user
        return True
    except (OSError, ValueError, IndexError):
        return False
    return True


def join(data: Path, *, careless: bool = False) -> None:
    """Hold the embedded PostgreSQL until this process ends, starting it when none runs.

    `careless` trades safety against a crash of the machine for speed (tests). Raises ConfigurationError with
    PostgreSQL's own words when it cannot be started.
    """
    if data in _clients:
        return
    client = locks.FileLock(data / "clients.lock")
    client.share()  # waits while a keeper is stopping its server
    with locks.FileLock(data / "start.lock") as turn:
        turn.take()
        deadline = time.monotonic() + JOIN_SECONDS
        while not is_running(data):
            _start_keeper(data, careless, deadline)
    _clients[data] = client


def leave(data: Path, seconds: float = 5.0) -> bool:
    """Give the embedded PostgreSQL up; True when it has ended within `seconds`, False when others still use it."""
    client = _clients.pop(data, None)
    if client is not None:
        client.release()
    deadline = time.monotonic() + seconds
    while is_running(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def valkey_command(data: Path) -> list[str]:
    """The command that runs the embedded Valkey in the foreground, with a log of every write on disk."""
    folder = data / "valkey"
    places.make_private(folder, places.server_user(data))
    return [
        str(binaries.valkey_server(data)),
        *("--port", "0"),
        *("--unixsocket", str(valkey_socket(data))),
        *("--unixsocketperm", "700"),
        *("--dir", str(folder)),
        *("--appendonly", "yes"),
        *("--save", ""),
        *("--maxmemory-policy", "noeviction"),
        *("--loglevel", "warning"),
    ]


def _start_keeper(data: Path, careless: bool, deadline: float) -> None:
    user = places.server_user(data)
    order = keeper.Order(
        data=str(data),
        sockets=str(places.socket_dir(data)),
        programs=str(binaries.postgres_bin(data)),
        uid=user.uid,
        gid=user.gid,
        careless=careless,
    )
    done = subprocess.run(
        [sys.executable, "-S", "-m", "config.keeper", json.dumps(dataclasses.asdict(order))],
        cwd=places.BASE_DIR,
        env=_plain_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or time.monotonic() > deadline:
        raise environment.ConfigurationError(f"The embedded PostgreSQL does not start: {done.stderr.strip()}")


def _plain_environment() -> dict[str, str]:
    # PG* variables of the user's shell would change the server that initdb makes.
    kept = ("PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"LC_ALL": "C.UTF-8", "TZ": "UTC"}
