"""What a site does otherwise than the release says: whether due days move, and which ladder an activity has there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from pathway.engine.definitions import Rung, Vocabulary
from pathway.engine.schedule import ShiftRule
from pathway.selectors import texts

# One line for each rung; one without a rung where only the shift is another.
_OF_SITE = """
SELECT o.activity_id, o.shift, r.code, r.offset_days, r.to
FROM pathway_siteactivity o LEFT JOIN pathway_rung r ON r.ladder_id = o.ladder_id
WHERE o.site_id = %s ORDER BY o.activity_id, r.offset_days
"""


@dataclass(frozen=True, slots=True)
class Own:
    """Empty: as the release says."""

    shift: str
    rungs: tuple[Rung, ...]


def of_site(site: int) -> Mapping[str, Own]:
    """By activity. Asked under the lock of a case, so that a change that went before is seen."""
    found: dict[str, Own] = {}
    for activity, shift, code, offset_days, to in texts.rows(_OF_SITE, [site]):
        known = found.get(activity, Own(shift, ()))
        rungs = known.rungs if code is None else (*known.rungs, Rung(code, offset_days, to))
        found[activity] = Own(shift, rungs)
    return found


def shift_of(own: Mapping[str, Own], vocabulary: Vocabulary, activity: str) -> ShiftRule:
    here = own.get(activity)
    return cast(ShiftRule, (here.shift if here else "") or vocabulary.activities[activity].shift)


def rungs_of(own: Mapping[str, Own], vocabulary: Vocabulary, activity: str) -> tuple[Rung, ...]:
    here = own.get(activity)
    return (here.rungs if here else ()) or vocabulary.ladders[vocabulary.activities[activity].ladder]
