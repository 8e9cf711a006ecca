"""A patient as the engine sees one: facts of one moment, and readings taken from them.

A `Chart` is what is known (results neither voided nor held) on one local day. A `Reader`
answers questions to it; every answer is a `Reading` that remembers which results were read,
so that each verdict can say why (CONVENTIONS 46).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction

from pathway.engine.catalogue import ADULT_AGE, ByAge, Catalogue, Kind

Value = Fraction | bool | str | date | frozenset[str]


@dataclass(frozen=True, slots=True)
class Result:
    """One recorded result. `value` is canonical and exact; None for panels and tests not performable."""

    key: int
    kind: str
    value: Value | None
    day: date
    at: datetime
    order: int  # of entry: the later of two results of one instant counts
    context: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, Fraction | bool | None] = field(default_factory=dict)
    performable: bool = True

    def __hash__(self) -> int:
        """By key: the mappings cannot be hashed, and evidence is kept in sets of results."""
        return hash(self.key)


@dataclass(frozen=True, slots=True)
class Span:
    """An intervention from its first day to the day it was stopped (not active on that day any more)."""

    code: str
    started: date
    stopped: date | None = None
    details: Mapping[str, str] = field(default_factory=dict)

    def is_active_on(self, day: date) -> bool:
        return self.started <= day and (self.stopped is None or day < self.stopped)


@dataclass(frozen=True, slots=True)
class Dose:
    """One administration of a series, as given."""

    code: str
    label: str
    day: date


@dataclass(frozen=True, slots=True)
class Decision:
    """An accepted code proposal (vocabulary 7.5)."""

    code: str
    day: date


@dataclass(frozen=True, slots=True)
class Chart:
    """The facts of one patient on `today`. `results` holds, per kind, oldest first by (at, order)."""

    today: date
    sex: str = "unknown"
    birth_date: date | None = None
    pathway: str = ""
    stages: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, Sequence[Result]] = field(default_factory=dict)
    spans: Sequence[Span] = ()
    doses: Sequence[Dose] = ()
    decisions: Sequence[Decision] = ()
    completed: Set[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer: the value (None = unknown), every result that was read, and what was wanting."""

    value: Value | None
    evidence: tuple[Result, ...] = ()
    missing: frozenset[str] = frozenset()
    day: date | None = None  # newest day of the results read, constants aside

    @property
    def is_known(self) -> bool:
        return self.value is not None


def age_in_years(birth_date: date, day: date) -> int:
    """Completed years; someone born on 29 February has the birthday on 28 February in other years."""
    from_year = day.year - birth_date.year
    birthday = (birth_date.month, birth_date.day)
    if birthday == (2, 29) and not _is_leap(day.year):
        birthday = (2, 28)
    return from_year if (day.month, day.day) >= birthday else from_year - 1


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


