"""A database is filled with copies of played patients by SQL, a whole patient at a time.

Every primary key of copy `n` is the original's plus `n` times the stride of its table, so which row of a copy is
which is known without asking. Nothing about people who do not exist is invented: a copy is a played patient again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, models, transaction

from pathway.models import (
    Administration,
    Alert,
    AuditEvent,
    CareTask,
    CareTeamMember,
    Enrollment,
    Episode,
    Evidence,
    ExerciseItem,
    Hit,
    Intervention,
    Judgement,
    Measure,
    Observation,
    ObservationItem,
    Patient,
    Proposal,
    ProposalGround,
    QualityFlag,
    Stay,
    TaskGround,
)

Model = type[models.Model]

# What belongs to one patient and the way from there to it; what others point at comes first.
TABLES: dict[Model, str] = {
    Patient: "pk",
    CareTeamMember: "patient",
    Enrollment: "patient",
    Observation: "patient",
    ObservationItem: "observation__patient",
    QualityFlag: "patient",
    Intervention: "patient",
    Administration: "intervention__patient",
    ExerciseItem: "patient",
    Stay: "enrollment__patient",
    Judgement: "enrollment__patient",
    Episode: "patient",
    Evidence: "episode__patient",
    Hit: "episode__patient",
    Alert: "episode__patient",
    Proposal: "enrollment__patient",
    ProposalGround: "proposal__enrollment__patient",
    CareTask: "enrollment__patient",
    TaskGround: "task__enrollment__patient",
    Measure: "patient",
    AuditEvent: "patient",
}
# Columns that hold keys without a foreign key.
KEY_ARRAYS: dict[tuple[Model, str], Model] = {
    (Judgement, "evidence"): Observation,
    (Hit, "observations"): Observation,
    (Proposal, "basis"): Hit,
}
SUBJECTS = {str(model._meta.model_name): model for model in TABLES}  # `AuditEvent.subject` is `model:pk`
UNIQUE_TEXTS: dict[tuple[Model, str], str] = {
    (Patient, "uuid"): "gen_random_uuid()",
    (Patient, "identifier"): "o.identifier || '-' || n",
}
ROWS_AT_ONCE = 1_000  # patients per round of statements: the rows of one patient lie near one another, as they would


@dataclass(frozen=True)
class Strides:
    """How far apart the keys of an original and its first copy are, per table."""

    of: dict[Model, int]

    def enrollment(self, original: int, copy: int) -> int:
        return original + copy * self.of[Enrollment]


def strides(originals: Iterable[int]) -> Strides:
    """As far as the originals reach in each table: the first copy begins behind them, each next one behind the last.

    Nothing else may have been written after the originals when the first copy is made.
    """
    patients = _patients(originals)
    return Strides({model: _width(_keys(model, way, patients)) for model, way in TABLES.items()})


def fill(originals: list[int], copies: int) -> Strides:
    """Copy each original `copies` times."""
    apart = strides(originals)
    patients = _patients(originals)
    each = max(1, ROWS_AT_ONCE // len(originals))
    for first in range(1, copies + 1, each):
        with transaction.atomic(), connection.cursor() as cursor:
            _speed_up(cursor)
            for model, way in TABLES.items():
                _copy(cursor, model, _keys(model, way, patients), (first, min(first + each - 1, copies)), apart)
    _move_sequences()
    return apart


def settle() -> None:
    """Leave nothing for the measured statements to clean up after the fill."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def target_of(field: models.Field[Any, Any]) -> Model | None:
    """The copied table that a foreign key points into."""
    related = field.related_model if field.is_relation else None
    return related if isinstance(related, type) and related in TABLES else None


def _patients(enrollments: Iterable[int]) -> list[int]:
    return list(Enrollment.objects.filter(pk__in=list(enrollments)).values_list("patient", flat=True))


def _width(keys: list[int]) -> int:
    return max(keys) - min(keys) + 1 if keys else 1


def _keys(model: Model, way: str, patients: list[int]) -> list[int]:
    return list(model._base_manager.filter(**{f"{way}__in": patients}).values_list("pk", flat=True))


def _move_sequences() -> None:
    with connection.cursor() as cursor:
        for table in (model._meta.db_table for model in TABLES):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


def _speed_up(cursor: Any) -> None:
    # Copies of consistent rows are consistent; asking each foreign key would take most of the time.
    cursor.execute("SELECT current_setting('is_superuser')")
    if cursor.fetchone()[0] == "on":
        cursor.execute("SET LOCAL session_replication_role = replica")


def _copy(cursor: Any, model: Model, keys: list[int], numbers: tuple[int, int], apart: Strides) -> None:
    if not keys:
        return
    fields = model._meta.concrete_fields
    columns = ", ".join(f'"{field.column}"' for field in fields)
    values = ", ".join(_value(model, field, apart) for field in fields)
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {values} FROM generate_series(%s::int, %s::int) n, "
        f"{model._meta.db_table} o WHERE o.id = ANY(%s) ORDER BY n, o.id",
        [*numbers, keys],
    )


def _value(model: Model, field: models.Field[Any, Any], apart: Strides) -> str:
    column = f'o."{field.column}"'
    if field.primary_key:
        return f"{column} + n * {apart.of[model]}::bigint"
    target = target_of(field)
    if target is not None:
        return f"{column} + n * {apart.of[target]}::bigint"
    if (model, field.name) in KEY_ARRAYS:
        stride = apart.of[KEY_ARRAYS[model, field.name]]
        return (
            f"ARRAY(SELECT k + n * {stride}::bigint FROM unnest({column}) WITH ORDINALITY u(k, place) ORDER BY place)"
        )
    if (model, field.name) == (AuditEvent, "subject"):
        return _subject(apart)
    return UNIQUE_TEXTS.get((model, field.name), column)


def _subject(apart: Strides) -> str:
    kind, key = "split_part(o.subject, ':', 1)", "split_part(o.subject, ':', 2)::bigint"
    moves = " ".join(
        f"WHEN '{name}' THEN '{name}:' || {key} + n * {apart.of[m]}::bigint" for name, m in SUBJECTS.items()
    )
    return f"CASE {kind} {moves} ELSE o.subject END"
