"""Percent of predicted FVC, computed from litres by the equation that the site has chosen (facts 3.6).

A percentage that came from a device or a person wins over a computed one; only sitting litres count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from pathway.engine import units
from pathway.engine.catalogue import Range
from pathway.models import Observation, ObservationStatus
from pathway.selectors.cases import Case

LITRES, PERCENT, HEIGHT = "fvc", "fvc-pct", "height"
DERIVED = "derived"  # the source of a computed percentage
NO_LONGER = "computed from what does not hold any more"  # the reason when one is voided by the server
SITTING = ("", "sitting")
PREDICTED = {"ecsc": "fvc-pred-ecsc", "nhanes3": "fvc-pred-nhanes3"}
STORED_PLACES = 20


@dataclass(frozen=True, slots=True)
class Percent:
    """A percentage to store: of which litres, when, by which equation."""

    litres: int
    at: datetime
    value: Decimal
    equation: str

    @property
    def source_id(self) -> str:
        return source_id(self.litres)


@dataclass(frozen=True, slots=True)
class Changes:
    """Computed percentages that no longer follow, and those that are to be stored."""

    void: tuple[Observation, ...] = ()
    store: tuple[Percent, ...] = ()


def source_id(litres: int) -> str:
    """Names the row of the litres."""
    return f"{LITRES}:{litres}"


def days_of(case: Case, rows: Collection[Observation]) -> set[date]:
    """Days on which new results may change what is computed; none where nothing ever was and nothing will be."""
    days = _days(rows)
    brings_height = any(row.kind_id == HEIGHT for row in rows)
    if not (days or brings_height) or not (case.site.fvc_equation or _was_computed(case)):
        return set()
    return days | _days_with_litres(case) if brings_height else days


def days_of_voided(case: Case, voided: Observation, new: Iterable[Observation]) -> set[date]:
    """Days on which a correction may change what is computed: for a height all days with litres."""
    return _days_with_litres(case) if voided.kind_id == HEIGHT else _days([voided, *new])


def changes(case: Case, days: Collection[date]) -> Changes:
    """What is to be voided and stored on these days, for what is known now."""
    if not days:
        return Changes()
    rows = Observation.objects.filter(patient=case.patient, kind__in=(LITRES, PERCENT), effective_on__in=days)
    found = list(rows.filter(performable=True, posture__in=SITTING).order_by("effective_at", "pk"))
    void: list[Observation] = []
    store: list[Percent] = []
    for day in sorted(days):
        gone, new = _of_day(case, [row for row in found if row.effective_on == day])
        void += gone
        store += new
    return Changes(tuple(void), tuple(store))


def _was_computed(case: Case) -> bool:
    """By an equation that the site had chosen before."""
    known = case.chart().results.get(PERCENT, ())
    return any(result.context.get("reference") in PREDICTED for result in known)


def _days_with_litres(case: Case) -> set[date]:
    """A height that comes later than the litres tells what they are in percent (CONVENTIONS 3)."""
    litres = Observation.objects.filter(patient=case.patient, kind=LITRES, performable=True, posture__in=SITTING)
    return set(litres.exclude(status=ObservationStatus.VOIDED).values_list("effective_on", flat=True))


def _days(rows: Iterable[Observation]) -> set[date]:
    return {row.effective_on for row in rows if row.kind_id in (LITRES, PERCENT) and row.source != DERIVED}


def _of_day(case: Case, rows: Collection[Observation]) -> tuple[list[Observation], list[Percent]]:
    standing = [row for row in rows if row.status != ObservationStatus.VOIDED]
    computed = [row for row in standing if row.source == DERIVED]
    litres = [row for row in standing if row.kind_id == LITRES]
    is_measured = any(row.kind_id == PERCENT and row.source != DERIVED for row in standing)
    wanted = None if is_measured or not litres else _percent(case, litres[-1], computed)
    if wanted is not None and _was_rejected(rows, wanted):
        wanted = None
    kept = [row for row in computed if wanted is not None and _says(row, wanted)]
    gone = [row for row in computed if row not in kept]
    return gone, [wanted] if wanted is not None and not kept else []


def _was_rejected(rows: Collection[Observation], wanted: Percent) -> bool:
    """A person has voided it: it does not come back by itself."""
    return any(
        row.status == ObservationStatus.VOIDED and _says(row, wanted) and row.void_reason != NO_LONGER for row in rows
    )


def _says(row: Observation, wanted: Percent) -> bool:
    told = (row.source, row.source_id, row.reference, row.value)
    return told == (DERIVED, wanted.source_id, wanted.equation, wanted.value)


def _percent(case: Case, litres: Observation, computed: Collection[Observation]) -> Percent | None:
    """None where sex, age or height is unknown, where the equation does not reach, or for an implausible result."""
    before = [row.reference for row in computed if row.source_id == source_id(litres.pk)]
    equation = before[0] if before else case.site.fvc_equation  # a new choice is for new litres
    if equation not in PREDICTED or litres.value is None:
        return None
    reader = case.reader_of(replace(case.chart(), today=litres.effective_on))
    predicted = reader.read(PREDICTED[equation]).value
    if not isinstance(predicted, Fraction) or predicted <= 0:
        return None
    percent = Fraction(litres.value) * 100 / predicted
    if not _is_plausible(case, percent):
        return None
    return Percent(litres.pk, litres.effective_at, units.rounded(percent, STORED_PLACES), equation)


def _is_plausible(case: Case, percent: Fraction) -> bool:
    hard = case.vocabulary.catalogue.kinds[PERCENT].hard.adult
    return not isinstance(hard, Range) or hard.holds(percent)
