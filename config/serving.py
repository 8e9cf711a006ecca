"""What `manage.py serve` runs, and in which order: databases, migrations, web, and then the rest."""

import dataclasses
import http
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException  # noqa: TID251 (asks its own page, on this machine)
from pathlib import Path

from django.apps import apps
from django.core import management
from django.db import connection

from config import children, embedded, environment, locks, places, supervisor

MANAGE = [sys.executable, str(places.BASE_DIR / "manage.py")]
CELERY = [sys.executable, "-m", "celery", "--quiet", "-A", "config.celery"]
WORKER = [*CELERY, "worker", "--concurrency", "2", "--without-gossip", "--without-mingle", "--loglevel", "INFO"]
DEMO = ["--patients", "60", "--months", "24", "--seed", "1"]
VALKEY = "valkey"
ROLE_VARIABLE = "PATHWAY_DB_ROLE"
# What serves people, and what works by itself; a job that needs to do more becomes that for a transaction.
WEB_ROLE, WORKER_ROLE = "pathway_web", "pathway_deliver"
WEB_SECONDS = 90.0


@dataclasses.dataclass(frozen=True)
class Plan:
    """What this start uses: its data folder, address, and which servers are embedded."""

    data: Path
    host: str
    port: int
    own_database: bool
    own_broker: bool
    with_demo: bool
    ends_with_parent: bool

    @property
    def url(self) -> str:
        host = f"[{self.reachable_host}]" if ":" in self.reachable_host else self.reachable_host
        return f"http://{host}:{self.port}/"

    @property
    def reachable_host(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)


def plan(variables: environment.Environment) -> Plan:
    """Read the plan from the environment; raises ConfigurationError naming what is wrong."""
    own_database = embedded.is_wanted()
    return Plan(
        data=embedded.data_dir(),
        host=variables.text("PATHWAY_HOST", "127.0.0.1"),
        port=variables.integer("PORT", 8000, 1, 65535),
        own_database=own_database,
        own_broker=not variables.text("BROKER_URL") and not variables.text("BROKER_URL_FILE"),
        # A database that somebody chose gets invented patients only when they ask for them.
        with_demo=variables.boolean("PATHWAY_DEMO", own_database),
        ends_with_parent=variables.boolean("PATHWAY_END_WITH_PARENT", False),
    )


def serve(what: Plan) -> int:
    """Run everything until Ctrl-C; the exit status."""
    with locks.FileLock(what.data / "serve.lock") as turn:
        if not turn.try_take():
            raise environment.ConfigurationError(f"Pathway already runs on the data folder {what.data}.")
        refuse_taken_port(what)
        processes = supervisor.Supervisor()
        processes.listen_for_signals()
        if what.ends_with_parent:
            children.end_with_parent(signal.SIGTERM)
        try:
            finished = _run(processes, what)
        finally:
            processes.say("stopping")
            processes.stop(last=(VALKEY,))
            connection.close()
            if what.own_database and not embedded.leave(what.data):
                processes.say("PostgreSQL goes on for the other commands that use it", "postgres")
        processes.say("stopped")
        return 0 if finished else 1


def refuse_taken_port(what: Plan) -> None:
    """Raise ConfigurationError when something already listens there."""
    family = socket.AF_INET6 if ":" in what.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((what.host, what.port))
        except OSError as error:
            raise environment.ConfigurationError(
                f"Port {what.port} of {what.host} is not free ({error.strerror}); set PORT to another."
            ) from error


def child_environment(what: Plan, process: str, role: str = "") -> dict[str, str]:
    """The variables of one child, with the addresses of the embedded servers, and its role in the database."""
    variables = dict(os.environ) | {"PATHWAY_DATA_DIR": str(what.data), ROLE_VARIABLE: role}
    if what.own_database:
        variables["DATABASE_URL"] = embedded.database_url(what.data)
    if what.own_broker:
        variables["BROKER_URL"] = embedded.broker_url(what.data)
    # In a terminal of root's, Celery would warn about root at every start; the servers here are private ones.
    calm = {"PYTHONWARNINGS": variables.get("PYTHONWARNINGS", "ignore::UserWarning:celery.platforms")}
    return variables | calm | {"PATHWAY_PROCESS": process, "PYTHONUNBUFFERED": "1"}


