"""One backup of a clinic in the middle of its work, and empty databases to bring it back into."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from psycopg import sql
from pytest_django import DjangoDbBlocker

from pathway import actor, flow
from pathway.backups import dumping, endpoints
from pathway.backups.endpoints import Endpoint
from pathway.backups.manifest import Manifest
from pathway.engine import content
from tests import builders
from tests.conftest import TEST_DATABASE_PREFIX, _forget_people, _load

TAKEN = builders.at(40)
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Backup:
    """The file, what it says, and where it was taken from."""

    file: Path
    manifest: Manifest
    source: Endpoint


@pytest.fixture(scope="module")
def backup(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    shipped: content.Content,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Backup]:
    """A clinic whose first reminders went out on day 28, as it was on day 40."""
    # pytest-django makes a test database only where a test has the mark `django_db`.
    assert connection.settings_dict["NAME"].startswith(TEST_DATABASE_PREFIX)
    with django_db_blocker.unblock():
        _load(shipped)
        builders.clinic(facts=[builders.result("weight", 70, "kg"), builders.result("fvc-pct", 82, "%")])
        flow.sweep(at=builders.at(28), trigger="test")
        source = endpoints.of_settings()
        file = tmp_path_factory.mktemp("backups") / "taken.tar"
        made = dumping.make(source, file, at=TAKEN)
        yield Backup(file, made, source)
        _forget_people()
        connections.close_all()


@pytest.fixture
def empty(backup: Backup) -> Iterator[Callable[[], Endpoint]]:
    """Makes empty databases on the same server, which are gone after the test."""
    made = []

    def make() -> Endpoint:
        name = f"{TEST_DATABASE_PREFIX}{os.getpid()}_restored{next(_numbers)}"
        _administer(backup.source, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        made.append(name)
        return Endpoint({**backup.source.parameters, "dbname": name})

    yield make
    for name in made:
        _administer(backup.source, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(source: Endpoint, statement: sql.Composed) -> None:
    with source.connect() as link:
        link.execute(statement)


@pytest.fixture
def looking_at(django_db_blocker: DjangoDbBlocker) -> Callable[[Endpoint], Any]:
    """Pathway works on that database within the block, as its owner at the command line does."""

    @contextmanager
    def look(target: Endpoint) -> Iterator[None]:
        usual = connection.settings_dict["NAME"]
        with django_db_blocker.unblock(), actor.acting(actor.MAINTENANCE):
            connection.close()
            connection.settings_dict["NAME"] = target.database
            try:
                yield
            finally:
                connection.close()
                connection.settings_dict["NAME"] = usual

    return look


def ask(target: Endpoint, question: str, *values: object) -> list[tuple[Any, ...]]:
    with target.connect() as link:
        cursor = link.execute(question.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def is_empty(target: Endpoint) -> bool:
    """Nothing at all is there: neither tables nor functions."""
    query = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION ALL" + (
        " SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    )
    return not ask(target, query)


def keys(target: Endpoint, since: datetime) -> set[str]:
    query = "SELECT key::text FROM pathway_delivery WHERE queued_at >= %s"
    return {key for (key,) in ask(target, query, since)}
