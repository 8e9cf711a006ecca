from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection, transaction
from pytest_django import DjangoDbBlocker

from pathway.engine import content
from pathway.models import Release
from pathway.services import definitions, guidance
from tests import builders
from tests.cast import routes
from tests.cast import world as worlds
from tests.cast.routes import Route
from tests.cast.world import World


@pytest.fixture(scope="package")
def _built(_loaded_once: None, django_db_blocker: DjangoDbBlocker, shipped: content.Content) -> Iterator[World]:
    """Once for all tests of this folder, in one transaction that is rolled back after the last of them."""
    with django_db_blocker.unblock(), transaction.atomic():
        if not Release.objects.exists():  # a flush after a transactional test has removed it
            definitions.load(shipped, at=builders.START)
            guidance.load(shipped.guidance)
        yield worlds.build()
        transaction.set_rollback(True)
    connection.close()


@pytest.fixture
def world(_built: World, db: None) -> World:
    """Each test leaves the world as it was: `db` goes back to a savepoint."""
    worlds.stay(_built)
    return _built


@pytest.fixture(scope="package")
def every(_built: World) -> list[Route]:
    """Every address, filled: read as the owner of everything, before anybody asks as the web."""
    return routes.every(_built)