def _run(processes: supervisor.Supervisor, what: Plan) -> bool:
    """True when it ended because somebody asked."""
    commands = management.get_commands()
    _start_servers(processes, what)
    if not _prepare(processes, what, commands):
        return processes.is_stopping
    # Asked before anybody is served: once that has begun, the end of the database is news for the supervisor alone.
    variables = environment.Environment()
    web_role, worker_role = database_role(variables, WEB_ROLE), database_role(variables, WORKER_ROLE)
    seeds = what.with_demo and "seed_demo" in commands and not _has_patients()
    web = processes.start(_web(what, web_role))
    if not _wait_for_page(processes, what, web):
        return processes.is_stopping
    processes.say(f"ready: {what.url}  (Ctrl-C stops everything)")
    _start_rest(processes, what, commands, worker_role, seeds=seeds)
    if processes.pump_until(lambda: what.own_database and not embedded.is_alive(what.data)):
        processes.say("PostgreSQL has ended, so everything ends", "postgres")
    return processes.is_stopping


def _start_servers(processes: supervisor.Supervisor, what: Plan) -> None:
    if what.own_database:
        embedded.join(what.data)
        processes.say(f"runs on {what.data}", "postgres")
    if what.own_broker:
        user = places.server_user(what.data)
        command = embedded.valkey_command(what.data)
        processes.start(supervisor.Child(VALKEY, command, dict(os.environ), uid=user.uid, gid=user.gid))


def _prepare(processes: supervisor.Supervisor, what: Plan, commands: Mapping[str, object]) -> bool:
    steps = [("migrate", ["migrate", "--no-input", "--verbosity", "1"])]
    if "load_pathways" in commands:
        steps.append(("load", ["load_pathways"]))
    variables = child_environment(what, "command")
    return all(processes.run_to_end(supervisor.Child(name, [*MANAGE, *step], variables)) for name, step in steps)


def database_role(variables: environment.Environment, wanted: str) -> str:
    """The role of what serves: the chosen one, else the wanted one where this login may become it, else none."""
    chosen = variables.identifier(ROLE_VARIABLE)
    if chosen:
        return chosen
    query = "SELECT count(*) FROM pg_roles WHERE rolname = %s AND pg_has_role(current_user, rolname, 'SET')"
    with connection.cursor() as cursor:
        cursor.execute(query, [wanted])
        found = cursor.fetchone()
    connection.close()
    return wanted if found and found[0] else ""


def _web(what: Plan, role: str) -> supervisor.Child:
    command = [sys.executable, "-m", "gunicorn", "--config", "python:config.gunicorn", "config.wsgi:application"]
    return supervisor.Child("web", command, child_environment(what, "web", role), essential=True)


def _wait_for_page(processes: supervisor.Supervisor, what: Plan, web: supervisor.Child) -> bool:
    deadline = time.monotonic() + WEB_SECONDS
    processes.pump_until(lambda: not web.is_alive or _answers(what) or time.monotonic() > deadline)
    return web.is_alive and not processes.is_stopping


def _answers(what: Plan) -> bool:
    link = HTTPConnection(what.reachable_host, what.port, timeout=5)
    try:
        link.request("GET", "/", headers={"Host": "localhost"})
        return link.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, HTTPException):
        return False
    finally:
        link.close()


def _start_rest(
    processes: supervisor.Supervisor, what: Plan, commands: Mapping[str, object], role: str, *, seeds: bool
) -> None:
    beat = [*CELERY, "beat", "--loglevel", "INFO", "--pidfile=", "--schedule", str(what.data / "beat-schedule")]
    processes.start(supervisor.Child("worker", WORKER, child_environment(what, "worker", role)))
    processes.start(supervisor.Child("beat", beat, child_environment(what, "beat", role)))
    if "sweep" in commands:
        processes.start(
            supervisor.Child("sweeper", [*MANAGE, "sweep", "--loop"], child_environment(what, "command", role))
        )
    if seeds:
        variables = child_environment(what, "command")
        processes.start(supervisor.Child("demo", [*MANAGE, "seed_demo", *DEMO], variables, once=True))


def _has_patients() -> bool:
    found = apps.get_model("pathway", "Patient")._base_manager.exists()
    connection.close()
    return bool(found)
