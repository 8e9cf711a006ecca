"""What a rule text may name, and how a text that cannot be understood is reported."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pathway.engine.catalogue import Kind


@dataclass(frozen=True, slots=True)
class MeasureType:
    """What a measure answers: number (with its unit), boolean or word (one of `values`, if listed)."""

    type: str = "number"
    unit: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Names:
    """The closed vocabulary of one parse. `tracks` maps each track to the codes of its stages."""

    observations: Mapping[str, Kind] = field(default_factory=dict)
    measures: Mapping[str, MeasureType] = field(default_factory=dict)
    rules: Collection[str] = frozenset()
    tracks: Mapping[str, Collection[str]] = field(default_factory=dict)
    interventions: Collection[str] = frozenset()
    activities: Collection[str] = frozenset()


def measure_types(units: Mapping[str, str]) -> dict[str, MeasureType]:
    """The types of measures, from the unit of each by its code (vocabulary section 5)."""
    return {code: _NOT_NUMBERS.get(code, MeasureType("number", unit)) for code, unit in units.items()}


_BOOLEAN = MeasureType("boolean")
_NOT_NUMBERS = {
    "any-symptom": _BOOLEAN,
    "sleep-symptom": _BOOLEAN,
    "oximetry-significant": _BOOLEAN,
    "kings-a": _BOOLEAN,
    "kings-b": _BOOLEAN,
    "mitos-movement": _BOOLEAN,
    "mitos-swallowing": _BOOLEAN,
    "mitos-communication": _BOOLEAN,
    "mitos-breathing": _BOOLEAN,
    "hfmse-confirmed": _BOOLEAN,
    "rulm-confirmed": _BOOLEAN,
    "oa-liver": _BOOLEAN,
    "oa-given": _BOOLEAN,
    "oa-tapered": _BOOLEAN,
    "any-dmt": _BOOLEAN,
    "any-nusinersen": _BOOLEAN,
    "loading-complete": _BOOLEAN,
    "peg-window": MeasureType("word", values=("favourable", "narrowing", "raised-risk", "high-risk")),
}


class ExpressionError(ValueError):
    """A rule text that is refused: why, at which character, and the name that was perhaps meant.

    `position` counts characters from 0, `line` and `column` from 1.
    """

    def __init__(self, message: str, text: str, position: int, suggestion: str | None = None) -> None:
        self.message = message
        self.position = max(0, min(position, len(text)))
        self.line = text.count("\n", 0, self.position) + 1
        self.column = self.position - (text.rfind("\n", 0, self.position) + 1) + 1
        self.suggestion = suggestion
        hint = f"; did you mean {suggestion}?" if suggestion else ""
        super().__init__(f"line {self.line}, character {self.column}: {message}{hint}")


def resolve(word: str, known: Collection[str]) -> str | None:
    """The known name that `word` spells; an underscore may stand for a hyphen."""
    if word in known:
        return word
    hyphenated = word.replace("_", "-")
    return hyphenated if hyphenated in known else None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name most like `word`, whatever its case; None when nothing is like it."""
    by_lower = {name.lower(): name for name in sorted(known)}
    found = difflib.get_close_matches(word[:80].lower().replace("_", "-"), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
