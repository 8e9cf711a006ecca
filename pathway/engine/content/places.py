"""Where guidance belongs: `sma-*, T0` or `every dietitian-review` in, checked codes out.

Words are parted by commas. Words of one kind are alternatives; words of different kinds must all hold.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from pathway.engine.content.fields import Fields, nearest
from pathway.engine.definitions import Track
from pathway.engine.guidance import EVERYWHERE, Where

ALL = ("all pathways", EVERYWHERE)
SITUATIONS = {
    "care plan": "care-plan",
    "every visit": "every-visit",
    "exercise plan": "exercise-plan",
    "exercise session": "exercise-session",
}

_SPAN = re.compile(r"([A-Z])([0-9]{1,2})(?:-([A-Z])([0-9]{1,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Known:
    """What a place may name."""

    pathways: Collection[str]
    tracks: Mapping[str, Track]
    activities: Collection[str]
    interventions: Collection[str]


def where(entry: Fields, known: Known) -> Where:
    """The keys `where` and `from` (only from this stage on). Raises ContentError at a word that names nothing."""
    text = entry.text("where")
    found = Where(text)
    for word in (part.strip() for part in text.split(",")):
        found = _with(entry, found, word, known)
    if not entry.has("from"):
        return found
    if found.stages:
        raise entry.error("from", "says nothing beside stages in `where`")
    first = entry.text("from")
    track = _track_of(entry, "from", first, known)
    rank = next(one.rank for one in track.stages if one.code == first)
    return replace(found, stages=tuple(one.code for one in track.stages if one.rank >= rank))


def _with(entry: Fields, found: Where, word: str, known: Known) -> Where:
    if word in ALL:
        return found
    if word in SITUATIONS:
        return replace(found, situations=(*found.situations, SITUATIONS[word]))
    if word.endswith("*"):
        return replace(found, pathways=(*found.pathways, *_beginning(entry, word, known)))
    if _SPAN.fullmatch(word):
        return replace(found, stages=(*found.stages, *_stages(entry, word, known)))
    return _with_code(entry, found, word.removeprefix("every "), known)


def _with_code(entry: Fields, found: Where, code: str, known: Known) -> Where:
    if code in known.pathways:
        return replace(found, pathways=(*found.pathways, code))
    if code in known.tracks:
        return replace(found, tracks=(*found.tracks, code))
    if code in known.activities:
        return replace(found, activities=(*found.activities, code))
    if code in known.interventions:
        return replace(found, interventions=(*found.interventions, code))
    names = {*ALL, *SITUATIONS, *known.pathways, *known.tracks, *known.activities, *known.interventions}
    raise entry.error("where", f"{code!r} is no place{nearest(code, names)}")


def _beginning(entry: Fields, word: str, known: Known) -> tuple[str, ...]:
    found = tuple(code for code in sorted(known.pathways) if code.startswith(word[:-1]))
    if not found:
        raise entry.error("where", f"no pathway begins with {word[:-1]!r}")
    return found


def _stages(entry: Fields, word: str, known: Known) -> tuple[str, ...]:
    """`K0-K2`: every stage from the first to the last."""
    first, _, last = word.partition("-")
    track = _track_of(entry, "where", first, known)
    codes = [one.code for one in track.stages]
    end = last or first
    if end not in codes or codes.index(end) < codes.index(first):
        raise entry.error("where", f"{word!r} is no span of stages of one track")
    return tuple(codes[codes.index(first) : codes.index(end) + 1])


def _track_of(entry: Fields, key: str, stage: str, known: Known) -> Track:
    for track in known.tracks.values():
        if any(one.code == stage for one in track.stages):
            return track
    raise entry.error(key, f"there is no stage {stage!r}")
