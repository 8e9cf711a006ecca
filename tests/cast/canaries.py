"""A word of its own in every text of every patient, by which an answer tells whose text it shows.

The texts are found by the models: a new column is planted, or is named below as no free text, or the test of this
file fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from pathway.models import Patient
from pathway.selectors import walls

CANARY = re.compile(rb"canary(\d)x(\d\d)x", re.IGNORECASE)

# Columns whose values are words of the vocabulary, keys, or numbers in a list: nobody types a text there.
CODES: Mapping[str, frozenset[str]] = {
    "Enrollment": frozenset({"status", "rows_in_force", "status_before_death"}),
    "Stay": frozenset({"track", "how"}),
    "Observation": frozenset(
        {"unit", "members", "source", "held_for", "posture", "assistance", "activity", "oxygen", "antibiotics"}
        | {"reference", "status"}
    ),
    "ObservationItem": frozenset({"code"}),
    "QualityFlag": frozenset({"code"}),
    "Judgement": frozenset({"verdict", "last_definite", "missing", "evidence"}),
    "Episode": frozenset({"key"}),
    "Hit": frozenset({"observations"}),
    "AuditEvent": frozenset({"action", "subject", "patients", "ways"}),
    "Intervention": frozenset({"extent"}),
    "Administration": frozenset({"label"}),
    "ExerciseItem": frozenset({"type", "load"}),
    "CareTask": frozenset({"label", "outcome"}),
    "Measure": frozenset({"text", "missing"}),
    "Proposal": frozenset({"track", "code", "basis"}),
    "MergeRow": frozenset({"table"}),
    "Reminder": frozenset({"rung"}),
    "Delivery": frozenset({"channel"}),
}
# No patient of the cast is erased, and there is nothing to show of one who is.
GONE = frozenset({"Erasure"})
# Empty in most rows, and may be filled in any.
SELDOM = frozenset({("Observation", "source_id"), ("Intervention", "concerns"), ("Delivery", "reason")})
# Columns that are empty unless something has ended; here nothing has, and their rows cannot have a text then.
EMPTY = frozenset({("Merge", "end_reason"), ("Transfer", "decision_reason"), ("LegalHold", "release_reason")})

TEXTS = (models.CharField, models.TextField, models.JSONField, ArrayField)
# The column by which a row is a patient's, where it is not its one key of a patient.
WAYS: Mapping[str, str] = {"Merge": "survivor_id", "Patient": "id"}


@cache
def columns() -> list[tuple[type[models.Model], str]]:
    """Every text that is planted, in the order of the numbers in their canaries."""
    found = []
    for model in _models():
        for field in model._meta.concrete_fields:
            if isinstance(field, TEXTS) and not field.choices and field.name not in CODES.get(model.__name__, ()):
                found.append((model, field.name))
    return found


def canary(patient: int, column: int) -> str:
    return f"Canary{patient}x{column:02}x"


@cache
def names() -> list[str]:
    return [f"{model.__name__}.{name}" for model, name in columns()]


def plant(patients: Sequence[Patient]) -> dict[int, set[str]]:
    """Past triggers, as no person could. Returns which columns could be planted, per patient: those with a text."""
    planted: dict[int, set[str]] = {number: set() for number in range(len(patients))}
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for number, patient in enumerate(patients):
            for column, (model, name) in enumerate(columns()):
                cursor.execute(_statement(model, name), [canary(number, column), patient.pk])
                if cursor.rowcount:
                    planted[number].add(f"{model.__name__}.{name}")
        cursor.execute("SET LOCAL session_replication_role = origin")
    for patient in patients:
        patient.refresh_from_db()
    return planted


def seen(text: bytes) -> set[tuple[int, str]]:
    """Patient and column of every canary in a text."""
    known = names()
    return {(int(patient), known[int(column)]) for patient, column in CANARY.findall(text)}


def _models() -> Iterator[type[models.Model]]:
    tables = walls.tables_of_patients()
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table in tables and model.__name__ not in GONE:
            yield model


def _statement(model: type[models.Model], name: str) -> str:
    """Texts that are not empty get the canary, with their key, since some have to be unique."""
    field = model._meta.get_field(name)
    column, table = connection.ops.quote_name(str(field.column)), model._meta.db_table
    if isinstance(field, models.JSONField):
        given = "coalesce(nullif({0}, 'null'::jsonb), '{{}}'::jsonb) || jsonb_build_object('note', %s::text)"
        value, where = given.format(column), "true"
    else:
        value, where = "%s::text || id::text", f"{column} <> ''"
    if (model.__name__, name) == ("Observation", "text"):
        where += " AND NOT performable"  # else it is a word of the vocabulary
    if (model.__name__, name) in SELDOM:
        where = "true"
    return f"UPDATE {table} SET {column} = {value} WHERE {where} AND {_of_patient(model)}"


def _of_patient(model: type[models.Model]) -> str:
    """SQL: the row belongs to this patient."""
    way = WAYS.get(model.__name__)
    if way is not None:
        return f"{way} = %s"
    keys = [field for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey)]
    owner = next((field for field in keys if field.related_model is Patient), None)
    if owner is not None:
        return f"{owner.column} = %s"
    tables = walls.tables_of_patients()
    parent = next(
        field for field in keys
        if isinstance(field.related_model, type) and field.related_model._meta.db_table in tables
    )  # fmt: skip
    related = parent.related_model
    assert isinstance(related, type)
    return f"{parent.column} IN (SELECT id FROM {related._meta.db_table} WHERE {_of_patient(related)})"
