"""Measures: values derived from results, each with its evidence (vocabulary section 5).

Every measure of the vocabulary is here by its code. `TAKE_ALL` is what a `Reader` is given.
Units, exactness and what makes a measure unknown are as in the table; a reading names in
`missing` the observation codes that are wanting (and `sex` or `birth-date` of the patient).
"""

from __future__ import annotations

from collections.abc import Mapping

from pathway.engine.measures import body, breathing, function, motor, risdiplam, treatment
from pathway.engine.measures.base import Measure, Take

REGISTRY: Mapping[str, Measure] = {
    **body.FAMILY,
    **breathing.FAMILY,
    **function.FAMILY,
    **motor.FAMILY,
    **treatment.FAMILY,
    **risdiplam.FAMILY,
}

TAKE_ALL: Mapping[str, Take] = {code: measure.take for code, measure in REGISTRY.items()}

__all__ = ["REGISTRY", "TAKE_ALL", "Measure", "Take"]
