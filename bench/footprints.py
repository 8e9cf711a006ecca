"""Which rows an action wrote for one patient, in words that hold for every copy of the same original."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from bench import copies
from bench.copies import KEY_ARRAYS, SUBJECTS, TABLES, Model, Strides
from pathway.models import AuditEvent, Enrollment

Row = dict[str, Any]  # by column name
Rows = dict[Model, dict[int, Row]]

UNCOMPARED = {(AuditEvent, "at")}  # the wall clock
WRITES = ("INSERT INTO", "UPDATE", "DELETE FROM")


@dataclass(frozen=True, slots=True)
class Known:
    """The key of a row that was there before, as the original has it."""

    model: Model
    pk: int


@dataclass(frozen=True, slots=True)
class New:
    """The key of the `place`-th row that the action adds to a table."""

    model: Model
    place: int


@dataclass(frozen=True, slots=True)
class Subject:
    """`model:key` of an audit event."""

    name: str
    key: Known | New


@dataclass
class Footprint:
    """Rows added (in the order of their keys, without them) and columns changed (by the original's key)."""

    added: dict[Model, list[Row]] = field(default_factory=dict)
    changed: dict[Model, dict[int, Row]] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """Rows written per table."""
        counted = {m._meta.db_table: len(self.added.get(m, ())) + len(self.changed.get(m, ())) for m in TABLES}
        return {table: number for table, number in counted.items() if number}

    def compared(self) -> tuple[object, object]:
        """What two actions on copies of one original must agree on; in which order a table got its rows is nobody's."""
        return {model: sorted(_told(model, row) for row in rows) for model, rows in self.added.items()}, self.changed


def rows_of(enrollment: int) -> Rows:
    """Every row of the patient."""
    patient = Enrollment.objects.values_list("patient", flat=True).get(pk=enrollment)
    return {
        model: {row["id"]: row for row in model._base_manager.filter(**{way: patient}).order_by("pk").values()}
        for model, way in TABLES.items()
    }


def footprint(before: Rows, after: Rows, copy: int, apart: Strides) -> Footprint:
    """What was written to copy number `copy` of the original whose rows were (and still are) `before`."""
    new = {model: _places(before[model], after[model], copy * apart.of[model]) for model in TABLES}
    says = _Translation(new, copy, apart)
    found = Footprint()
    for model in TABLES:
        added = [says.row(model, after[model][pk]) for pk in new[model]]
        changed = {
            pk: told
            for pk, old in before[model].items()
            if (told := _difference(says.row(model, after[model][pk + copy * apart.of[model]]), old, says, model))
        }
        found.added |= {model: added} if added else {}
        found.changed |= {model: changed} if changed else {}
    return found


class Statements(CaptureQueriesContext):
    """Counts what the product sends, and knows which tables it writes."""

    def __init__(self) -> None:
        super().__init__(connection)

    @property
    def sent(self) -> list[str]:
        """All but the transaction's own."""
        return [q["sql"] for q in self.captured_queries if q["sql"] not in ("BEGIN", "COMMIT", "ROLLBACK")]

    def unknown_tables(self) -> set[str]:
        """Tables written that a copy does not have: then the floor would write too little."""
        known = {model._meta.db_table for model in TABLES}
        return {table for table in map(_table_written, self.sent) if table} - known


def _table_written(statement: str) -> str:
    for start in WRITES:
        if statement.startswith(start):
            return statement.removeprefix(start).split('"')[1]
    return ""


def _places(before: dict[int, Row], after: dict[int, Row], offset: int) -> dict[int, int]:
    added = [pk for pk in after if pk - offset not in before]
    return {pk: place for place, pk in enumerate(added)}


def _difference(row: Row, old: Row, says: _Translation, model: Model) -> Row:
    was = says.as_original(model, old)
    unique = {column for owner, column in copies.UNIQUE_TEXTS if owner is model}
    return {column: value for column, value in row.items() if value != was[column] and column not in unique}


class _Translation:
    """Keys in a copy's rows become what they stand for."""

    def __init__(self, new: dict[Model, dict[int, int]], copy: int, apart: Strides) -> None:
        self.new, self.copy, self.apart = new, copy, apart

    def row(self, model: Model, row: Row) -> Row:
        return {c: self._value(model, c, v, self.copy) for c, v in row.items() if c != "id"}

    def as_original(self, model: Model, row: Row) -> Row:
        return {c: self._value(model, c, v, 0) for c, v in row.items() if c != "id"}

    def _value(self, model: Model, column: str, value: Any, copy: int) -> Any:
        target = _target(model, column)
        if value is None or target is None:
            return value
        if target is AuditEvent:
            return self._subject(value, copy)
        if isinstance(value, list):
            return [self._key(target, one, copy) for one in value]
        return self._key(target, value, copy)

    def _key(self, model: Model, pk: int, copy: int) -> Known | New:
        if copy and pk in self.new[model]:
            return New(model, self.new[model][pk])
        return Known(model, pk - copy * self.apart.of[model])

    def _subject(self, value: str, copy: int) -> str | Subject:
        name, _, key = value.partition(":")
        return Subject(name, self._key(SUBJECTS[name], int(key), copy)) if name in SUBJECTS else value


def _target(model: Model, column: str) -> Model | None:
    """The table whose keys the column holds; AuditEvent stands for the text `model:key`."""
    if (model, column) == (AuditEvent, "subject"):
        return AuditEvent
    if (model, column) in KEY_ARRAYS:
        return KEY_ARRAYS[model, column]
    found = columns_of(model)[column]
    return copies.target_of(found)


def columns_of(model: Model) -> dict[str, models.Field[Any, Any]]:
    """The columns of a table by name."""
    return {one.attname: one for one in model._meta.concrete_fields}


def _told(model: Model, row: Row) -> str:
    return repr({column: value for column, value in row.items() if (model, column) not in UNCOMPARED})


def same(footprints: Iterable[Footprint]) -> bool:
    """All of these wrote the same rows."""
    told = [one.compared() for one in footprints]
    return all(one == told[0] for one in told)
