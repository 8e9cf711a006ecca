"""Which tables hold rows of patients, and how such a row leads to its patient: found by looking at the models.

Export and erasure go by this, so that a new table is in both as soon as it is there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q

from pathway.models import AuditEvent, Erasure, Merge, Patient, Sight

# A view; what stays of an erased record; and the audit, which outlives it and is exported in a form of its own.
APART: frozenset[type[models.Model]] = frozenset({Sight, Erasure, AuditEvent})


@dataclass(frozen=True, slots=True)
class Reached:
    """A table with rows of patients. `paths` are lookups that end at the patient; of a merge there are two."""

    model: type[models.Model]
    paths: tuple[str, ...]
    depth: int

    def rows_of(self, patients: Collection[int]) -> models.QuerySet[Any]:
        wanted = Q()
        for path in self.paths:
            wanted |= Q(**{f"{path}__in": patients})
        return self.model._base_manager.filter(wanted).order_by("pk")


@cache
def reached() -> tuple[Reached, ...]:
    """Every table that leads to a patient, nearest first."""
    found: dict[type[models.Model], Reached] = {}
    nearest: list[type[models.Model]] = [Patient]
    depth = 0
    while nearest:
        depth += 1
        coming: dict[type[models.Model], tuple[str, ...]] = {}
        for model in _candidates(found):
            paths = tuple(_paths(model, nearest, found))
            if paths:
                coming[model] = paths
        found |= {model: Reached(model, paths, depth) for model, paths in coming.items()}
        nearest = list(coming)
    return tuple(sorted(found.values(), key=lambda one: (one.depth, one.model._meta.model_name or "")))


def group(patient: int) -> list[int]:
    """The patient and every record that was merged into theirs, at whatever remove."""
    found, nearest = [patient], [patient]
    while nearest:
        merged = Patient.objects.unscoped("export and erasure").filter(merged_into__in=nearest)
        # A merge that was taken apart left two records, which go their own ways.
        nearest = [pk for pk in merged.values_list("pk", flat=True) if pk not in found]
        found += nearest
    return found


def _candidates(found: Collection[type[models.Model]]) -> Iterable[type[models.Model]]:
    for model in apps.get_app_config("pathway").get_models():
        if model._meta.managed and model not in found and model not in APART and model is not Patient:
            yield model


def _paths(
    model: type[models.Model], nearest: Collection[type[models.Model]], found: dict[type[models.Model], Reached]
) -> list[str]:
    """By a column that is always filled where there is one; else by any."""
    columns = [
        f for f in model._meta.concrete_fields if isinstance(f, models.ForeignKey) and f.related_model in nearest
    ]
    always = [field for field in columns if not field.null] or columns
    if model is not Merge:
        always = always[:1]
    return [
        field.name if field.related_model is Patient else f"{field.name}__{path}"
        for field in always
        for path in (("",) if field.related_model is Patient else found[field.related_model].paths)
    ]
