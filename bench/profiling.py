"""Where the product spends its time on one case: processor time by function, waiting by statement."""

from __future__ import annotations

import cProfile
import pstats
import re
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import connection

from bench.cases import Action, Case
from bench.measuring import Stock

FUNCTIONS, STATEMENTS = 40, 40  # lines shown
SHOWN = 150  # characters of a statement
TICKS_PER_SECOND = 100


def profile(case: Case, stock: Stock, runs: int, warm_ups: int) -> None:
    """Print the processor time of both processes, then the statements, then the functions.

    Processor time is what a busy machine does not distort.
    """
    for _ in range(warm_ups):
        _next(case, stock)()
    _print_processor_time(case, stock, runs // 2)
    _print_statements(case, stock, runs // 4)
    profiler = cProfile.Profile(time.process_time)
    for _ in range(runs // 4):
        profiler.runcall(_next(case, stock))
    statistics_ = pstats.Stats(profiler)
    statistics_.strip_dirs().sort_stats("tottime").print_stats(FUNCTIONS).sort_stats("cumtime").print_stats(FUNCTIONS)


def _next(case: Case, stock: Stock) -> Action:
    original = max(stock.of_kind(case.is_waiting), key=lambda one: len(stock.fresh[one.enrollment]))
    enrollment = stock.apart.enrollment(original.enrollment, stock.take(original))
    return case.action(stock.clinic, original, enrollment)


def _print_processor_time(case: Case, stock: Stock, runs: int) -> None:
    actions = [_next(case, stock) for _ in range(runs)]
    wall, mine, its = time.perf_counter(), time.process_time(), _backend_seconds()
    for action in actions:
        action()
    spent = (time.perf_counter() - wall, time.process_time() - mine, _backend_seconds() - its)
    each = [f"{1000 * one / runs:.1f}" for one in spent]
    print(f"{case.name}: {each[0]} ms a run; processor: {each[1]} ms in Python, {each[2]} ms in PostgreSQL")


def _backend_seconds() -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    words = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS_PER_SECOND


def _print_statements(case: Case, stock: Stock, runs: int) -> None:
    seconds: dict[str, list[float]] = defaultdict(list)

    def timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            seconds[_shape(sql)].append(time.perf_counter() - began)

    for action in [_next(case, stock) for _ in range(runs)]:
        with connection.execute_wrapper(timed):
            action()
    print(f"{'a run':>6} {'ms':>7}  statement, by its median time")
    by_cost = sorted(seconds.items(), key=lambda item: -statistics.median(item[1]) * len(item[1]))
    for shape, times in by_cost[:STATEMENTS]:
        print(f"{len(times) / runs:6.1f} {1000 * statistics.median(times):7.2f}  {shape[:SHOWN]}")


def _shape(sql: str) -> str:
    """The statement without its columns and values, so that runs fall together."""
    short = re.sub(r"SELECT .*? FROM", "SELECT … FROM", sql, count=1)
    short = re.sub(r"\([^()]*%s.*", "(…)", short) if short.startswith("INSERT") else short
    return re.sub(r'"', "", short)
