"""One benchmark over all its sizes and cases."""

from __future__ import annotations

from collections.abc import Sequence

from bench import accept, floor, measuring, originals, populations, profiling, read, record, reports
from bench.cases import Benchmark
from bench.measuring import WARM_UPS, Measured

BENCHMARKS: dict[str, Benchmark] = {one.name: one for one in (record.BENCHMARK, accept.BENCHMARK)}


def run(name: str, sizes: Sequence[int], runs: int) -> None:
    """Measure, keep `results/<name>-<size>.json`, and print the table."""
    benchmark = BENCHMARKS[name]
    by_size: dict[int, list[Measured]] = {}
    for size in sorted(sizes):
        by_size[size] = _measure(benchmark, size, runs)
        reports.keep(benchmark, size, by_size[size])
    reports.show(benchmark, by_size)


def run_reads(name: str, sizes: Sequence[int], runs: int) -> None:
    """The same for what is read with and without the wall."""
    by_size = {}
    for size in sorted(sizes):
        populations.ready(size)
        by_size[size] = read.measure(originals.found(), runs)
        reports.keep_reads(name, read.TITLE, read.TARGET, size, by_size[size])
    reports.show_reads(read.TITLE, read.TARGET, by_size)


def _measure(benchmark: Benchmark, size: int, runs: int) -> list[Measured]:
    measured = []
    for case in benchmark.cases:
        stock = populations.stock(size, pairs=runs + WARM_UPS, is_waiting=case.is_waiting)
        try:
            with floor.Floor() as bare:
                measured.append(measuring.measure(case, stock, bare, runs=runs))
        finally:
            populations.keep_used(stock, size)
    return measured


def profile(name: str, size: int, runs: int) -> None:
    """Print where the product spends its time, for each case."""
    for case in BENCHMARKS[name].cases:
        stock = populations.stock(size, pairs=runs, is_waiting=case.is_waiting)
        profiling.profile(case, stock, runs, WARM_UPS)
        populations.keep_used(stock, size)