class Reader:
    """Takes readings from one chart. `last_known` ignores expiry (for `when` of schedule rows, CONVENTIONS 25)."""

    def __init__(
        self,
        chart: Chart,
        catalogue: Catalogue,
        measures: Mapping[str, Callable[[Reader], Reading]],
        *,
        last_known: bool = False,
    ) -> None:
        self.chart = chart
        self.catalogue = catalogue
        self._measures = measures
        self._last_known = last_known
        self._taken: dict[str, Reading] = {}

    # what is known

    def read(self, code: str) -> Reading:
        """The newest valid value of an observation, or a measure."""
        if code not in self._taken:
            self._taken[code] = self._measures[code](self) if code in self._measures else self.newest(code)
        return self._taken[code]

    def newest(self, code: str, context: Mapping[str, str] | None = None) -> Reading:
        """The newest usable result of a kind, if still valid today.

        `context` names what the result must have; a key that the kind has a default for
        (posture, assistance) is held to that default unless named.
        """
        kind = self.catalogue.kinds[code]
        found = self.usable(code, context)
        if not found:
            if kind.absent_means is not None:
                return Reading(kind.absent_means)
            return self.unknown(code)
        result = self._present(kind, found)
        if not self.is_valid(result):
            return Reading(None, (), frozenset({code}), None)
        return self.reading(result.value if result.value is not None else True, (result,))

    def usable(self, code: str, context: Mapping[str, str] | None = None) -> list[Result]:
        """Performable results up to today, oldest first, in the wanted context; constants hold for every day."""
        kind = self.catalogue.kinds[code]
        wanted = {**kind.default_context, **(context or {})}
        return [
            r
            for r in self.chart.results.get(code, ())
            if r.performable and self._has_come(r) and _fits(r, wanted, kind.default_context)
        ]

    def previous(self, code: str) -> Reading:
        """The newest result of an earlier day than the newest one: `prev(x)`. Knows no expiry."""
        found = self.usable(code)
        earlier = [r for r in found if r.day < found[-1].day] if found else []
        if not earlier:
            return self.unknown(code)
        return self.reading(earlier[-1].value, (earlier[-1],))

    def earlier_than(self, code: str, day: date, *, at_least_days: int) -> Result | None:
        """The newest usable result at least that many days before `day`."""
        found = [r for r in self.usable(code) if (day - r.day).days >= at_least_days]
        return found[-1] if found else None

    def is_valid(self, result: Result) -> bool:
        """Within the validity of its kind, the last day included (CONVENTIONS 4)."""
        kind = self.catalogue.kinds[result.kind]
        days = self._by_age(kind.valid, result.day)
        return self._last_known or not isinstance(days, int) or (self.chart.today - result.day).days <= days

    # how answers are put together

    def reading(self, value: Value | None, results: Iterable[Result], missing: Iterable[str] = ()) -> Reading:
        evidence = tuple(dict.fromkeys(results))
        days = [r.day for r in evidence if not self.is_constant(r)]
        return Reading(value, evidence, frozenset(missing), max(days, default=None))

    def unknown(self, *missing: str) -> Reading:
        return Reading(None, (), frozenset(missing), None)

    def combine(self, make: Callable[..., Value | None], *readings: Reading) -> Reading:
        """`make(values…)` where all are known, else unknown with all that is missing; evidence is joined."""
        results = [r for one in readings for r in one.evidence]
        missing = frozenset().union(*(one.missing for one in readings)) if readings else frozenset()
        if any(not one.is_known for one in readings):
            return self.reading(None, results, missing)
        return self.reading(make(*(one.value for one in readings)), results)

    def is_constant(self, result: Result) -> bool:
        return bool(self._by_age(self.catalogue.kinds[result.kind].constant, result.day))

    # the patient

    def age_on(self, day: date) -> int | None:
        return None if self.chart.birth_date is None else age_in_years(self.chart.birth_date, day)

    def is_active(self, code: str) -> bool:
        return any(s.code == code and s.is_active_on(self.chart.today) for s in self.chart.spans)

    def _present(self, kind: Kind, found: Sequence[Result]) -> Result:
        """Newest by effective time; of constants the one entered last (CONVENTIONS 2 and 3)."""
        newest = found[-1]
        if self.is_constant(newest):
            return max((r for r in found if self.is_constant(r)), key=lambda r: r.order)
        return newest

    def _has_come(self, result: Result) -> bool:
        """A constant counts on days before it was recorded too (CONVENTIONS 3), but an adult's height on no child's."""
        today = self.chart.today
        constant = self.catalogue.kinds[result.kind].constant
        return result.day <= today or (self.is_constant(result) and bool(self._by_age(constant, today)))

    def _by_age(self, setting: ByAge, day: date) -> object:
        """Adult or child setting, by the age on that day; an unknown birth date counts as adult."""
        age = self.age_on(day)
        return setting.child if age is not None and age < ADULT_AGE else setting.adult


def _fits(result: Result, wanted: Mapping[str, str], defaults: Mapping[str, str]) -> bool:
    return all(result.context.get(key, defaults.get(key)) == value for key, value in wanted.items())
