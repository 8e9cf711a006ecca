"""Conditions that plainly exclude one another, such as `fvc-pct < 50 and fvc-pct >= 80`.

This reads only what needs no thought: comparisons of one name with plain numbers (or of one track
with its stages) that are joined by `and`. Whatever it cannot read it passes over, so silence
proves nothing, but what it says is true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_COMPARISON = re.compile(r"^(?P<name>[\w.-]+|stage\([\w-]+\)) (?P<sign><=|>=|<|>|=) (?P<value>\S+)$")
_NUMBER = re.compile(r"^-?\d+(\.\d+)?$")
_STAGE = re.compile(r"^[A-Z](\d+)$")


@dataclass(slots=True)
class _Bounds:
    """What is left of the number line; `*_open` where the end itself is excluded."""

    low: Fraction | None = None
    low_open: bool = False
    high: Fraction | None = None
    high_open: bool = False

    def add(self, sign: str, value: Fraction) -> None:
        if sign in (">", ">=", "="):
            self._raise_low(value, sign == ">")
        if sign in ("<", "<=", "="):
            self._lower_high(value, sign == "<")

    @property
    def is_empty(self) -> bool:
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def _raise_low(self, value: Fraction, is_open: bool) -> None:
        if self.low is None or value > self.low or (value == self.low and is_open):
            self.low, self.low_open = value, is_open

    def _lower_high(self, value: Fraction, is_open: bool) -> None:
        if self.high is None or value < self.high or (value == self.high and is_open):
            self.high, self.high_open = value, is_open


def never_true(*conditions: str) -> str:
    """Why these conditions can never all be true; empty when nothing plain speaks against it."""
    bounds: dict[str, _Bounds] = {}
    for part in (part for text in conditions for part in _parts(text)):
        if part == "false":
            return "it asks for false"
        match = _COMPARISON.match(part)
        value = _value(match["name"], match["value"]) if match else None
        if match is None or value is None:
            continue
        known = bounds.setdefault(match["name"], _Bounds())
        known.add(match["sign"], value)
        if known.is_empty:
            return f"no {match['name']} meets all of its comparisons"
    return ""


def _parts(text: str) -> list[str]:
    """The conditions joined by `and`; none where an `or` or a bracket makes the text more than such a list."""
    if re.search(r"\bor\b|(^|[\s(])\(", text):
        return []
    return [part.strip() for part in re.split(r"\band\b", text)] if text.strip() else []


def _value(name: str, text: str) -> Fraction | None:
    """The number written, or that of a stage code; None for anything else, a unit included."""
    if name.startswith("stage("):
        match = _STAGE.match(text)
        return Fraction(match[1]) if match else None
    return Fraction(text) if _NUMBER.match(text) else None
