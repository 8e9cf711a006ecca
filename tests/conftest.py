"""What every test may use. The database comes from `config.settings.test`."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections
from psycopg import sql
from pytest_django import DjangoDbBlocker

from pathway.engine import content
from pathway.models import Release
from pathway.services import definitions, guidance
from tests import builders

TEST_DATABASE_PREFIX = "test_pathway_"
WITHOUT_TRIGGERS, WITH_TRIGGERS = "SET session_replication_role = replica", "SET session_replication_role = origin"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Before the test database is made, drop those of runs on this machine that were killed."""
    if settings.DATABASES["default"]["HOST"].startswith("/"):
        _drop_forgotten_databases()


def _drop_forgotten_databases() -> None:
    server = settings.DATABASES["default"]
    with psycopg.connect(
        host=server["HOST"], user=server["USER"], dbname=server["NAME"], autocommit=True
    ) as connection:
        query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        for (name,) in connection.execute(query, [TEST_DATABASE_PREFIX]).fetchall():
            # A run's database is named after its process.
            owner = name.removeprefix(TEST_DATABASE_PREFIX).split("_")[0]
            if owner.isdigit() and owner != str(os.getpid()) and not Path(f"/proc/{owner}").exists():
                drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
                connection.execute(drop.format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """The flush after a transactional test empties the audit too, which its triggers refuse to everybody else."""
    plain = connection.ops.sql_flush

    def sql_flush(*args: Any, **options: Any) -> list[str]:
        return [WITHOUT_TRIGGERS, *plain(*args, **options), WITH_TRIGGERS]

    connection.ops.sql_flush = sql_flush


@pytest.fixture(scope="session")
def shipped() -> content.Content:
    """The shipped content, read and checked."""
    return content.read(Path(settings.BASE_DIR) / "fixtures")


@pytest.fixture(scope="session")
def _loaded_once(django_db_setup: None, django_db_blocker: DjangoDbBlocker, shipped: content.Content) -> None:
    with django_db_blocker.unblock():
        _load(shipped)


@pytest.fixture
def loaded(_loaded_once: None, db: None, shipped: content.Content) -> None:
    """The shipped rule sets and pathways are in the database, which this test leaves as it was."""
    _load(shipped)


@pytest.fixture
def committed(_loaded_once: None, django_db_blocker: DjangoDbBlocker, shipped: content.Content) -> Iterator[None]:
    """As `loaded`, for tests with threads: what they write is committed, and removed after them.

    For tests without the mark `django_db`: pytest-django's flush would take the content away too.
    """
    with django_db_blocker.unblock():
        _load(shipped)
        yield
        _forget_people()
        connections.close_all()


def _load(shipped: content.Content) -> None:
    # A flush after a transactional test has removed it.
    if not Release.objects.exists():
        definitions.load(shipped, at=builders.START)
        guidance.load(shipped.guidance)


def _forget_people() -> None:
    # What belongs to a site, a person or a patient goes with them; definitions belong to nobody.
    with connection.cursor() as cursor:
        cursor.execute(WITHOUT_TRIGGERS)
        cursor.execute(
            "TRUNCATE pathway_site, pathway_user, pathway_patient, pathway_sweeprun, pathway_heartbeat CASCADE"
        )
        cursor.execute(WITH_TRIGGERS)
