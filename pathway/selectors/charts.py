"""A patient's rows read into a `Chart`: what is known on a day, as the engine wants it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, TypeVar

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
    Stage,
    Stay,
    TaskStatus,
)
from pathway.selectors import texts

# Rules look back 13 months at most, a rate from there one step further; the newest few of each kind
# before that are enough, and keep the cost of judging the same however long a patient is followed.
RECENT_DAYS = 420
OLDER_KEPT = 8

COLUMNS = (
    "id", "kind_id", "performable", "value", "entered", "unit", "text", "truth", "day_value", "members",
    "effective_on", "effective_at", "posture", "assistance", "activity", "oxygen", "antibiotics", "reference",
    "uln", "days",
)  # fmt: skip
CONTEXT_COLUMNS = ("posture", "assistance", "activity", "oxygen", "antibiotics", "reference", "uln", "days")

_USABLE = f"""
SELECT {", ".join(f"o.{column}" for column in COLUMNS)} FROM pathway_observation o
WHERE o.patient_id = %s AND o.status = 'final' AND o.effective_on <= %s
"""
_RECENT = f"""
{_USABLE} AND o.effective_on > %s
UNION ALL
SELECT older.* FROM unnest(%s::text[]) AS kinds(code) CROSS JOIN LATERAL (
    {_USABLE.replace("WHERE", "WHERE o.kind_id = kinds.code AND")} AND o.effective_on <= %s
    ORDER BY o.effective_at DESC, o.id DESC LIMIT {OLDER_KEPT}
) AS older
ORDER BY effective_at, id
"""
_BY_HAND = """
SELECT t.activity_id, t.closed_on FROM pathway_caretask t JOIN pathway_enrollment e ON e.id = t.enrollment_id
WHERE e.patient_id = %s AND t.status IN ('completed', 'skipped') AND t.completed_by_id IS NULL AND t.closed_on >= %s
"""


def results(patient_id: int, catalogue: Catalogue, *, until: date, whole: bool = False) -> dict[str, list[Result]]:
    """Usable results by kind, oldest first; all of them if `whole`, else what present verdicts can read."""
    if whole:
        found = texts.rows(f"{_USABLE} ORDER BY o.effective_at, o.id", [patient_id, until])
    else:
        recent = until - timedelta(days=RECENT_DAYS)
        found = texts.rows(_RECENT, [patient_id, until, recent, list(catalogue.kinds), patient_id, until, recent])
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in found]
    items = _items([row["id"] for row in rows if catalogue.kinds[row["kind_id"]].type == "panel"])
    by_kind: dict[str, list[Result]] = defaultdict(list)
    for row in rows:
        by_kind[row["kind_id"]].append(_result(row, catalogue, items.get(row["id"], {})))
    return dict(by_kind)


def open_stays(enrollment_id: int, stages: Mapping[int, Stage]) -> dict[str, Stay]:
    """The open stay of each track, with its stage."""
    found = texts.instances(Stay, "WHERE enrollment_id = %s AND left_at IS NULL AND NOT annulled", [enrollment_id])
    for stay in found:
        if stay.stage_id in stages:
            stay.stage = stages[stay.stage_id]
    return {stay.track: stay for stay in found}


def interventions(patient_id: int) -> list[Intervention]:
    return texts.instances(Intervention, "WHERE patient_id = %s ORDER BY started_on, id", [patient_id])


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
    found: dict[str, tuple[date, ...]] = {}
    for code, day in texts.rows(_BY_HAND, [patient_id, since]):
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
        key=row["id"],
        kind=row["kind_id"],
        value=_value(row, catalogue) if row["performable"] else None,
        day=row["effective_on"],
        at=row["effective_at"],
        order=row["id"],
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
