"""Risdiplam: the dosing row of the label, the dose, and how far the prescribed one is from it [V:RIS].

What is prescribed follows what people decided: the dose given with the start, and after an
accepted `risdiplam-dose-change` the dose of that day. The row of a past day is read from the
same results with the clock set back to it, so a weight of a later day plays no part.
"""

from __future__ import annotations

import dataclasses
from datetime import date
from fractions import Fraction

from pathway.engine import units
from pathway.engine.catalogue import ADULT_AGE
from pathway.engine.chart import Reader, Reading, Span, age_in_years
from pathway.engine.measures.base import Family, full_months, only
from pathway.engine.schedule import Period

FAMILY = Family()

WEIGHT_AGE_LIMIT = Period(3, "mo")
PER_KG = {1: Fraction("0.15"), 2: Fraction("0.2"), 3: Fraction("0.25")}
FIXED_DOSE = Fraction(5)
FIXED_FROM_KG = 20
STRENGTH = Fraction("0.75")


@FAMILY.measure(
    "risdiplam-row",
    "Risdiplam dosing row",
    "age today: < 2 mo 1; < 2 y 2; >= 2 y and < 20 kg 3; >= 2 y and >= 20 kg 4",
    changes_daily=True,
)
def risdiplam_row(reader: Reader) -> Reading:
    """1 to 4 [V:RIS]. A child's weight of more than 3 months ago counts no more."""
    born, today = reader.chart.birth_date, reader.chart.today
    weight = reader.read("weight")
    if born is None or not weight.is_known:
        return reader.reading(None, weight.evidence, [*weight.missing, *([] if born else ["birth-date"])])
    is_child = age_in_years(born, today) < ADULT_AGE
    if is_child and WEIGHT_AGE_LIMIT.after(only(weight).day) < today:
        return reader.reading(None, weight.evidence, ["weight"])
    return reader.combine(lambda kilograms: Fraction(_row(born, today, kilograms)), weight)


def _row(born: date, today: date, kilograms: Fraction) -> int:
    if full_months(born, today) < 2:
        return 1
    if age_in_years(born, today) < 2:
        return 2
    return 3 if kilograms < FIXED_FROM_KG else 4


@FAMILY.measure(
    "risdiplam-dose",
    "Risdiplam dose",
    "row 1: 0.15 mg/kg, 2: 0.2 mg/kg, 3: 0.25 mg/kg, 4: 5 mg",
    "mg",
    2,
    changes_daily=True,
)
def risdiplam_dose(reader: Reader) -> Reading:
    """Milligrams a day [V:RIS]."""
    return reader.combine(_dose, risdiplam_row(reader), reader.read("weight"))


def _dose(row: Fraction, kilograms: Fraction) -> Fraction:
    return PER_KG[int(row)] * kilograms if int(row) in PER_KG else FIXED_DOSE


@FAMILY.measure("risdiplam-volume", "Risdiplam volume", "risdiplam-dose / 0.75", "mL", 2, changes_daily=True)
def risdiplam_volume(reader: Reader) -> Reading:
    """Millilitres of the solution of 0.75 mg/mL [V:RIS]."""
    return reader.combine(lambda dose: dose / STRENGTH, reader.read("risdiplam-dose"))


@FAMILY.measure(
    "risdiplam-row-prescribed",
    "Risdiplam dosing row, prescribed",
    "the row on the day of start or of the last accepted change",
    changes_daily=True,
)
def risdiplam_row_prescribed(reader: Reader) -> Reading:
    """1 to 4; unknown before the start."""
    span = _course(reader)
    if span is None:
        return reader.unknown()
    return risdiplam_row(_on(reader, _changed_on(reader, span) or span.started))


@FAMILY.measure(
    "risdiplam-mismatch",
    "Risdiplam dose off by",
    "abs(prescribed - risdiplam-dose) x 100 / risdiplam-dose",
    "%",
    1,
    changes_daily=True,
)
def risdiplam_mismatch(reader: Reader) -> Reading:
    """Percent of the dose that weight and age ask for today [V:RIS], [D]."""
    return reader.combine(
        lambda due, given: abs(given - due) * 100 / due, reader.read("risdiplam-dose"), _prescribed(reader)
    )


def _prescribed(reader: Reader) -> Reading:
    """Milligrams: the dose of the last accepted change, rounded to 0.01 mg (vocabulary 7.5), else of the start."""
    span = _course(reader)
    if span is None:
        return reader.unknown()
    changed = _changed_on(reader, span)
    due = risdiplam_dose(_on(reader, changed)) if changed else reader.unknown()
    if due.is_known:
        return reader.combine(lambda dose: Fraction(units.rounded(dose, 2)), due)
    written = span.details.get("dose_mg")
    return Reading(units.exact(written)) if written else reader.unknown()


def _course(reader: Reader) -> Span | None:
    """The newest course that has begun."""
    begun = [s for s in reader.chart.spans if s.code == "risdiplam" and s.started <= reader.chart.today]
    return max(begun, key=lambda span: span.started, default=None)


def _changed_on(reader: Reader, span: Span) -> date | None:
    """Day of the last change accepted in this course."""
    return max(
        (
            decision.day
            for decision in reader.chart.decisions
            if decision.code == "risdiplam-dose-change" and span.started <= decision.day <= reader.chart.today
        ),
        default=None,
    )


def _on(reader: Reader, day: date) -> Reader:
    """The same facts, read on an earlier day."""
    return Reader(dataclasses.replace(reader.chart, today=day), reader.catalogue, {})
