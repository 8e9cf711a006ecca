"""Everything that can be done: for each noun of an address, what it is and its actions."""

from __future__ import annotations

from collections.abc import Mapping

from pathway import errors
from pathway.selectors import guidance
from pathway.selectors.cases import Case
from pathway.web import patient_actions, row_actions
from pathway.web.action import Noun

NOUNS: Mapping[str, Noun] = {
    "proposals": row_actions.PROPOSALS,
    "tasks": row_actions.TASKS,
    "alerts": row_actions.ALERTS,
    "observations": row_actions.OBSERVATIONS,
    "enrollments": patient_actions.ENROLLMENTS,
    "parts": patient_actions.PARTS,
}


def part_title(case: Case, key: str) -> str:
    """What a key of an address is called: a track, an intervention, a topic. Raises NotFound for any other."""
    tracks = {track.code: track.title for track in case.version.tracks}
    if key in tracks:
        return tracks[key]
    kind = case.vocabulary.interventions.get(key)
    if kind is not None:
        return kind.title
    topic = guidance.topic(case, key)
    if topic is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return topic.title
