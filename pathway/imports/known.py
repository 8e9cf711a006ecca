"""What an import would store against what is stored: new, known, or in contradiction with what came before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from pathway import errors
from pathway.engine import entries, schedule, units
from pathway.engine.catalogue import Kind
from pathway.engine.chart import age_in_years
from pathway.engine.tables.cells import Prepared
from pathway.imports.run import Run
from pathway.models import Observation, ObservationStatus, Patient
from pathway.models.people import NUMBER_KEY, number_key
from pathway.services.observations import COMPARED, STORED_PLACES, NewObservation

Stored = dict[str, list[Observation]]


def patient(run: Run, identifier: str) -> Patient | None:
    """Who has this hospital number at the site, however it is written; of a merged record the one that goes on."""
    rows = Patient.objects.unscoped("import").alias(key=NUMBER_KEY).filter(site=run.site, erased_at=None)
    found: Patient | None = rows.select_related("merged_into").filter(key=number_key(identifier)).first()
    while found is not None and found.merged_into is not None:
        found = found.merged_into
    return found


def stored(run: Run, prepared: Iterable[Prepared]) -> Stored:
    """What came from this source under these keys, voided results included, oldest first."""
    found: Stored = defaultdict(list)
    keys = [one.source_id for one in prepared]
    rows = Observation.objects.filter(source=run.source, source_id__in=keys).order_by("pk")
    for row in rows.prefetch_related("items"):
        found[row.source_id].append(row)
    return found


def new(run: Run, patient: Patient, one: Prepared, effective: date | datetime, before: Stored) -> NewObservation | None:
    """The observation to record, or None when it is stored already. What is wrong is refused with its column."""
    day = schedule.local_day(effective, run.site.time_zone) if isinstance(effective, datetime) else effective
    try:
        kind = run.vocabulary.catalogue.kinds[one.code]
        checked = _check(run, patient, kind, one, effective, day)
        if _is_known(one, _would_say(kind, checked, day), patient, before.get(one.source_id, ())):
            return None
    except errors.Refused as error:
        run.refuse_because(one.line, error, one.column_of(error.field))
        return None
    entry = one.entry
    return NewObservation(
        one.code,
        entry.value,
        entry.unit,
        entry.context,
        entry.items,
        effective=effective,
        source=run.source,
        source_id=one.source_id,
    )


def _check(
    run: Run, patient: Patient, kind: Kind, one: Prepared, effective: date | datetime, day: date
) -> entries.Checked:
    age = None if patient.birth_date is None else age_in_years(patient.birth_date, day)
    entry = entries.Entry(
        one.entry.value,
        one.entry.unit,
        one.entry.context,
        one.entry.items,
        day=day,
        at=effective if isinstance(effective, datetime) else None,
    )
    today = schedule.local_day(run.now, run.site.time_zone)
    return entries.check(kind, entry, age=age, today=today, now=run.now)


def _is_known(one: Prepared, wanted: tuple[object, ...], patient: Patient, rows: Sequence[Observation]) -> bool:
    """A result that a person voided since does not come back; a correction in the source after that is new."""
    for row in rows:
        is_same = row.patient_id == patient.pk and _says(row) == wanted
        if is_same:
            return True
        if row.patient_id != patient.pk:
            raise errors.Conflict("not-allowed", f"{one.source_id!r} was imported for another patient")
        if row.status != ObservationStatus.VOIDED:
            reason = f"{one.source_id!r} was imported with another content: void that result first"
            raise errors.Conflict("not-allowed", reason)
    return False


def _says(row: Observation) -> tuple[object, ...]:
    items = {item.code: item.truth if item.truth is not None else item.value for item in row.items.all()}
    context = tuple(getattr(row, key) for key in COMPARED)
    value = row.entered if row.entered is not None else row.truth if row.truth is not None else row.day_value
    members = None if row.members is None else tuple(row.members)
    return (row.kind_id, row.effective_on, value, row.unit, row.text, members, items, context)


def _would_say(kind: Kind, checked: entries.Checked, day: date) -> tuple[object, ...]:
    items = {name: _plain(value) for name, value in checked.items.items()}
    context = tuple(checked.context.get(key, "") for key in COMPARED)
    value = checked.value
    members = tuple(sorted(value)) if isinstance(value, frozenset) else None
    text = value if isinstance(value, str) else ""
    # Of an event nothing is stored but its day; texts and sets have a place of their own.
    single = None if isinstance(value, str | frozenset) or kind.type == "event" else _plain(value)
    return (kind.code, day, single, checked.unit, text, members, items, context)


def _plain(value: Fraction | bool | date | None) -> Decimal | bool | date | None:
    return units.rounded(value, STORED_PLACES) if isinstance(value, Fraction) else value
