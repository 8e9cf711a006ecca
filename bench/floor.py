"""The floor: one transaction of plain SQL that writes the rows of a footprint for another copy of the same original.

It takes the same lock, and has the same constraints, triggers and durability. It knows beforehand what to write:
one UPDATE and one INSERT per table, prepared, no ORM, nothing read but the lock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection as django_connection
from django.db import models
from psycopg.types.json import Jsonb
from psycopg.types.numeric import Int8

from bench import footprints
from bench.copies import TABLES, Model, Strides
from bench.footprints import Footprint, Known, New, Row, Subject
from pathway.models import AuditEvent

LOCK = """
SELECT e.id, e.status, e.version_id, e.rows_in_force, e.revision, p.id, p.birth_date, p.sex, p.died_on, s.time_zone
FROM pathway_enrollment e JOIN pathway_patient p ON p.id = e.patient_id JOIN pathway_site s ON s.id = p.site_id
WHERE e.id = %s FOR UPDATE OF e
"""

Made = dict[tuple[Model, int], Int8]  # keys that the server gave, by table and place


@dataclass(frozen=True)
class Statement:
    """A query with its values; callables among these wait for the key of a row added before."""

    query: str
    values: Sequence[Any]
    waits: bool
    adds_to: Model | None = None


class Floor:
    """A connection of its own, as bare as it gets."""

    def __init__(self) -> None:
        params = django_connection.get_connection_params()
        wanted = {key: params[key] for key in ("host", "port", "user", "password", "dbname") if params.get(key)}
        self.connection = psycopg.connect(**wanted, autocommit=True)
        self.connection.prepared_max = 10_000

    def __enter__(self) -> Floor:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def write(self, statements: Sequence[Statement], enrollment: int) -> float:
        """Write them in one transaction under the lock. Returns seconds, the commit included."""
        cursor, made = self.connection.cursor(), Made()
        began = time.perf_counter()
        with self.connection.transaction():
            cursor.execute(LOCK, [Int8(enrollment)], prepare=True)
            cursor.fetchone()
            for one in statements:
                values = [v(made) if callable(v) else v for v in one.values] if one.waits else one.values
                cursor.execute(one.query, values, prepare=True)
                if one.adds_to is not None:
                    for place, (pk,) in enumerate(cursor.fetchall()):
                        made[one.adds_to, place] = Int8(pk)
        return time.perf_counter() - began


def statements(footprint: Footprint, copy: int, apart: Strides) -> list[Statement]:
    """What writes this footprint to that copy."""
    return list(_statements(footprint, _Binding(copy, apart)))


def _statements(footprint: Footprint, binding: _Binding) -> Iterator[Statement]:
    waited_for = {key.model for key in _new_keys(footprint)}
    for model in TABLES:
        by_columns: dict[tuple[str, ...], dict[int, Row]] = {}
        for pk, row in footprint.changed.get(model, {}).items():
            by_columns.setdefault(tuple(row), {})[pk] = row
        for columns, rows in by_columns.items():
            yield _update(model, columns, rows, binding)
        if model in footprint.added:
            yield _insert(model, footprint.added[model], binding, returning=model in waited_for)


def _update(model: Model, columns: tuple[str, ...], rows: dict[int, Row], binding: _Binding) -> Statement:
    fields, table = footprints.columns_of(model), model._meta.db_table
    types = [
        f"%s::{fields[c].rel_db_type(django_connection) if fields[c].is_relation else _type(fields[c])}"
        for c in columns
    ]
    values: list[Any] = []
    for pk, row in rows.items():
        values += [binding.key(Known(model, pk)), *(binding.value(fields[c], row[c]) for c in columns)]
    sets = ", ".join(f'"{c}" = v."{c}"' for c in columns)
    names = ", ".join(f'"{c}"' for c in ("id", *columns))
    tuples = ", ".join([f"(%s::bigint, {', '.join(types)})"] * len(rows))
    query = f"UPDATE {table} t SET {sets} FROM (VALUES {tuples}) v({names}) WHERE t.id = v.id"
    return Statement(query, values, any(map(callable, values)))


def _insert(model: Model, rows: list[Row], binding: _Binding, *, returning: bool) -> Statement:
    fields, table = footprints.columns_of(model), model._meta.db_table
    columns = list(rows[0])
    slots = ["clock_timestamp()" if (model, c) == (AuditEvent, "at") else "%s" for c in columns]
    values = [
        binding.value(fields[c], row[c]) for row in rows for c, slot in zip(columns, slots, strict=True) if slot == "%s"
    ]
    tuples = ", ".join([f"({', '.join(slots)})"] * len(rows))
    query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {tuples}" + (" RETURNING id" if returning else "")
    return Statement(query, values, any(map(callable, values)), model if returning else None)


def _type(field: models.Field[Any, Any]) -> str:
    return str(field.db_type(django_connection))


def _new_keys(footprint: Footprint) -> Iterator[New]:
    rows = [row for added in footprint.added.values() for row in added]
    rows += [row for changed in footprint.changed.values() for row in changed.values()]
    for value in (value for row in rows for value in row.values()):
        for one in value if isinstance(value, list) else [value]:
            key = one.key if isinstance(one, Subject) else one
            if isinstance(key, New):
                yield key


@dataclass(frozen=True)
class _Binding:
    """Puts the keys of one copy in the place of what they stand for."""

    copy: int
    apart: Strides

    def key(self, key: Known | New) -> Int8 | Callable[[Made], Int8]:
        if isinstance(key, Known):
            return Int8(key.pk + self.copy * self.apart.of[key.model])
        return lambda made: made[key.model, key.place]

    def value(self, field: models.Field[Any, Any], value: Any) -> Any:
        if isinstance(value, Known | New):
            return self.key(value)
        if isinstance(value, Subject):
            bound = self.key(value.key)
            return (lambda made: f"{value.name}:{bound(made)}") if callable(bound) else f"{value.name}:{bound}"
        if isinstance(value, list):
            return self._list(value)
        if isinstance(field, models.JSONField) and value is not None:
            return Jsonb(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return Int8(value)  # one type for numbers of any size, so that one prepared statement serves all
        return value

    def _list(self, values: list[Any]) -> Any:
        bound = [self.key(v) if isinstance(v, Known | New) else Int8(v) if isinstance(v, int) else v for v in values]
        if not any(map(callable, bound)):
            return bound
        return lambda made: [v(made) if callable(v) else v for v in bound]
