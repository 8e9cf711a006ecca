"""Pathways: where a patient begins, what is scheduled in which stage, which rule sets judge."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from pathway.engine.content.fields import Fields, nearest
from pathway.engine.definitions import Activity, CodeProposal, Pathway, Row, Track

RECURRING, ONCE, SPEED_UP = "recurring", "once", "speed-up"

_SPAN = re.compile(r"([A-Z][0-9]{1,2})(?:-([A-Z][0-9]{1,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Around:
    """What pathways may name."""

    tracks: Mapping[str, Track]
    activities: Mapping[str, Activity]
    proposals: Mapping[str, CodeProposal]
    rule_sets: Collection[str]


def pathway(file: Fields, around: Around) -> Pathway:
    initial = _initial(file.within("initial"), around)
    tracks = tuple(track for code, track in around.tracks.items() if code in initial)
    found = Pathway(
        code=file.text("code"),
        title=file.text("title"),
        version=file.whole("version", least=1),
        initial=initial,
        tracks=tracks,
        rows=tuple(_row(entry, tracks, around) for entry in file.each("schedule")),
        rule_sets=file.some_of("rule_sets", around.rule_sets, "rule set"),
        on_entry=_on_entry(file, tracks, around),
        routes=_routes(file, tracks),
        terminology=file.within("terminology").texts(),
    )
    file.finish()
    return found


def _initial(entry: Fields, around: Around) -> dict[str, str]:
    """The first stage of each track that the pathway has."""
    initial = entry.texts(around.tracks, "track")
    for code in initial:
        entry.one_of(code, [one.code for one in around.tracks[code].stages], f"stage of {code}")
    return initial


def _on_entry(file: Fields, tracks: tuple[Track, ...], around: Around) -> dict[str, str]:
    entry = file.within("on_entry")
    opened = entry.texts([stage.code for track in tracks for stage in track.stages], "stage")
    for stage, proposal in opened.items():
        entry.one_of(stage, around.proposals, "proposal")
        if file.text("code") not in around.proposals[proposal].pathways:
            raise entry.error(stage, f"{proposal} is not a proposal of this pathway")
    return opened


def _routes(file: Fields, tracks: tuple[Track, ...]) -> tuple[str, ...]:
    """`R1-R2`: from one stage to a later one of the same track."""
    ranks = {stage.code: (track.code, stage.rank) for track in tracks for stage in track.stages}
    found = file.words("routes")
    for text in found:
        source, _, target = text.partition("-")
        for code in (source, target):
            if code not in ranks:
                raise file.error("routes", f"unknown stage {code!r} in this pathway{nearest(code, ranks)}")
        if ranks[source][0] != ranks[target][0] or ranks[source][1] >= ranks[target][1]:
            raise file.error("routes", f"is no way from a stage to a later one of its track: {text!r}")
    return tuple(found)


def _row(entry: Fields, tracks: tuple[Track, ...], around: Around) -> Row:
    track, stages = _stages(entry, tracks)
    row = Row(
        track=track,
        stages=stages,
        activity=entry.one_of("activity", around.activities, "activity"),
        when=entry.expression("when", ""),
        first=entry.period("first"),
        entry=entry.period("entry"),
        every=entry.period("every"),
        mode=entry.one_of("mode", (RECURRING, ONCE, SPEED_UP), "mode", RECURRING),
    )
    entry.finish()
    if (row.mode == RECURRING) != (row.every is not None):
        raise entry.error("every", "is needed for what recurs, and only for that")
    if row.mode == SPEED_UP and row.entry is None:
        raise entry.error("entry", "is needed for a speed-up")
    if row.mode == ONCE and row.first is None and row.entry is None:
        raise entry.error("first", "either first or entry is needed for what is done once")
    return row


def _stages(entry: Fields, tracks: tuple[Track, ...]) -> tuple[str, tuple[str, ...]]:
    """The track, and the stages from first to last, of a text such as `R4-R5` or `R3`."""
    text = entry.text("stages")
    match = _SPAN.fullmatch(text)
    if match is None:
        raise entry.error("stages", f"is no stage or span of stages (such as R3 or O1-O5): {text!r}")
    first, last = match.group(1), match.group(2) or match.group(1)
    for track in tracks:
        codes = [stage.code for stage in track.stages]
        if first in codes and last in codes and codes.index(first) <= codes.index(last):
            return track.code, tuple(codes[codes.index(first) : codes.index(last) + 1])
    known = {stage.code for track in tracks for stage in track.stages}
    for code in (first, last):
        if code not in known:
            raise entry.error("stages", f"unknown stage {code!r} in this pathway{nearest(code, known)}")
    raise entry.error("stages", f"is no span of one track in the order of its stages: {text!r}")
