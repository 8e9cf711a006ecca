"""docker-compose.yml: the shape is checked as text, and every command in it runs here without containers."""

import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from django.conf import settings
from psycopg import sql

from config import places
from tests.config.conftest import Broker, wait_until
from tests.config.test_serve import free_port

COMPOSE: dict[str, Any] = yaml.safe_load((places.BASE_DIR / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {"migrate", "web", "worker", "beat", "sweeper"}
SECRET_NAME = re.compile(r"SECRET|PASSWORD|_URL$|TOKEN|KEY$")


def test_the_services_are_those_of_the_production_shape() -> None:
    assert set(SERVICES) == OURS | {"database", "broker"}
    assert SERVICES["database"]["image"].startswith("postgres:17")
    assert SERVICES["broker"]["image"].startswith("valkey/valkey:")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_runs_as_an_ordinary_user_on_a_read_only_root(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["user"].split(":")[0] not in {"", "0", "root"}
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["tmpfs"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_an_image_has_a_fixed_tag(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert tag not in {"", "latest"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_watched_and_a_step_is_waited_for(name: str) -> None:
    if name == "migrate":
        assert SERVICES[name]["restart"] == "no"
        return
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"
    if name in OURS:
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_secrets_come_from_files(name: str) -> None:
    variables: dict[str, str] = SERVICES[name].get("environment", {})
    in_sight = [variable for variable in variables if SECRET_NAME.search(variable) and not variable.endswith("_FILE")]
    assert not in_sight
    files = {Path(value).name for value in variables.values() if value.startswith("/run/secrets/")}
    assert files <= set(SERVICES[name]["secrets"])
    assert set(SERVICES[name]["secrets"]) <= set(COMPOSE["secrets"])


def test_what_must_stay_is_on_volumes_and_only_the_web_is_reachable() -> None:
    assert {name for name, service in SERVICES.items() if service.get("volumes")} == {"database", "broker"}
    assert {name for name, service in SERVICES.items() if service.get("ports")} == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_the_image_runs_as_an_ordinary_user_and_pins_its_base() -> None:
    lines = (places.BASE_DIR / "Dockerfile").read_text().splitlines()
    bases = [line.split()[1] for line in lines if line.startswith("FROM ")]
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+", base) for base in bases)
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]


class Host:
    """This machine in the place of the containers: the same commands, variables and secret files."""

    def __init__(self, folder: Path, database: str, broker: str) -> None:
        server = settings.DATABASES["default"]
        self.folder, self.port = folder, free_port()
        self.secrets = {
            "secret_key": secrets.token_urlsafe(60),
            "database_owner_url": f"postgresql://{server['USER']}@{server['HOST'].replace('/', '%2F')}/{database}",
            "database_app": secrets.token_urlsafe(30),
            # What serves comes as the login that owns nothing.
            "database_url": f"postgresql://pathway_app@{server['HOST'].replace('/', '%2F')}/{database}",
            "broker_url": broker,
        }
        for name, value in self.secrets.items():
            (folder / name).write_text(value)

    def environment(self, name: str) -> dict[str, str]:
        given = {key: self._here(str(value)) for key, value in SERVICES[name]["environment"].items()}
        own = {"PORT": str(self.port), "PATHWAY_HOST": "127.0.0.1", "STATIC_ROOT": str(self.folder / "static")}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return (
            {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | given | own | {"ALLOWED_HOSTS": "pathway.clinic.example"}
        )

    def command(self, name: str) -> list[str]:
        return [self._here(word) for word in SERVICES[name]["command"]]

    def run(self, name: str, command: list[str]) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            command, cwd=places.BASE_DIR, env=self.environment(name), capture_output=True, text=True, check=False
        )

    @contextmanager
    def running(self, name: str) -> Iterator[Path]:
        """The log of a service that runs until the block ends."""
        log = self.folder / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.command(name), cwd=places.BASE_DIR, env=self.environment(name), stdout=output, stderr=output
            )
        try:
            yield log
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)

    def is_healthy(self, name: str) -> bool:
        check = SERVICES[name]["healthcheck"]["test"]
        assert check[0] == "CMD"
        return self.run(name, check[1:]).returncode == 0

    def _here(self, word: str) -> str:
        return re.sub("^(/run/secrets|/tmp)(?=/)", str(self.folder), word)


@pytest.fixture
def empty_database() -> Iterator[str]:
    """A database without any table, beside the one of the tests."""
    name = f"test_pathway_{os.getpid()}_containers"
    server = settings.DATABASES["default"]
    with psycopg.connect(host=server["HOST"], user=server["USER"], dbname="postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield name
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_command_runs_and_every_health_check_sees_it(tmp_path: Path, empty_database: str, broker: Broker) -> None:
    host = Host(tmp_path, empty_database, broker.url)
    static = host.run("web", [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"])
    assert static.returncode == 0, static.stderr
    migrated = host.run("migrate", host.command("migrate"))
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    services = sorted(OURS - {"migrate"})
    assert not [name for name in services if host.is_healthy(name)]
    with ExitStack() as stack:
        logs = {name: stack.enter_context(host.running(name)) for name in services}
        for name in services:
            assert wait_until(lambda name=name: host.is_healthy(name), 60), f"{name}: {logs[name].read_text()}"
