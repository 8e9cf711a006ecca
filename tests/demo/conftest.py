"""A small demo clinic, played once for all tests of this folder, and rolled back after them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django import DjangoDbBlocker

from config import places
from pathway.demo import clinic
from pathway.demo.clinic import Clinic, Order
from pathway.engine import content
from pathway.models import Release
from pathway.services import definitions

FOLDER = Path(settings.BASE_DIR) / "fixtures" / "demo"
NOW = datetime(2026, 3, 11, 9, 15, tzinfo=UTC)


@dataclass(frozen=True)
class Small:
    made: Clinic
    order: Order
    accounts: Path
    added: int


@pytest.fixture(scope="module")
def small(
    _loaded_once: None,
    django_db_blocker: DjangoDbBlocker,
    shipped: content.Content,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Small]:
    """Six patients and six months."""
    order = Order(patients=6, months=6, seed=1, now=NOW)
    accounts = tmp_path_factory.mktemp("demo") / "demo_accounts.json"
    with django_db_blocker.unblock(), transaction.atomic():
        if not Release.objects.exists():  # a flush after another test has removed it
            definitions.load(shipped, at=NOW)
        made = clinic.open_clinic(FOLDER, file=accounts, keep=places.write_private)
        added = clinic.play(made, order, progress=lambda done, total: None)
        clinic.settle(now=NOW)
        yield Small(made, order, accounts, added)
        transaction.set_rollback(True)
