"""What a benchmark measures: an action of the product on one patient, and what it must have brought about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.footprints import Footprint
from bench.originals import Clinic, Original

Action = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """`action` prepares, untimed, the call to time for one copy; `holds` tells that it did what the case is about."""

    name: str
    is_waiting: bool  # which of the two kinds of patients
    action: Callable[[Clinic, Original, int], Action]  # the int is the copy's enrollment
    holds: Callable[[Footprint], bool]


@dataclass(frozen=True)
class Benchmark:
    """Cases that are told together."""

    name: str
    title: str
    target: float  # the ratio to stay under
    cases: tuple[Case, ...]
