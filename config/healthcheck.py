"""`python -m config.healthcheck web|worker|beat|sweeper`: exit status 0 when that process of a container does its work.

Each asks for a result, not whether a process exists: a page, an answer over the broker, a fresh file, a finished sweep.
"""

import http
import os
import socket
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException  # noqa: TID251 (asks its own page, on this machine)
from pathlib import Path

import celery
import psycopg

from config import environment

BEAT_SECONDS = 600.0  # beat writes its file every 180 s
SWEEP_MINUTES = 5


def web(variables: environment.Environment) -> bool:
    """The readiness page answers, asked under a name that is allowed."""
    hosts = variables.listing("ALLOWED_HOSTS", ("localhost",))
    link = HTTPConnection("127.0.0.1", variables.integer("PORT", 8000, 1, 65535), timeout=5)
    try:
        link.request("GET", "/readyz", headers={"Host": hosts[0].removeprefix(".")})
        return link.getresponse().status == http.HTTPStatus.OK
    finally:
        link.close()


def worker(variables: environment.Environment) -> bool:
    """This container's worker answers over the broker."""
    app = celery.Celery("pathway-health", broker=variables.secret("BROKER_URL"), set_as_current=False)
    return bool(app.control.ping(destination=[f"celery@{socket.gethostname()}"], timeout=5))


def beat(variables: environment.Environment) -> bool:
    """Beat has written its schedule not long ago; some Pythons add an ending to the file's name."""
    name = Path(variables.text("BEAT_SCHEDULE_FILE", "beat-schedule"))
    written = [path.stat().st_mtime for path in name.parent.glob(f"{name.name}*")]
    return bool(written) and time.time() - max(written) < BEAT_SECONDS


def sweeper(variables: environment.Environment) -> bool:
    """A sweep has finished within the last minutes, by the database's clock."""
    query = "SELECT count(*) FROM pathway_sweeprun WHERE finished_at > now() - make_interval(mins => %s)"
    role = variables.identifier("PATHWAY_DB_ROLE") or "none"
    with psycopg.connect(variables.secret("DATABASE_URL"), connect_timeout=5, options=f"-c role={role}") as connection:
        found = connection.execute(query, [SWEEP_MINUTES]).fetchone()
    return found is not None and found[0] > 0


CHECKS: dict[str, Callable[[environment.Environment], bool]] = {
    "web": web,
    "worker": worker,
    "beat": beat,
    "sweeper": sweeper,
}


def main(name: str) -> int:
    """The exit status for one component; a check that cannot be made counts as unhealthy and says why."""
    try:
        is_healthy = CHECKS[name](environment.Environment(os.environ))
    except (OSError, HTTPException, psycopg.Error, celery.exceptions.CeleryError) as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0 if is_healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
