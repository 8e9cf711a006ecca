"""Facts come in: checked, stored together or not at all, held where a person should look first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from django.db import IntegrityError, transaction

from pathway import audit, errors
from pathway.engine import entries, units
from pathway.engine.chart import Result, age_in_years
from pathway.models import Observation, ObservationItem, ObservationStatus, QualityFlag
from pathway.selectors.cases import Case
from pathway.selectors.spirometry import DERIVED, Percent

STORED_PLACES = 20
UNIT_MIXUP, AFTER_DEATH = "unit-mixup", "after-death"
COMPARED = ("posture", "assistance", "activity", "oxygen", "antibiotics", "reference")


@dataclass(frozen=True, slots=True)
class NewObservation:
    """What somebody wants to record. `effective` is a day (noon then) or an instant; None: now."""

    kind: str
    value: object = None
    unit: str | None = None
    context: Mapping[str, object] = field(default_factory=dict)
    items: Mapping[object, object] = field(default_factory=dict)
    performable: bool = True
    reason: str = ""
    effective: date | datetime | None = None
    source: str = "person"
    source_id: str = ""


def record(case: Case, form: Sequence[NewObservation], *, replaces: Observation | None = None) -> list[Observation]:
    """Store one form. Raises InvalidEntry (nothing is stored) naming the field at fault.

    Held are weights that look like pounds for kilograms, and results dated after a recorded death.
    """
    drafts = [_draft(case, new, replaces) for new in form]
    rows = _store([draft.row for draft in drafts])
    ObservationItem.objects.bulk_create(
        _item(draft.row, *item) for draft in drafts for item in draft.checked.items.items()
    )
    case.learned([(row, draft.checked.items) for row, draft in zip(rows, drafts, strict=True)])
    is_silent = case.is_dead
    for draft in drafts:
        flags = [draft.row.held_for] if draft.row.held_for else ([] if is_silent else _flags(case, draft))
        for code in flags:
            flag(case, code, observation=draft.row)
    audit.record(
        "observation.recorded",
        by=case.by,
        patient=case.patient,
        subject=rows[0] if rows else None,
        after={row.kind_id: shown(row) for row in rows},
    )
    return rows


def record_percents(case: Case, percents: Iterable[Percent]) -> list[Observation]:
    """Store percentages that were computed from litres; each names their row and the equation."""
    form = [
        NewObservation(
            "fvc-pct",
            one.value,
            "%",
            {"posture": "sitting", "reference": one.equation},
            effective=one.at,
            source=DERIVED,
            source_id=one.source_id,
        )
        for one in percents
    ]
    return record(case, form) if form else []


def void(case: Case, observation: Observation, *, reason: str) -> None:
    """Mark it as entered in error. It stays for ever, and is used by nothing from now on."""
    if observation.status == ObservationStatus.VOIDED:
        raise errors.NotAllowed("not-allowed", "This result was voided before")
    if not reason.strip():
        raise errors.NotAllowed("not-allowed", "Voiding needs a reason", "reason")
    observation.status = ObservationStatus.VOIDED
    observation.void_reason, observation.voided_at = reason, case.at
    observation.save(update_fields=["status", "void_reason", "voided_at"])
    case.changed("results")
    audit.record("observation.voided", by=case.by, patient=case.patient, subject=observation, reason=reason)


def confirm(case: Case, observation: Observation, *, reason: str) -> None:
    """A person has looked at a held result and it is right."""
    if observation.status != ObservationStatus.HELD or observation.held_for == AFTER_DEATH:
        raise errors.NotAllowed("not-allowed", "This result is not waiting for a check")
    _release(case, observation)
    audit.record("observation.confirmed", by=case.by, patient=case.patient, subject=observation, reason=reason)


def release_plausible_weights(case: Case) -> list[Observation]:
    """Held weights that are plausible after a correction count from now on (CONVENTIONS 34)."""
    held = Observation.objects.filter(
        patient=case.patient, status=ObservationStatus.HELD, held_for=UNIT_MIXUP
    ).order_by("effective_at", "pk")
    if case.patient.died_on is not None:
        held = held.filter(effective_on__lte=case.patient.died_on)
    released = []
    for row in held:
        if not _looks_like_other_unit(case, _exact(row), row):
            _release(case, row)
            _tell(case, "observation.released", row, "plausible after a correction")
            released.append(row)
    return released


def hold_after(case: Case, day: date) -> None:
    """Results dated after a death are kept but used by nothing."""
    late = Observation.objects.usable().filter(patient=case.patient, effective_on__gt=day)
    for row in late:
        row.status, row.held_for = ObservationStatus.HELD, AFTER_DEATH
        row.save(update_fields=["status", "held_for"])
        flag(case, AFTER_DEATH, observation=row)
        _tell(case, "observation.held", row, AFTER_DEATH)
    case.changed("results")


def release_after_death(case: Case) -> None:
    """The death was recorded by mistake: what it held counts, but for weights that look like another unit."""
    held = Observation.objects.filter(patient=case.patient, status=ObservationStatus.HELD, held_for=AFTER_DEATH)
    for row in held.order_by("effective_at", "pk"):
        if row.kind_id == "weight" and row.performable and _looks_like_other_unit(case, _exact(row), row):
            row.held_for = UNIT_MIXUP
            row.save(update_fields=["held_for"])
            flag(case, UNIT_MIXUP, observation=row)
            _tell(case, "observation.held", row, UNIT_MIXUP)
        else:
            _release(case, row)
            _tell(case, "observation.released", row, "death reversed")


def flag(case: Case, code: str, *, observation: Observation | None = None, detail: str = "") -> None:
    """Raise a data-quality flag, once per observation and code."""
    QualityFlag.objects.get_or_create(
        patient=case.patient,
        code=code,
        observation=observation,
        detail=detail,
        defaults={"raised_at": case.at, "raised_on": case.today},
    )


def flag_stale_weight(case: Case) -> None:
    """`weight-stale`, once per weight, while a child is on risdiplam (CONVENTIONS 35)."""
    reader = case.reader()
    found = reader.usable("weight")
    if not found or not reader.is_active("risdiplam"):
        return
    if entries.is_weight_stale(found[-1].day, case.today, age=reader.age_on(case.today)):
        flag(case, "weight-stale", observation=Observation.objects.get(pk=found[-1].key))


def shown(row: Observation) -> str:
    """The value as a person reads it, for the audit and for lists."""
    if not row.performable:
        return "not performable"
    if row.entered is not None:
        return f"{row.entered.normalize():f} {row.unit}".strip()
    if row.members is not None:
        return ", ".join(row.members) or "none"
    if row.truth is not None:
        return "yes" if row.truth else "no"
    return row.text or (row.day_value.isoformat() if row.day_value else "form")


# how one entry becomes a row


@dataclass(slots=True)
class _Draft:
    row: Observation
    checked: entries.Checked


def _draft(case: Case, new: NewObservation, replaces: Observation | None) -> _Draft:
    kind = case.vocabulary.catalogue.kinds.get(new.kind)
    if kind is None:
        raise errors.InvalidEntry("not-allowed", f"There is no observation {new.kind!r}", "code")
    at = effective_at(case, new.effective)
    day = case.local_day(at)
    birth = case.patient.birth_date
    if birth is not None and day < birth:
        raise errors.InvalidEntry("implausible", "The day lies before the patient's birth", "effective")
    age = None if birth is None else age_in_years(birth, day)
    entry = entries.Entry(
        new.value, new.unit, new.context, new.items, new.performable, day, at if at != case.noon(day) else None
    )
    checked = entries.check(kind, entry, age=age, today=case.today, now=case.at)
    row = Observation(
        patient=case.patient,
        kind_id=new.kind,
        performable=new.performable,
        effective_at=at,
        effective_on=day,
        recorded_at=case.at,
        recorded_by=case.by,
        source=new.source,
        source_id=new.source_id,
        replaces=replaces,
    )
    _fill(row, kind.type, checked, new.reason)
    _hold_if_doubtful(case, row, checked)
    return _Draft(row, checked)


def effective_at(case: Case, effective: date | datetime | None) -> datetime:
    """A day without a time counts as noon, but never as later than now on the day itself.

    Raises InvalidEntry for a time without a zone.
    """
    if effective is None:
        return case.at
    if isinstance(effective, datetime):
        if effective.utcoffset() is None:
            raise errors.InvalidEntry("not-allowed", "A time needs its zone", "effective")
        return effective
    noon = case.noon(effective)
    return case.at if effective == case.today and noon > case.at else noon


def _store(rows: Sequence[Observation]) -> list[Observation]:
    if not any(row.source_id for row in rows):
        return Observation.objects.bulk_create(rows)
    try:
        with transaction.atomic():
            return Observation.objects.bulk_create(rows)
    except IntegrityError as error:  # whoever else is storing the same: the database alone knows
        raise errors.InvalidEntry("not-allowed", "A result of this source is stored already", "source_id") from error


def _fill(row: Observation, kind_type: str, checked: entries.Checked, reason: str) -> None:
    context = dict(checked.context)
    for key in COMPARED:
        setattr(row, key, context.pop(key, ""))
    row.uln = Decimal(context.pop("uln")) if "uln" in context else None
    row.days = int(units.exact(context.pop("days"))) if "days" in context else None
    row.notes = context
    value = checked.value
    if not checked.performable:
        row.text = reason[:200]
    elif kind_type == "quantity":
        row.entered, row.unit = _decimal(value), checked.unit
        row.value = _decimal(checked.canonical)
    elif kind_type == "boolean":
        row.truth = bool(value)
    elif kind_type == "set":
        row.members = sorted(value) if isinstance(value, frozenset) else []
    elif kind_type == "date":
        row.day_value = value if isinstance(value, date) else None
    elif kind_type == "coded":
        row.text = str(value)


def _decimal(value: object) -> Decimal:
    exact = value if isinstance(value, Fraction) else Fraction(str(value))
    return units.rounded(exact, STORED_PLACES)


def _item(row: Observation, code: str, value: Fraction | bool | None) -> ObservationItem:
    if isinstance(value, bool):
        return ObservationItem(observation=row, code=code, truth=value)
    return ObservationItem(observation=row, code=code, value=None if value is None else _decimal(value))


def _exact(row: Observation) -> Fraction:
    return Fraction(row.value or 0)


# holds and flags (CONVENTIONS 34, 35)


def _hold_if_doubtful(case: Case, row: Observation, checked: entries.Checked) -> None:
    if case.is_dead and case.patient.died_on is not None and row.effective_on > case.patient.died_on:
        row.status, row.held_for = ObservationStatus.HELD, AFTER_DEATH
    elif row.kind_id == "weight" and row.performable and isinstance(checked.canonical, Fraction):
        if _looks_like_other_unit(case, checked.canonical, row):
            row.status, row.held_for = ObservationStatus.HELD, UNIT_MIXUP


def _looks_like_other_unit(case: Case, weight: Fraction, row: Observation) -> bool:
    earlier = _earlier_weight(case, row)
    if earlier is None or not isinstance(earlier.value, Fraction):
        return False
    age = case.reader().age_on(row.effective_on)
    return entries.is_unit_mixup(weight, earlier.value, age=age, days=(row.effective_on - earlier.day).days)


def _earlier_weight(case: Case, row: Observation) -> Result | None:
    """The newest usable weight before this one; of one instant, the one entered before."""
    order = row.pk or math.inf  # not stored yet: after all of its instant
    found = [r for r in case.reader().usable("weight") if (r.at, r.order) < (row.effective_at, order)]
    return found[-1] if found else None


def _release(case: Case, row: Observation) -> None:
    row.status, row.held_for = ObservationStatus.FINAL, ""
    row.save(update_fields=["status", "held_for"])
    case.changed("results")


def _tell(case: Case, action: str, row: Observation, reason: str) -> None:
    audit.record(action, by=case.by, patient=case.patient, subject=row, reason=reason)


def _flags(case: Case, draft: _Draft) -> list[str]:
    row, checked = draft.row, draft.checked
    found = list(checked.flags)
    if row.kind_id in ("weight", "height"):
        found += _body_flags(case, row)
    if row.kind_id == "alsfrs-r":
        has_tube = case.reader().is_active("gastrostomy")
        if entries.is_q3_without_gastrostomy(checked.items, has_gastrostomy=has_tube):
            found.append("q3-no-gastrostomy")
    return found


def _body_flags(case: Case, row: Observation) -> list[str]:
    found = []
    day_chart = replace(case.chart(), today=row.effective_on)
    reader = case.reader_of(day_chart)
    bmi, age = reader.read("bmi"), reader.age_on(row.effective_on)
    if isinstance(bmi.value, Fraction) and entries.is_bmi_implausible(bmi.value, age):
        found.append("bmi-implausible")
    if row.kind_id == "weight":
        earlier = _earlier_weight(case, row)
        if earlier is not None and isinstance(earlier.value, Fraction):
            days = (row.effective_on - earlier.day).days
            if entries.is_rapid_change(_exact(row), earlier.value, days=days, age=age):
                found.append("rapid-change")
        if case.reader().is_active("risdiplam") and entries.is_below_fixed_dose(
            _exact(row), case.reader().read("risdiplam-row-prescribed").value
        ):
            found.append("below-20-kg")
    return found
