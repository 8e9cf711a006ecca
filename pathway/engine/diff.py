"""What changed between two versions of a pathway, in words, and where their patients would stand.

Stages are the same when their codes are. What every stage schedules is compared stage by stage and
told once for neighboring stages that change alike: `R4-R5: pft-set every 3 mo → every 2 mo`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pathway.engine.definitions import Pathway, Row, Stage, Track

ARROW = "→"
NOTHING = "not scheduled"


@dataclass(frozen=True, slots=True)
class Change:
    """One readable change; `track` is empty where it concerns the pathway as a whole."""

    track: str
    text: str


def difference(old: Pathway, new: Pathway) -> list[Change]:
    """Every change from the old version to the new one; empty when they mean the same."""
    changes = list(_whole(old, new))
    before = {track.code: track for track in old.tracks}
    after = {track.code: track for track in new.tracks}
    for code in dict.fromkeys([*before, *after]):
        changes.extend(Change(code, text) for text in _track(old, new, before.get(code), after.get(code)))
    return changes


def stage_mapping(old: Pathway, new: Pathway) -> dict[str, str | None]:
    """Where a patient in each old stage would stand: the stage of the same code and track, else None."""
    kept = {(track.code, stage.code) for track in new.tracks for stage in track.stages}
    return {
        stage.code: stage.code if (track.code, stage.code) in kept else None
        for track in old.tracks
        for stage in track.stages
    }


def _whole(old: Pathway, new: Pathway) -> Iterator[Change]:
    if old.title != new.title:
        yield Change("", f"title {old.title} {ARROW} {new.title}")
    for code in new.rule_sets:
        if code not in old.rule_sets:
            yield Change("", f"rule set {code} added")
    for code in old.rule_sets:
        if code not in new.rule_sets:
            yield Change("", f"rule set {code} removed")
    for text in _mapping(old.on_entry, new.on_entry, "on entry of {}: proposal {}"):
        yield Change("", text)
    for text in _mapping(old.terminology, new.terminology, "{}: {}"):
        yield Change("", text)


def _mapping(old: Mapping[str, str], new: Mapping[str, str], wording: str) -> Iterator[str]:
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key, "none"), new.get(key, "none")
        if before != after:
            yield wording.format(key, f"{before} {ARROW} {after}")


def _track(old: Pathway, new: Pathway, before: Track | None, after: Track | None) -> Iterator[str]:
    if after is None:
        yield "track removed"
        return
    if before is None:
        yield f"track added with {', '.join(stage.code for stage in after.stages)}"
    elif before.title != after.title:
        yield f"title {before.title} {ARROW} {after.title}"
    if before is not None:
        yield from _stages(before, after)
        first, then = old.initial.get(after.code, "none"), new.initial.get(after.code, "none")
        if first != then:
            yield f"initial stage {first} {ARROW} {then}"
    yield from _schedules(old, new, after)


def _stages(before: Track, after: Track) -> Iterator[str]:
    olds, news = ({stage.code: stage for stage in track.stages} for track in (before, after))
    for code, stage in news.items():
        if code not in olds:
            yield f"{code} {stage.title}: stage added"
        else:
            yield from _stage(olds[code], stage)
    for code, stage in olds.items():
        if code not in news:
            yield f"{code} {stage.title}: stage removed"


def _stage(before: Stage, after: Stage) -> Iterator[str]:
    if before.title != after.title:
        yield f"{after.code}: title {before.title} {ARROW} {after.title}"
    if before.rank != after.rank:
        yield f"{after.code}: rank {before.rank} {ARROW} {after.rank}"
    if before.is_terminal != after.is_terminal:
        yield f"{after.code}: {'now' if after.is_terminal else 'no longer'} terminal"


def _schedules(old: Pathway, new: Pathway, track: Track) -> Iterator[str]:
    """Changes of what the remaining stages schedule; those of neighbors that are alike are told as one."""
    stages = [stage.code for stage in track.stages]
    told: dict[str, list[int]] = {}
    for place, code in enumerate(stages):
        before, after = _scheduled(old, track.code, code), _scheduled(new, track.code, code)
        for activity in dict.fromkeys([*before, *after]):
            first, then = before.get(activity, NOTHING), after.get(activity, NOTHING)
            if first != then:
                told.setdefault(f"{activity} {first} {ARROW} {then}", []).append(place)
    for text, places in told.items():
        yield f"{_ranges(stages, places)}: {text}"


def _scheduled(pathway: Pathway, track: str, stage: str) -> dict[str, str]:
    """Activity to how a stage schedules it; several rows in their order, as the first that applies counts."""
    rows = [row for row in pathway.rows if row.track == track and stage in row.stages]
    wording: dict[str, list[str]] = {}
    for row in rows:
        wording.setdefault(row.activity, []).append(_worded(row))
    return {activity: "; else ".join(texts) for activity, texts in wording.items()}


def _worded(row: Row) -> str:
    often = f"every {row.every}" if row.mode == "recurring" else row.mode
    first = f"first {row.first}" if row.first else ""
    entry = f"on entry {row.entry}" if row.entry else ""
    when = f"when {row.when}" if row.when else ""
    return ", ".join(part for part in (often, first, entry, when) if part)


def _ranges(stages: list[str], places: list[int]) -> str:
    """`R1, R4-R5` out of the places 1, 4 and 5."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return ", ".join(stages[run[0]] if len(run) == 1 else f"{stages[run[0]]}-{stages[run[-1]]}" for run in runs)
