"""A production start without real secrets is refused with one clear line; with them it is accepted."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from config import places

GOOD = {
    "SECRET_KEY": secrets.token_urlsafe(60),
    "ALLOWED_HOSTS": "pathway.clinic.example",
    "DATABASE_URL": "postgresql://pathway:hush@database:5432/pathway",
    "BROKER_URL": "redis://:still@broker:6379/0",
}
SHOW = "from config.settings import prod; print(prod.DEBUG, prod.SESSION_COOKIE_SECURE, prod.SECURE_SSL_REDIRECT)"


def start(changes: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command under production settings with no other variables than GOOD and the changes."""
    variables = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings.prod"} | GOOD | changes
    return subprocess.run(
        [sys.executable, *command], env=variables, cwd=places.BASE_DIR, capture_output=True, text=True, check=False
    )


def test_a_start_with_everything_is_accepted_and_safe() -> None:
    done = start({}, "-c", SHOW)
    assert (done.stdout, done.stderr) == ("False True True\n", "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY (or SECRET_KEY_FILE) is missing"),
        ({"SECRET_KEY": secrets.token_urlsafe(60)[:49]}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "abcabcabc" * 10}, "SECRET_KEY is too weak"),
        ({"SECRET_KEY": "django-insecure-" + secrets.token_urlsafe(60)}, "SECRET_KEY is a known example"),
        ({"SECRET_KEY_PREVIOUS": "short"}, "SECRET_KEY_PREVIOUS is too weak"),
        ({"DEBUG": "1"}, "DEBUG must not be on"),
        ({"DEBUG": "perhaps"}, "DEBUG='perhaps' is neither true nor false"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS is missing"),
        ({"ALLOWED_HOSTS": "pathway.clinic.example,*"}, "ALLOWED_HOSTS must name hosts"),
        ({"DATABASE_URL": ""}, "DATABASE_URL (or DATABASE_URL_FILE) is missing"),
        ({"BROKER_URL": ""}, "BROKER_URL (or BROKER_URL_FILE) is missing"),
        ({"DATABASE_URL": "postgresql://pathway@database/pathway"}, "DATABASE_URL has no password"),
        ({"DATABASE_URL": "postgresql://pathway:@database/pathway"}, "DATABASE_URL has no password"),
        (
            {"DATABASE_URL": "postgresql://a:Postgres@database/pathway"},
            "the password in DATABASE_URL is a known default",
        ),
        ({"BROKER_URL": "redis://broker:6379/0"}, "BROKER_URL has no password"),
        ({"BROKER_URL": "amqp://guest:guest@broker//"}, "the password in BROKER_URL is a known default"),
        ({"BROKER_URL": "redis://:hush@broker:6379/0"}, "in DATABASE_URL and the password in BROKER_URL are the same"),
        (
            {"DATABASE_URL": f"postgresql://a:{GOOD['SECRET_KEY']}@database/pathway"},
            "SECRET_KEY and the password in DATABASE_URL are the same secret",
        ),
        ({"SECRET_KEY_PREVIOUS": GOOD["SECRET_KEY"]}, "SECRET_KEY and SECRET_KEY_PREVIOUS are the same secret"),
        ({"EMAIL_HOST_USER": "pathway"}, "EMAIL_HOST_USER and EMAIL_HOST_PASSWORD belong together"),
        ({"EMAIL_HOST_USER": "a", "EMAIL_HOST_PASSWORD": "changeme"}, "EMAIL_HOST_PASSWORD is a known default"),
        (
            {"EMAIL_HOST": "mail.example", "EMAIL_HOST_USER": "a", "EMAIL_HOST_PASSWORD": "quiet"},
            "EMAIL_HOST_PASSWORD would travel unencrypted",
        ),
        ({"PATHWAY_BEHIND_PROXY": "1", "PATHWAY_TRUSTED_PROXIES": "10.0.0.1/8"}, "'10.0.0.1/8' is no network"),
    ],
)
def test_a_start_that_lacks_something_is_refused_with_one_line(changes: dict[str, str], words: str) -> None:
    done = start(changes, "-c", SHOW)
    assert done.returncode == 1
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"DATABASE_URL": "postgresql://pathway@%2Frun%2Fpostgresql/pathway"},
        {"DATABASE_URL": "postgresql://pathway@database/pathway?sslmode=verify-full&sslcert=/run/secrets/web.crt"},
        {"BROKER_URL": "redis+socket:///run/valkey.sock"},
        {"EMAIL_HOST": "mail.example", "EMAIL_HOST_USER": "a", "EMAIL_HOST_PASSWORD": "quiet", "EMAIL_USE_TLS": "1"},
    ],
    ids=["socket", "certificate", "broker's socket", "encrypted mail"],
)
def test_who_is_known_in_another_way_needs_no_password(changes: dict[str, str]) -> None:
    done = start(changes, "-c", SHOW)
    assert (done.stdout, done.stderr) == ("False True True\n", "")


def test_djangos_own_check_of_a_deployment_finds_nothing() -> None:
    done = start({}, "manage.py", "check", "--deploy", "--fail-level", "INFO")
    assert (done.returncode, done.stdout + done.stderr) == (
        0,
        "System check identified no issues (1 silenced).\n",
    )


def test_that_check_would_find_a_weaker_setting() -> None:
    done = start({"PATHWAY_HSTS_SECONDS": "0"}, "manage.py", "check", "--deploy", "--fail-level", "INFO")
    assert done.returncode == 1 and "security.W004" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["manage.py", "migrate"],
        ["-m", "celery", "-A", "config.celery", "worker"],
        ["-m", "gunicorn", "--config", "python:config.gunicorn", "--bind", "127.0.0.1:0", "config.wsgi"],
    ],
    ids=["manage.py", "celery", "gunicorn"],
)
def test_every_door_prints_the_line_and_no_traceback(command: list[str]) -> None:
    done = start({"SECRET_KEY": ""}, *command)
    assert done.returncode != 0
    assert "Pathway does not start: SECRET_KEY (or SECRET_KEY_FILE) is missing." in done.stderr
    assert "Traceback" not in done.stderr


def test_production_never_starts_the_embedded_database(data: Path) -> None:
    done = start({"DATABASE_URL": "", "PATHWAY_DATA_DIR": str(data)}, "manage.py", "migrate")
    assert done.returncode == 1
    assert list(data.iterdir()) == []
