"""What a drawing of a pathway shows: tracks as lines of stages, what leads to each stage, what is done there.

`plan` gathers it, `as_text` says it in words, `engine.svg` draws it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from pathway.engine.definitions import Activity, CodeProposal, Intervention, Pathway, Row, RuleSet, Stage, Track
from pathway.engine.schedule import Period

LAST_DRUG_STOPPED = ("treatment", "T4", "stopping the last disease-modifying drug")
BY_HAND, BY_SERVER = "Entered by hand only", "Entered by a death or a withdrawal only"
BEFORE = "Before the start: only a backward move leads here"
NO_BREAK = "\N{NO-BREAK SPACE}"  # keeps a number with its unit, a comparison together

_COMPARISON = re.compile(r" (<=|>=|<|>|=) ")


@dataclass(frozen=True, slots=True)
class Work:
    """One activity that a stage schedules."""

    title: str
    interval: str  # every 3 mo | once, within 14 d | brought forward to 14 d
    when: str = ""  # the rule text under which it holds
    is_otherwise: bool = False  # where no row before it holds

    def __str__(self) -> str:
        when = _COMPARISON.sub(rf"{NO_BREAK}\1{NO_BREAK}", self.when)
        return f"{self.title}: {'otherwise ' * self.is_otherwise}{self.interval}" + (f", if {when}" if when else "")


@dataclass(frozen=True, slots=True)
class Place:
    """A stage with what leads to it, what it opens and what it schedules."""

    code: str
    title: str
    is_initial: bool
    is_before: bool  # before the stage in which patients begin
    is_terminal: bool
    proposed_by: tuple[tuple[str, tuple[str, ...]], ...]  # rule set and its rules
    entered_by: tuple[str, ...]  # titles of interventions
    opens: str  # the question opened on entering it
    work: tuple[Work, ...]

    @property
    def is_named(self) -> bool:
        """Something other than a person's move leads here."""
        return bool(self.proposed_by or self.entered_by)

    @property
    def note(self) -> str:
        """How it is reached when nothing names it; empty where something does, or where all begin."""
        if self.is_before:
            return BEFORE
        if self.is_named or self.is_initial:
            return ""
        return BY_SERVER if self.is_terminal else BY_HAND


@dataclass(frozen=True, slots=True)
class Way:
    """A route between two places of a line, by their positions."""

    source: int
    target: int
    is_named: bool

    @property
    def is_step(self) -> bool:
        return self.target == self.source + 1


