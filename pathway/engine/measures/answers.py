"""What each measure answers, for the checking of rule texts: a number unless it is listed here."""

from __future__ import annotations

from collections.abc import Mapping

from pathway.engine.measures import REGISTRY
from pathway.engine.names import MeasureType

BOOLEAN = frozenset(
    {
        "any-symptom", "sleep-symptom", "oximetry-significant", "kings-a", "kings-b", "mitos-movement",
        "mitos-swallowing", "mitos-communication", "mitos-breathing", "hfmse-confirmed", "rulm-confirmed",
        "oa-liver", "oa-given", "oa-tapered", "any-dmt", "any-nusinersen", "loading-complete",
    }
)  # fmt: skip
WORDS = {"peg-window": ("favourable", "narrowing", "raised-risk", "high-risk")}


def types() -> Mapping[str, MeasureType]:
    """By measure code: number with its unit, boolean, or one of some words."""
    return {code: _type(code, measure.unit) for code, measure in REGISTRY.items()}


def _type(code: str, unit: str) -> MeasureType:
    if code in BOOLEAN:
        return MeasureType("boolean")
    if code in WORDS:
        return MeasureType("word", values=WORDS[code])
    return MeasureType("number", unit)
