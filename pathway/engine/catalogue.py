"""What can be observed and done: the closed list of the vocabulary, as the engine sees it.

The rows come from `fixtures/vocabulary/` by way of the database; the engine gets them
compiled into these frozen records and never asks where they came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

ADULT_AGE = 18


@dataclass(frozen=True, slots=True)
class Range:
    """Inclusive bounds in the canonical unit."""

    low: Fraction
    high: Fraction

    def holds(self, value: Fraction) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class ByAge:
    """A setting that may differ between adults (18 years and over on the effective day) and children."""

    adult: Range | int | None
    child: Range | int | None


@dataclass(frozen=True, slots=True)
class Kind:
    """One observation kind of vocabulary section 4.

    `units` maps every accepted unit to its exact factor (canonical = entered x factor), the
    canonical unit included with factor 1. `valid` counts days including the effective day's
    last; None means for ever. `context` lists the allowed keys with their allowed values (an
    empty tuple: free text or a number). `default_context` is what an absent key stands for in
    a rule, e.g. posture: sitting; a result whose context differs from it is never used by a
    rule that does not name it. `absent_means` is the value that holds until one is recorded
    (only for lung-disease and skeletal-maturity).
    """

    code: str
    title: str
    type: str  # quantity | boolean | coded | set | event | date | panel
    unit: str = ""
    units: Mapping[str, Fraction] = field(default_factory=dict)
    unit_optional: bool = False
    hard: ByAge = ByAge(None, None)
    soft: ByAge = ByAge(None, None)
    decimals: int = 0
    valid: ByAge = ByAge(None, None)
    constant: ByAge = ByAge(0, 0)  # 1 where the kind is a constant at that age
    magnitude_only: bool = False  # devices send the effort as a negative pressure
    values: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    required_context: tuple[str, ...] = ()
    default_context: Mapping[str, str] = field(default_factory=dict)
    absent_means: bool | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every observation kind by code, and which interventions count as what."""

    kinds: Mapping[str, Kind]
    disease_modifying: frozenset[str] = frozenset()
    nusinersen: frozenset[str] = frozenset()
