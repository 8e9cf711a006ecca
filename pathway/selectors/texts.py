"""Reads with a constant SQL text.

The flows of one patient run the same ten reads at every click. Building such a query through the ORM costs several
times what PostgreSQL needs to answer it, and a text that never varies is planned once per connection. Only
the hot reads of a case are here; everything else asks the ORM.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


def rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows of a constant text."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def instances(model: type[M], where: str, parameters: Sequence[Any]) -> list[M]:
    """Whole instances of one table, as the ORM would make them. `where` is a constant text, never made of input."""
    text, names, parsed = _select(model)
    found = rows(f"{text} {where}", parameters)
    if parsed:
        found = [tuple(json.loads(v) if i in parsed and v is not None else v for i, v in enumerate(r)) for r in found]
    return [model.from_db(connection.alias, names, row) for row in found]


@cache
def columns(model: type[models.Model], alias: str, *, but: tuple[str, ...] = ()) -> str:
    """The columns of a table under an alias, in the order in which `made` takes them."""
    return ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields if field.attname not in but)


def made(model: type[M], row: Sequence[Any], *, but: tuple[str, ...] = ()) -> M:
    """The instance of a row that begins with the columns of its table; those left out are read when asked for."""
    _, names, parsed = _select(model)
    taken = zip(_taken(model, but), row, strict=False)  # the row may go on
    values = [json.loads(v) if i in parsed and v is not None else v for i, v in taken]
    return model.from_db(connection.alias, [name for name in names if name not in but], values)


@cache
def _taken(model: type[models.Model], but: tuple[str, ...]) -> list[int]:
    return [i for i, field in enumerate(model._meta.concrete_fields) if field.attname not in but]


@cache
def _select(model: type[models.Model]) -> tuple[str, list[str], frozenset[int]]:
    """`SELECT … FROM table`, the attribute names, and which columns are JSON (the driver hands these over as text)."""
    fields = model._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    parsed = frozenset(i for i, field in enumerate(fields) if isinstance(field, models.JSONField))
    return f'SELECT {columns} FROM "{model._meta.db_table}"', [field.attname for field in fields], parsed
