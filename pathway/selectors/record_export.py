"""One patient's whole record as a file: everything that any table holds, and who looked.

The format is `pathway-record`, version 1 (docs/record-export.md): a ZIP of `record.json` and of one CSV per table. The
tables are those of `selectors.reach`, column by column, so that nothing can be forgotten when a table is added.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.db.models import Q
from psycopg import IsolationLevel

from pathway import spreadsheets
from pathway.models import AuditEvent, Patient, Site, User
from pathway.selectors import reach

FORMAT, VERSION = "pathway-record", 1
REASON = "export and erasure"
PATIENT_COLUMNS = (
    "id", "uuid", "identifier", "family_name", "given_name", "birth_date", "birth_date_is_estimated", "sex", "died_on",
    "created_at",
)  # fmt: skip
JSON_NAME = "record.json"


@dataclass(frozen=True, slots=True)
class Export:
    """`name` of the file tells nobody's name."""

    name: str
    content: bytes
    rows: Mapping[str, int]


@contextmanager
def snapshot() -> Iterator[None]:
    """A transaction in which every statement sees the same state; where one runs already, that one."""
    connection.ensure_connection()
    raw = connection.connection
    if connection.in_atomic_block or raw is None:
        yield
        return
    before = raw.isolation_level
    raw.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with transaction.atomic():
            yield
    finally:
        raw.isolation_level = before


def export(patient: Patient, *, at: datetime) -> Export:
    """Ask within `snapshot`."""
    record = collect(patient, at=at)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(JSON_NAME, json.dumps(record, indent=1, ensure_ascii=False, default=_plain))
        for table, rows in {**record["tables"], "looked": record["looked"]}.items():
            if rows:
                archive.writestr(f"{table}.csv", _csv(rows))
    counts = {table: len(rows) for table, rows in record["tables"].items()}
    return Export(f"record-{patient.uuid}-{at:%Y%m%d}.zip", packed.getvalue(), counts)


def collect(patient: Patient, *, at: datetime) -> dict[str, Any]:
    """The content of `record.json`, before it becomes text."""
    records = reach.group(patient.pk)
    names: dict[str, dict[str, str]] = {}
    tables = {}
    for one in reach.reached():
        found = list(one.rows_of(records))
        tables[one.model._meta.model_name or ""] = [_row(row) for row in found]
        _name_definitions(one.model, found, names)
    looked = [_event(event) for event in _events(records)]
    people: set[Any] = {row["actor"] for row in looked} | _people(tables)
    return {
        "format": FORMAT,
        "version": VERSION,
        "exported_at": at,
        "patient": {column: getattr(patient, column) for column in PATIENT_COLUMNS} | {"site": patient.site.slug},
        "merged_records": [_merged(pk) for pk in records if pk != patient.pk],
        "tables": tables,
        "looked": looked,
        "people": {str(user.pk): user.display_name for user in User.objects.filter(pk__in=sorted(people - {None}))},
        "names": names,
    }


def _merged(pk: int) -> dict[str, Any]:
    row = Patient.objects.unscoped(REASON).filter(pk=pk).get()
    return {column: getattr(row, column) for column in PATIENT_COLUMNS}


def _row(row: models.Model) -> dict[str, Any]:
    return {field.attname: field.value_from_object(row) for field in row._meta.concrete_fields}


def _events(records: Collection[int]) -> models.QuerySet[AuditEvent]:
    concerned = Q(patient__in=records) | Q(patients__overlap=list(records))
    return AuditEvent.objects.filter(concerned).order_by("at", "pk")


def _event(event: AuditEvent) -> dict[str, Any]:
    """Of a list that was read nothing is told but that this patient was on it: the others are other people."""
    told = {
        "at": event.at,
        "action": event.action,
        "actor": event.actor_id,
        "purpose": event.purpose,
        "ways": event.ways,
    }
    if event.patient_id is None:
        return {**told, "subject": "", "reason": "", "before": None, "after": None}
    details = {"subject": event.subject, "reason": event.reason, "before": event.before, "after": event.after}
    return {**told, **details}


def _people(tables: Mapping[str, list[dict[str, Any]]]) -> set[int | None]:
    found: set[int | None] = set()
    for one in reach.reached():
        columns = [f.attname for f in _links(one.model) if f.related_model is User]
        found |= {row[column] for row in tables[one.model._meta.model_name or ""] for column in columns}
    return found


def _name_definitions(model: type[models.Model], rows: Collection[Any], names: dict[str, dict[str, str]]) -> None:
    """What the keys of definitions stand for: stages, rules, kinds, activities, versions."""
    inside = {one.model for one in reach.reached()} | {Patient, User}
    for field in _links(model):
        target = field.related_model
        wanted = {getattr(row, field.attname) for row in rows} - {None}
        if isinstance(target, type) and target not in inside and wanted:
            known = names.setdefault(target._meta.model_name or "", {})
            for one in target._base_manager.filter(pk__in=wanted):
                known[str(one.pk)] = one.slug if isinstance(one, Site) else str(getattr(one, "title", "") or one)


def _links(model: type[models.Model]) -> list[models.ForeignKey[Any, Any]]:
    return [field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey)]


def _csv(rows: list[dict[str, Any]]) -> bytes:
    return spreadsheets.document(list(rows[0]), [[_cell(value) for value in row.values()] for row in rows])


def _cell(value: Any) -> spreadsheets.Cell:
    if value is None or isinstance(value, (str, int, Decimal, date)):
        return value
    if isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False, default=_plain)
    return _plain(value)


def _plain(value: Any) -> str:
    """Numbers as they are stored, to the last place; instants with their offset."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in an export")
