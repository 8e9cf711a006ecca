"""Secondary indexes and unique constraints stand aside while a database is filled: building them once is faster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from bench.copies import TABLES

SECONDARY = """
SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I', c.conrelid::regclass, c.conname),
       format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
FROM pg_constraint c WHERE c.contype = 'u' AND c.conrelid = ANY(%(tables)s::regclass[])
UNION ALL
SELECT format('DROP INDEX %%I', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
FROM pg_index i WHERE i.indrelid = ANY(%(tables)s::regclass[]) AND NOT i.indisprimary
AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype = 'u')
"""


@contextmanager
def set_aside() -> Iterator[None]:
    """All of the copied tables' indexes but the primary keys are gone in the block and back after it."""
    with connection.cursor() as cursor:
        cursor.execute(SECONDARY, {"tables": [model._meta.db_table for model in TABLES]})
        statements: list[tuple[str, str]] = cursor.fetchall()
        for drop, _ in statements:
            cursor.execute(drop)
        yield
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for _, make in statements:
            cursor.execute(make)
        cursor.execute("RESET maintenance_work_mem")
