"""A patient's rows read into a `Chart`: what is known on a day, as the engine wants it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeVar

from django.db.models import F, Q, Window
from django.db.models.functions import RowNumber

from pathway.engine.catalogue import Catalogue
from pathway.engine.chart import Decision, Dose, Result, Span
from pathway.models import (
    Administration,
    CareTask,
    Intervention,
    Observation,
    ObservationItem,
    Proposal,
    ProposalStatus,
    Stay,
    TaskStatus,
)

# Rules look back 13 months at most, a rate from there one step further; the newest few of each kind
# before that are enough, and keep the cost of judging the same however long a patient is followed.
RECENT_DAYS = 420
OLDER_KEPT = 8

COLUMNS = (
    "pk", "kind_id", "performable", "value", "entered", "unit", "text", "truth", "day_value", "members",
    "effective_on", "effective_at", "posture", "assistance", "activity", "oxygen", "antibiotics", "reference",
    "uln", "days",
)  # fmt: skip
CONTEXT_COLUMNS = ("posture", "assistance", "activity", "oxygen", "antibiotics", "reference", "uln", "days")


def results(patient_id: int, catalogue: Catalogue, *, until: date, whole: bool = False) -> dict[str, list[Result]]:
    """Usable results by kind, oldest first; all of them if `whole`, else what present verdicts can read."""
    found = Observation.objects.usable().filter(patient=patient_id, effective_on__lte=until)
    if not whole:
        found = _recent(found, until)
    rows = list(found.order_by("effective_at", "pk").values(*COLUMNS))
    items = _items([row["pk"] for row in rows if catalogue.kinds[row["kind_id"]].type == "panel"])
    by_kind: dict[str, list[Result]] = defaultdict(list)
    for row in rows:
        by_kind[row["kind_id"]].append(_result(row, catalogue, items.get(row["pk"], {})))
    return dict(by_kind)


def open_stays(enrollment_id: int) -> dict[str, Stay]:
    """The open stay of each track, with its stage."""
    found = Stay.objects.open().filter(enrollment=enrollment_id).select_related("stage")
    return {stay.track: stay for stay in found}


def interventions(patient_id: int) -> list[Intervention]:
    return list(Intervention.objects.filter(patient=patient_id).order_by("started_on", "pk"))


def spans(rows: Iterable[Intervention]) -> tuple[Span, ...]:
    """Without planned starts that were called off: those never were."""
    was = [row for row in rows if row.took_effect or row.stopped_on is None]
    return tuple(Span(row.kind_id, row.started_on, row.stopped_on, _details(row)) for row in was)


def doses(patient_id: int) -> tuple[Dose, ...]:
    rows = Administration.objects.filter(intervention__patient=patient_id).order_by("given_on", "pk")
    return tuple(Dose(*row) for row in rows.values_list("intervention__kind_id", "label", "given_on"))


def doses_of(intervention_id: int) -> list[tuple[str, date]]:
    """Label and day of every dose given in one course."""
    rows = Administration.objects.filter(intervention=intervention_id).order_by("given_on", "pk")
    return list(rows.values_list("label", "given_on"))


def decisions(patient_id: int) -> tuple[Decision, ...]:
    rows = Proposal.objects.filter(enrollment__patient=patient_id, status=ProposalStatus.ACCEPTED).exclude(code="")
    return tuple(Decision(*row) for row in rows.order_by("decided_on", "pk").values_list("code", "decided_on"))


def completed(patient_id: int) -> frozenset[str]:
    rows = CareTask.objects.filter(enrollment__patient=patient_id, status=TaskStatus.COMPLETED)
    return frozenset(rows.values_list("activity_id", flat=True).distinct())


def by_hand(patient_id: int, since: date) -> dict[str, tuple[date, ...]]:
    """Days of completions and skips by hand, per activity."""
    rows = CareTask.objects.filter(
        enrollment__patient=patient_id,
        status__in=(TaskStatus.COMPLETED, TaskStatus.SKIPPED),
        completed_by=None,
        closed_on__gte=since,
    )
    found: dict[str, tuple[date, ...]] = {}
    for code, day in rows.values_list("activity_id", "closed_on"):
        if day is not None:
            found[code] = (*found.get(code, ()), day)
    return found


T = TypeVar("T")


class LazySequence(Sequence[T]):
    """A part of a chart that few rules read: fetched when one does."""

    def __init__(self, fetch: Callable[[], Sequence[T]]) -> None:
        self._fetch = fetch
        self._found: Sequence[T] | None = None

    @property
    def found(self) -> Sequence[T]:
        if self._found is None:
            self._found = self._fetch()
        return self._found

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)


class LazySet(AbstractSet[str]):
    """As LazySequence, for membership."""

    def __init__(self, fetch: Callable[[], frozenset[str]]) -> None:
        self._fetch = fetch
        self._found: frozenset[str] | None = None

    @property
    def found(self) -> frozenset[str]:
        if self._found is None:
            self._found = self._fetch()
        return self._found

    def __contains__(self, one: object) -> bool:
        return one in self.found

    def __iter__(self) -> Iterator[str]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)


def _recent(found: Any, until: date) -> Any:
    newest = Window(RowNumber(), partition_by=[F("kind_id")], order_by=[F("effective_at").desc(), F("pk").desc()])
    return found.annotate(place=newest).filter(
        Q(effective_on__gt=until - timedelta(days=RECENT_DAYS)) | Q(place__lte=OLDER_KEPT)
    )


def _items(pks: list[int]) -> dict[int, dict[str, Fraction | bool | None]]:
    found: dict[int, dict[str, Fraction | bool | None]] = defaultdict(dict)
    if pks:
        rows = ObservationItem.objects.filter(observation__in=pks).order_by("pk")
        for pk, code, value, truth in rows.values_list("observation_id", "code", "value", "truth"):
            found[pk][code] = truth if truth is not None else (None if value is None else Fraction(value))
    return found


def result_of(row: Observation, catalogue: Catalogue, items: Mapping[str, Fraction | bool | None]) -> Result:
    """The result that a stored row is."""
    return _result({name: getattr(row, name) for name in COLUMNS}, catalogue, items)


def _result(row: Mapping[str, Any], catalogue: Catalogue, items: Mapping[str, Fraction | bool | None]) -> Result:
    return Result(
        key=row["pk"],
        kind=row["kind_id"],
        value=_value(row, catalogue) if row["performable"] else None,
        day=row["effective_on"],
        at=row["effective_at"],
        order=row["pk"],
        context={key: str(row[key]) for key in CONTEXT_COLUMNS if row.get(key) not in (None, "")},
        items=items,
        performable=row["performable"],
    )


def _value(row: Mapping[str, Any], catalogue: Catalogue) -> Any:
    """Exact: a value that was entered in another unit is converted again, since 1/60 has no decimal end."""
    kind = catalogue.kinds[row["kind_id"]]
    if kind.type == "quantity":
        exact = Fraction(row["value"])
        if row["unit"] not in ("", kind.unit) and row["entered"] is not None:
            exact = Fraction(row["entered"]) * kind.units[row["unit"]]
        return abs(exact) if kind.magnitude_only else exact
    return {
        "boolean": row["truth"],
        "event": True,
        "coded": row["text"],
        "set": frozenset(row["members"] or ()),
        "date": row["day_value"],
        "panel": None,
    }[kind.type]


def _details(row: Intervention) -> dict[str, str]:
    told = {key: str(value) for key, value in row.details.items()}
    if row.dose_mg is not None:
        told["dose_mg"] = str(row.dose_mg)
    if row.extent:
        told["use"] = row.extent
    return told
