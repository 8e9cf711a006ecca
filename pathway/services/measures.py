"""Derived values as they stand, kept for lists and trends. Rebuildable at any time."""

from __future__ import annotations

from fractions import Fraction

from pathway.engine import units
from pathway.engine.chart import Reading
from pathway.engine.measures import REGISTRY
from pathway.models import Measure
from pathway.selectors import texts
from pathway.selectors.cases import Case

PLACES = 20
_KNOWN = "SELECT kind_id, value, text, day, missing FROM pathway_measure WHERE patient_id = %s"


def derive(case: Case, *, a_day_passed: bool = False) -> None:
    """Write the measures that changed, in one statement. What changes by the day is computed where it is shown.

    They change with facts, and on a new day when a value expires.
    """
    if not case.are_facts_new() and not a_day_passed:
        return
    reader = case.reader()
    known = {code: says for code, *says in texts.rows(_KNOWN, [case.patient.pk])}
    changed = []
    for code, measure in REGISTRY.items():
        if measure.changes_daily:
            continue
        reading = reader.read(code)
        row, old = _row(case, code, reading), known.get(code)
        if (old is None and reading.is_known) or (old is not None and _says(row) != old):
            changed.append(row)
    if not changed:
        return
    Measure.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["patient", "kind"],
        update_fields=["value", "text", "day", "missing", "derived_at"],
    )


def _row(case: Case, code: str, reading: Reading) -> Measure:
    value = reading.value
    number = units.rounded(value, PLACES) if isinstance(value, Fraction) and not isinstance(value, bool) else None
    text = "" if value is None or number is not None else str(value).lower()
    return Measure(
        patient=case.patient,
        kind_id=code,
        value=number,
        text=text,
        day=reading.day,
        missing=", ".join(sorted(reading.missing))[:200],
        derived_at=case.at,
    )


def _says(row: Measure) -> list[object]:
    return [row.value, row.text, row.day, row.missing]
