"""What every test may use. The database comes from `config.settings.test`."""

import os
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

TEST_DATABASE_PREFIX = "test_pathway_"


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
