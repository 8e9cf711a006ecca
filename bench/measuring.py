"""Product and floor take turns on copies of the same originals; afterwards the rows of every pair are compared."""

from __future__ import annotations

import random
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from bench import copies, floor, footprints
from bench.cases import Case
from bench.copies import Strides
from bench.footprints import Footprint, Rows
from bench.originals import Clinic, Original

WARM_UPS = 20  # pairs that are written but not counted


class RowsDiffer(Exception):
    """Product and floor did not write the same rows, so their times say nothing."""


@dataclass(frozen=True)
class Spread:
    """Milliseconds."""

    median: float
    low: float
    high: float
    p95: float

    @staticmethod
    def of(seconds: list[float]) -> Spread:
        ms = sorted(1000 * one for one in seconds)
        return Spread(statistics.median(ms), ms[0], ms[-1], ms[min(len(ms) - 1, int(0.95 * len(ms)))])


@dataclass
class Measured:
    """One case at one size."""

    case: str
    runs: int
    product: Spread
    floor: Spread
    processor: float  # ms of Python in one run of the product, which a busy machine distorts least
    queries: int  # of the product, the transaction's own aside
    statements: int  # of the floor, the lock included
    rows: dict[str, int]  # written per table, by either
    peak_mb: float

    @property
    def ratio(self) -> float:
        return self.product.median / self.floor.median


@dataclass(frozen=True)
class _Times:
    """Seconds of one pair."""

    product: float
    product_processor: float
    floor: float


@dataclass
class _Known:
    """An original: its rows, and what the case writes for it."""

    original: Original
    rows: Rows
    written: Footprint
    queries: int
    statements: int = 0


@dataclass
class Stock:
    """Copies that nothing was done to yet, by original."""

    clinic: Clinic
    apart: Strides
    fresh: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    @staticmethod
    def of(clinic: Clinic, numbers: range, seed: int = 1) -> Stock:
        """All copies with these numbers, in an order that jumps about in the tables."""
        apart = copies.strides(one.enrollment for one in clinic.originals)
        stock = Stock(clinic, apart)
        for original in clinic.originals:
            stock.fresh[original.enrollment] = list(numbers)
            random.Random(seed * 1000 + original.enrollment).shuffle(stock.fresh[original.enrollment])
        return stock

    def of_kind(self, is_waiting: bool) -> list[Original]:
        return [one for one in self.clinic.originals if one.is_waiting == is_waiting]

    def pairs(self, is_waiting: bool) -> int:
        """How many pairs are left after one or two copies of each original have shown what the case writes."""
        return sum(max(0, len(self.fresh[one.enrollment]) - 2) // 2 for one in self.of_kind(is_waiting))

    def take(self, original: Original) -> int:
        return self.fresh[original.enrollment].pop()


def measure(case: Case, stock: Stock, bare: floor.Floor, *, runs: int, warm_ups: int = WARM_UPS) -> Measured:
    """Raises RowsDiffer when a pair did not end with the same rows."""
    kind = stock.of_kind(case.is_waiting)
    _first_look(case, stock, kind[0])  # compiles the definitions, which would count as queries
    known = [_first_look(case, stock, one) for one in kind]
    pairs, product, raw, own = [], [], [], []
    for number, one in enumerate(_turns(known, stock, runs + warm_ups)):
        mine, its = stock.take(one.original), stock.take(one.original)
        times = _one_turn(case, stock, bare, one, (mine, its), product_first=number % 2 == 0)
        pairs.append((one, mine, its))
        if number >= warm_ups:
            product.append(times.product)
            own.append(times.product_processor)
            raw.append(times.floor)
    for one, mine, its in pairs:
        _compare(case, stock, one, mine, its)
    return Measured(
        case.name,
        runs,
        Spread.of(product),
        Spread.of(raw),
        Spread.of(own).median,
        max(one.queries for one in known),
        max(one.statements for one in known),
        known[0].written.counts(),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def _turns(known: list[_Known], stock: Stock, count: int) -> Iterator[_Known]:
    done = 0
    while done < count:
        left = [one for one in known if len(stock.fresh[one.original.enrollment]) >= 2]
        for one in left[: count - done]:
            done += 1
            yield one


def _first_look(case: Case, stock: Stock, original: Original) -> _Known:
    before = footprints.rows_of(original.enrollment)
    copy = stock.take(original)
    enrollment = stock.apart.enrollment(original.enrollment, copy)
    action = case.action(stock.clinic, original, enrollment)
    with footprints.Statements() as statements:
        action()
    if statements.unknown_tables():
        raise RowsDiffer(f"{case.name}: the product writes {statements.unknown_tables()}, which no copy has")
    written = footprints.footprint(before, footprints.rows_of(enrollment), copy, stock.apart)
    if not case.holds(written):
        raise RowsDiffer(f"{case.name}: not what the case is about: {written.counts()}")
    return _Known(original, before, written, len(statements.sent))


def _one_turn(
    case: Case, stock: Stock, bare: floor.Floor, one: _Known, copies_: tuple[int, int], *, product_first: bool
) -> _Times:
    mine, its = (stock.apart.enrollment(one.original.enrollment, copy) for copy in copies_)
    action = case.action(stock.clinic, one.original, mine)
    statements = floor.statements(one.written, copies_[1], stock.apart)
    one.statements = len(statements) + 1
    raw = 0.0 if product_first else bare.write(statements, its)
    wall, processor = time.perf_counter(), time.process_time()
    action()
    times = _Times(time.perf_counter() - wall, time.process_time() - processor, raw)
    return replace(times, floor=bare.write(statements, its)) if product_first else times


def _compare(case: Case, stock: Stock, one: _Known, mine: int, its: int) -> None:
    product, raw = (_written(stock, one, copy) for copy in (mine, its))
    if product.counts() != raw.counts():
        raise RowsDiffer(f"{case.name}: the product wrote {product.counts()}, the floor {raw.counts()}")
    if not footprints.same([one.written, product, raw]):
        raise RowsDiffer(f"{case.name}: as many rows, but not the same: {product.compared()} {raw.compared()}")


def _written(stock: Stock, one: _Known, copy: int) -> Footprint:
    after = footprints.rows_of(stock.apart.enrollment(one.original.enrollment, copy))
    return footprints.footprint(one.rows, after, copy, stock.apart)