@dataclass(frozen=True, slots=True)
class Line:
    """A track: its places by rank, and the ways worth drawing."""

    code: str
    title: str
    places: tuple[Place, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    code: str
    title: str
    version: int
    lines: tuple[Line, ...]

    @property
    def summary(self) -> str:
        """One paragraph for those who do not see the drawing."""
        tracks = "; ".join(f"{line.title}: {', '.join(place.code for place in line.places)}" for line in self.lines)
        return (
            f"{len(self.lines)} tracks, each a row of stages from left to right with what leads to a stage and "
            f"what is scheduled in it. {tracks}. The same in words: draw_pathway {self.code} --text."
        )


def plan(
    pathway: Pathway,
    routes: Collection[tuple[str, str]],
    rule_sets: Iterable[RuleSet],
    activities: Mapping[str, Activity],
    interventions: Iterable[Intervention],
    proposals: Mapping[str, CodeProposal],
) -> Picture:
    """`routes` are pairs of stage codes. Drawn are steps to the next stage, and to every stage that a rule or an
    intervention names the longest way there: with all of them a forward-only track would be a thicket."""
    known, sets = list(interventions), list(rule_sets)
    lines = []
    for track in pathway.tracks:
        places = tuple(_place(pathway, track, stage, sets, activities, known, proposals) for stage in track.stages)
        lines.append(Line(track.code, track.title, places, _ways(places, routes)))
    return Picture(pathway.code, pathway.title, pathway.version, tuple(lines))


def as_text(picture: Picture) -> str:
    """The same in words, one stage after the other."""
    told = [f"{picture.title} ({picture.code}, version {picture.version})"]
    for line in picture.lines:
        told += ["", f"{line.title} ({line.code})"]
        for number, place in enumerate(line.places):
            told += _told(line, number, place)
    return "\n".join(told).replace(NO_BREAK, " ") + "\n"


def _told(line: Line, number: int, place: Place) -> Iterable[str]:
    mark = " [start]" if place.is_initial else ""
    yield f"  {place.code} {place.title}{mark}"
    leads = [line.places[way.source].code for way in line.ways if way.target == number]
    if leads:
        yield f"      from: {', '.join(leads)}"
    if place.note:
        yield f"      {place.note.lower()}"
    for rule_set, codes in place.proposed_by:
        yield f"      proposed by {rule_set}: {', '.join(codes)}"
    for title in place.entered_by:
        yield f"      entered by {title}"
    if place.opens:
        yield f"      asks: {place.opens}"
    for work in place.work:
        yield f"      - {work}"


# how it is gathered


def _place(
    pathway: Pathway,
    track: Track,
    stage: Stage,
    rule_sets: Iterable[RuleSet],
    activities: Mapping[str, Activity],
    interventions: Iterable[Intervention],
    proposals: Mapping[str, CodeProposal],
) -> Place:
    question = pathway.on_entry.get(stage.code, "")
    start = next((one.rank for one in track.stages if one.code == pathway.initial.get(track.code)), 0)
    return Place(
        code=stage.code,
        title=stage.title,
        is_initial=pathway.initial.get(track.code) == stage.code,
        is_before=stage.rank < start,
        is_terminal=stage.is_terminal,
        proposed_by=_proposed_by(pathway, track, stage, rule_sets),
        entered_by=_entered_by(pathway, track, stage, interventions),
        opens=proposals[question].title if question in proposals else question,
        work=_work(pathway, track, stage, activities),
    )


def _work(pathway: Pathway, track: Track, stage: Stage, activities: Mapping[str, Activity]) -> tuple[Work, ...]:
    found, seen = [], set()
    for row in pathway.rows:
        if row.track == track.code and stage.code in row.stages:
            title = activities[row.activity].title if row.activity in activities else row.activity
            found.append(Work(title, _interval(row), row.when, (row.activity, row.mode) in seen))
            seen.add((row.activity, row.mode))
    return tuple(found)


def _proposed_by(
    pathway: Pathway, track: Track, stage: Stage, rule_sets: Iterable[RuleSet]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = {
        one.code: tuple(
            rule.code
            for rule in one.rules
            if (not rule.pathways or pathway.code in rule.pathways)
            and any((e.track, e.stage) == (track.code, stage.code) for e in rule.effects)
        )
        for one in rule_sets
    }
    return tuple((code, rules) for code, rules in found.items() if rules)


def _entered_by(pathway: Pathway, track: Track, stage: Stage, interventions: Iterable[Intervention]) -> tuple[str, ...]:
    mine = [one for one in interventions if not one.offered_in or pathway.code in one.offered_in]
    found = []
    for one in mine:
        for entry in one.enters:
            if (entry.track, entry.stage) == (track.code, stage.code):
                details = ", ".join(entry.details.values())
                found.append(one.title + (f" ({details})" if details else ""))
    drug_track, drug_stage, stopping = LAST_DRUG_STOPPED
    if (track.code, stage.code) == (drug_track, drug_stage) and any(one.is_drug for one in mine):
        found.append(stopping)
    return tuple(found)


def _ways(places: tuple[Place, ...], routes: Collection[tuple[str, str]]) -> tuple[Way, ...]:
    start = next((number for number, place in enumerate(places) if place.is_initial), 0)
    found = []
    for target, place in enumerate(places):
        sources = [n for n in range(target) if (places[n].code, place.code) in routes]
        if target - 1 in sources:
            found.append(Way(target - 1, target, place.is_named))
        straight = [n for n in sources if start <= n < target - 1]
        if place.is_named and straight:
            found.append(Way(straight[0], target, True))
    return tuple(found)


def _interval(row: Row) -> str:
    if row.mode == "speed-up":
        return f"brought forward to {_joined(row.entry)}"
    if row.mode == "once":
        return f"once, within {_joined(row.entry or row.first)}"
    entry = f", on entry within {_joined(row.entry)}" if row.entry is not None else ""
    return f"every {_joined(row.every)}{entry}"


def _joined(period: Period | None) -> str:
    """A number is never parted from its unit at the end of a line."""
    return str(period).replace(" ", NO_BREAK)
