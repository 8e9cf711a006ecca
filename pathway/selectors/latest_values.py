"""What is known of a patient now, with units and dates, and what is not known, with what is missing.

Nothing is left blank: a value out of date says so, and a question that cannot be answered names
what would answer it (missing data never reads as normal).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from pathway.engine.catalogue import ADULT_AGE
from pathway.engine.chart import age_in_years
from pathway.models import Judgement, MeasureKind, Observation, ObservationStatus, Patient
from pathway.selectors import shown, worklists
from pathway.selectors.cases import Case

PAGE = 50
PARTS_OF_OTHERS = r"^(q\d+|age)$"  # items of a scale, which the scale shows, and the age that rules ask for


@dataclass(frozen=True, slots=True)
class Value:
    """One value. `note` tells what a reader must know about it: held, out of date, entered in error."""

    pk: int
    code: str
    title: str
    value: str
    day: str
    context: str = ""
    note: str = ""
    status: str = "final"
    by: str = ""
    recorded: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """A rule that cannot be judged now, and what it waits for."""

    rule: str
    missing: str


def values(case: Case) -> tuple[list[Value], list[Value]]:
    """The newest result of every kind, and all that are held for a check."""
    rows = Observation.objects.filter(
        patient=case.patient, status__in=(ObservationStatus.FINAL, ObservationStatus.HELD)
    )
    rows = rows.select_related("kind", "recorded_by").prefetch_related("items")
    newest = rows.filter(status=ObservationStatus.FINAL).order_by("kind", "-effective_at", "-pk").distinct("kind")
    held = rows.filter(status=ObservationStatus.HELD).order_by("recorded_at", "pk")
    by_title = sorted(newest, key=lambda row: row.kind.title.lower())
    return [value(case, row) for row in by_title], [value(case, row) for row in held]


def value(case: Case, row: Observation) -> Value:
    return Value(
        pk=row.pk,
        code=row.kind_id,
        title=row.kind.title,
        value=shown.observation(row),
        day=shown.day(row.effective_on),
        context=shown.context(row),
        note=_note(case, row),
        status=row.status,
        by=shown.person(row.recorded_by) if row.source == "person" else row.source,
        recorded=shown.moment(row.recorded_at, case.site),
    )


def newest_of(patient: Patient, code: str) -> str:
    """The newest usable result of one kind with its day; empty when there is none."""
    rows = Observation.objects.usable().filter(patient=patient, kind=code).prefetch_related("items")
    row = rows.order_by("-effective_at", "-pk").first()
    return f"{shown.observation(row)}, {shown.day(row.effective_on)}" if row is not None else ""


def newest_of_each(patient: Patient, codes: Iterable[str]) -> dict[str, str]:
    """The same for several kinds at once; kinds without a result are left out."""
    rows = Observation.objects.usable().filter(patient=patient, kind__in=list(codes)).prefetch_related("items")
    newest = rows.order_by("kind", "-effective_at", "-pk").distinct("kind")
    return {row.kind_id: f"{shown.observation(row)}, {shown.day(row.effective_on)}" for row in newest}


def measures(case: Case) -> list[Value]:
    """What can be derived now, each with the newest day of the results it was derived from."""
    found = []
    for kind in MeasureKind.objects.exclude(code__regex=PARTS_OF_OTHERS).order_by("title"):
        reading = case.reader().read(kind.code)
        if reading.is_known:
            text = shown.reading(reading.value, kind.places, kind.unit)
            found.append(Value(0, kind.code, kind.title, text, shown.day(reading.day)))
    return found


def missing(case: Case) -> list[Missing]:
    """Rules of the active sets that cannot be judged now, with what is missing."""
    rows = Judgement.objects.filter(enrollment=case.enrollment, verdict="unknown").select_related("rule")
    shadow = {rule.pk for rule in case.rules.by_key.values() if rule.is_shadow}
    names = dict(MeasureKind.objects.values_list("code", "title"))
    return [
        Missing(row.rule.title or row.rule.code, shown.titles(row.missing, case.vocabulary, names))
        for row in rows.order_by("rule__code")
        if row.rule_id not in shadow and row.missing
    ]


def history(case: Case, *, after: int | None = None) -> tuple[Sequence[Value], int | None]:
    """Everything that was recorded, voided entries too, newest entry first; and the key of the next page."""
    rows = Observation.objects.filter(patient=case.patient).select_related("kind", "recorded_by")
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.prefetch_related("items").order_by("-pk")[: PAGE + 1])
    more = found[PAGE - 1].pk if len(found) > PAGE else None
    return [value(case, row) for row in found[:PAGE]], more


def _note(case: Case, row: Observation) -> str:
    if row.status == ObservationStatus.HELD:
        return worklists.held_for(row)
    if row.status == ObservationStatus.VOIDED:
        return _("entered in error: %(reason)s") % {"reason": row.void_reason}
    ends = _valid_until(case, row)
    if ends is not None and ends < case.today:
        return _("out of date since %(day)s") % {"day": shown.day(ends + timedelta(days=1))}
    return ""


def _valid_until(case: Case, row: Observation) -> Any:
    """The last day on which rules may use it; None: for ever."""
    kind = case.vocabulary.catalogue.kinds.get(row.kind_id)
    if kind is None:
        return None
    birth = case.patient.birth_date
    is_child = birth is not None and age_in_years(birth, row.effective_on) < ADULT_AGE
    lasting = kind.valid.child if is_child else kind.valid.adult
    return row.effective_on + timedelta(days=lasting) if isinstance(lasting, int) else None
