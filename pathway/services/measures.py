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
SAYS = ("value", "text", "day", "missing")
_KNOWN = f"SELECT kind_id, {', '.join(SAYS)} FROM pathway_measure WHERE patient_id = %s"


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
        says, old = _says(reading), known.get(code)
        if says != old and (old is not None or reading.is_known):
            told = dict(zip(SAYS, says, strict=True))
            changed.append(Measure(patient=case.patient, kind_id=code, derived_at=case.at, **told))
    if not changed:
        return
    Measure.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["patient", "kind"],
        update_fields=[*SAYS, "derived_at"],
    )


def _says(reading: Reading) -> list[object]:
    """What is stored of it, in the order of SAYS."""
    value = reading.value
    number = units.rounded(value, PLACES) if isinstance(value, Fraction) and not isinstance(value, bool) else None
    text = "" if value is None or number is not None else str(value).lower()
    return [number, text, reading.day, ", ".join(sorted(reading.missing))[:200]]
