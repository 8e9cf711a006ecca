"""What was measured, as a file beside the code and as a table on the screen."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from bench import databases
from bench.cases import Benchmark
from bench.measuring import Measured
from bench.read import Read
from config import places

RESULTS = Path(__file__).parent / "results"
HEADINGS = ("case", "product ms", "floor ms", "ratio", "Python ms", "queries", "rows")


def keep(benchmark: Benchmark, size: int, measured: list[Measured]) -> Path:
    """Write `results/<benchmark>-<size>.json`."""
    path = RESULTS / f"{benchmark.name}-{size}.json"
    report = {
        "benchmark": benchmark.name,
        "what": benchmark.title,
        "enrollments": size,
        "target_ratio": benchmark.target,
        "cases": [_case(one) for one in measured],
        "database_mb": databases.megabytes(),
        **_surroundings(),
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return path


def keep_reads(name: str, title: str, target: float, size: int, read: list[Read]) -> Path:
    """Write `results/<name>-<size>.json` for what is read with and without the wall."""
    path = RESULTS / f"{name}-{size}.json"
    report = {
        "benchmark": name,
        "what": title,
        "enrollments": size,
        "target_ratio": target,
        "cases": [_rounded(asdict(one)) for one in read],
        "database_mb": databases.megabytes(),
        **_surroundings(),
    }
    path.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return path


def show_reads(title: str, target: float, by_size: dict[int, list[Read]]) -> None:
    """One line for each page and reader, then how each grows from the smallest size to the largest."""
    for size, read in by_size.items():
        print(f"\n{title}; {size:,} enrollments (target: ratio under {target})")
        for one in read:
            told = f"{one.walled.median:.1f} ms, {one.unwalled.median:.1f} ms without, ratio {one.ratio:.2f}"
            print(f"  {one.case} ({one.patients} patients): {told}, {one.queries} queries")
    smallest, largest = min(by_size), max(by_size)
    if smallest != largest:
        for few, many in zip(by_size[smallest], by_size[largest], strict=True):
            walled, bare = many.walled.median / few.walled.median, many.unwalled.median / few.unwalled.median
            print(f"  growth {smallest:,} to {largest:,}, {few.case}: {walled:.2f}, {bare:.2f} without")


def show(benchmark: Benchmark, by_size: dict[int, list[Measured]]) -> None:
    """One table per size, then the growth from the smallest to the largest."""
    for size, measured in by_size.items():
        print(f"\n{benchmark.name}: {benchmark.title}; {size:,} enrollments (target: ratio under {benchmark.target})")
        lines = [HEADINGS, *map(_line, measured)]
        widths = [max(len(line[n]) for line in lines) for n in range(len(HEADINGS))]
        for line in lines:
            print("  " + "  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())
    smallest, largest = min(by_size), max(by_size)
    if smallest != largest:
        for few, many in zip(by_size[smallest], by_size[largest], strict=True):
            product, floor = many.product.median / few.product.median, many.floor.median / few.floor.median
            print(f"  growth {smallest:,} to {largest:,}, {few.case}: product {product:.2f}, floor {floor:.2f}")


def _line(one: Measured) -> tuple[str, ...]:
    return (
        one.case,
        f"{one.product.median:.2f} ({one.product.low:.2f}-{one.product.high:.2f})",
        f"{one.floor.median:.2f} ({one.floor.low:.2f}-{one.floor.high:.2f})",
        f"{one.ratio:.1f}",
        f"{one.processor:.1f}",
        f"{one.queries} / {one.statements}",
        str(sum(one.rows.values())),
    )


def _case(one: Measured) -> dict[str, Any]:
    told = _rounded(asdict(one))
    return {"case": told.pop("case"), "ratio": round(one.ratio, 2), **told}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    return round(value, 3) if isinstance(value, float) else value


def _surroundings() -> dict[str, Any]:
    return {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": _git("rev-parse", "--short", "HEAD")
        + ("+changes" if _git("status", "--porcelain", "pathway") else ""),
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
            "load": [round(one, 2) for one in os.getloadavg()],
        },
        "versions": {
            "python": platform.python_version(),
            "postgresql": databases.server_settings().pop("server_version"),
            **{name.lower(): metadata.version(name) for name in ("Django", "psycopg")},
        },
        "server": {k: v for k, v in databases.server_settings().items() if k != "server_version"},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=places.BASE_DIR, capture_output=True, text=True, check=False)
    return done.stdout.strip()
