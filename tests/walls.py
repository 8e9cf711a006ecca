"""Running a part of a test as one of the roles of the database, as what serves does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test import override_settings
from psycopg.pq import TransactionStatus


@contextmanager
def role(name: str) -> Iterator[None]:
    """The block is that role, and jobs in it change over to theirs as a server that knows roles lets them."""
    connection.ensure_connection()
    driver = connection.connection  # not Django's cursor: it is not counted as a query
    driver.execute(f"SET ROLE {name}")
    _forget_who()
    try:
        with override_settings(DATABASE_ROLE=name):
            yield
    finally:
        if driver.info.transaction_status != TransactionStatus.INERROR:
            driver.execute("RESET ROLE")
            _forget_who()


def _forget_who() -> None:
    """The role was changed behind the back of the backend, in a transaction that goes on: it tells it anew."""
    connection._told = ("?", "", "", "")
