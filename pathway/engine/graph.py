"""What is wrong with a pathway before anybody is enrolled in it.

An error keeps a pathway from being published; a warning tells the author what people will have to
do by hand. Whether rule texts can be parsed is asked in `engine.expressions`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pathway.engine import contradictions
from pathway.engine.definitions import Activity, CodeProposal, Effect, Intervention, Pathway, Row, Rule, RuleSet, Track

ERROR = "error"
WARNING = "warning"
MODES = ("recurring", "once", "speed-up")
ENTERED_BY_DRUGS = ("T1", "T4")  # a first disease-modifying drug enters T1, stopping the last one T4

_Value = TypeVar("_Value", str, int)


@dataclass(frozen=True, slots=True)
class Problem:
    """`where` names the thing at fault (`track cough, stage C2`), `what` says what is wrong with it."""

    severity: str  # error | warning
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.severity}: {self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a pathway may name. An empty `roles` or `observations` means that these are not checked.

    `routes` are pairs of stage codes of one track; None stands for a route from every stage that is
    not terminal to every later one of its track.
    """

    rule_sets: Mapping[str, RuleSet]
    activities: Mapping[str, Activity]
    interventions: Mapping[str, Intervention]
    proposals: Mapping[str, CodeProposal]
    roles: Collection[str] = ()
    observations: Collection[str] = ()
    routes: Collection[tuple[str, str]] | None = None


def problems(
    pathway: Pathway,
    rule_sets: Iterable[RuleSet],
    activities: Iterable[Activity],
    interventions: Iterable[Intervention],
    proposals: Iterable[CodeProposal],
    *,
    roles: Collection[str] = (),
    observations: Collection[str] = (),
    routes: Collection[tuple[str, str]] | None = None,
) -> list[Problem]:
    """Every problem of a pathway among the things it may name, errors first."""
    around = Surroundings(
        {one.code: one for one in rule_sets},
        {one.code: one for one in activities},
        {one.code: one for one in interventions},
        {one.code: one for one in proposals},
        roles,
        observations,
        routes,
    )
    checks = (_tracks, _initial, _reachable, _rows, _dead_rows, _rules, _activities, _interventions, _proposals)
    found = [problem for check in checks for problem in check(pathway, around)]
    return sorted(dict.fromkeys(found), key=lambda problem: problem.severity != ERROR)


# tracks and stages


def _tracks(pathway: Pathway, around: Surroundings) -> Iterator[Problem]:
    """Codes are unique; no two stages of a track have one rank, as neither could follow the other."""
    for code in _twice(track.code for track in pathway.tracks):
        yield Problem(ERROR, f"track {code}", "is defined twice")
    for code in _twice(stage.code for track in pathway.tracks for stage in track.stages):
        yield Problem(ERROR, f"stage {code}", "is defined twice")
    for track in pathway.tracks:
        for rank in _twice(stage.rank for stage in track.stages):
            both = " and ".join(stage.code for stage in track.stages if stage.rank == rank)
            yield Problem(ERROR, f"track {track.code}", f"{both} have the same rank {rank}: neither is later")
        if not track.stages:
            yield Problem(ERROR, f"track {track.code}", "has no stages")


def _initial(pathway: Pathway, around: Surroundings) -> Iterator[Problem]:
    for track in pathway.tracks:
        code = pathway.initial.get(track.code)
        if code is None:
            yield Problem(ERROR, f"track {track.code}", "has no initial stage")
        elif code not in _codes(track):
            yield Problem(ERROR, f"track {track.code}", f"its initial stage {code} is not one of its stages")
    for code in sorted(set(pathway.initial) - {track.code for track in pathway.tracks}):
        yield Problem(ERROR, f"initial {pathway.initial[code]}", f"names the unknown track {code}")
    for code, proposal in pathway.on_entry.items():
        if code not in _all_stages(pathway):
            yield Problem(ERROR, f"on entry of {code}", "is an unknown stage")
        if proposal not in around.proposals:
            yield Problem(ERROR, f"on entry of {code}", f"opens the unknown proposal {proposal}")


def _reachable(pathway: Pathway, around: Surroundings) -> Iterator[Problem]:
    """Stages that no route leads to, and stages that nothing but a person's move leads to."""
    moved_to = set(_proposed_stages(pathway, around))
    for track in pathway.tracks:
        initial = next((one for one in track.stages if one.code == pathway.initial.get(track.code)), None)
        if initial is None:
            continue
        reached = _reached(track, initial.code, around.routes)
        for stage in track.stages:
            where = f"track {track.code}, stage {stage.code}"
            if stage.code not in reached and stage.rank < initial.rank:
                yield Problem(WARNING, where, f"lies before the initial stage {initial.code}: backward moves only")
            elif stage.code not in reached:
                yield Problem(ERROR, where, f"is unreachable from the initial stage {initial.code}")
            elif stage != initial and not stage.is_terminal and stage.code not in moved_to:
                yield Problem(WARNING, where, "by hand only: no rule proposes it and no intervention enters it")


def _reached(track: Track, initial: str, routes: Collection[tuple[str, str]] | None) -> set[str]:
    if routes is None:
        open_ended = [stage for stage in track.stages if not stage.is_terminal]
        routes = [(one.code, other.code) for one in open_ended for other in track.stages if one.rank < other.rank]
    reached, waiting = {initial}, [initial]
    while waiting:
        source = waiting.pop()
        fresh = {target for start, target in routes if start == source} - reached
        reached |= fresh
        waiting.extend(fresh)
    return reached


def _proposed_stages(pathway: Pathway, around: Surroundings) -> Iterator[str]:
    for _, rule in _rules_of(pathway, around):
        yield from (effect.stage for effect in rule.effects if effect.stage)
    for intervention in around.interventions.values():
        yield from (entry.stage for entry in intervention.enters)
        if intervention.is_drug:
            yield from ENTERED_BY_DRUGS


# schedule rows


def _rows(pathway: Pathway, around: Surroundings) -> Iterator[Problem]:
    tracks = {track.code: track for track in pathway.tracks}
    for row in pathway.rows:
        where = _row_name(row)
        if row.activity not in around.activities:
            yield Problem(ERROR, where, f"unknown activity {row.activity}")
        if not row.stages:
            yield Problem(ERROR, where, "names no stage")
        if row.track not in tracks:
            yield Problem(ERROR, where, f"unknown track {row.track}")
        else:
            for code in row.stages:
                yield from _row_stage(pathway, tracks[row.track], where, code)
        yield from _row_intervals(row, where)


def _row_stage(pathway: Pathway, track: Track, where: str, code: str) -> Iterator[Problem]:
    if code in _codes(track):
        return
    other = next((one.code for one in pathway.tracks if code in _codes(one)), None)
    if other is None:
        yield Problem(ERROR, where, f"unknown stage {code}")
    else:
        yield Problem(ERROR, where, f"spans two tracks: {code} belongs to {other}, not to {track.code}")


def _row_intervals(row: Row, where: str) -> Iterator[Problem]:
    if row.mode not in MODES:
        yield Problem(ERROR, where, f"unknown mode {row.mode}; it is one of {', '.join(MODES)}")
    elif row.mode == "recurring" and row.every is None:
        yield Problem(ERROR, where, "recurs, but has no interval")
    elif row.mode == "once" and row.first is None and row.entry is None:
        yield Problem(ERROR, where, "is due once, but neither first nor entry says when")
    elif row.mode == "speed-up" and row.entry is None:
        yield Problem(ERROR, where, "is a speed-up without an entry window")
    elif row.mode != "recurring" and row.every is not None:
        yield Problem(ERROR, where, f"has an interval, but its mode is {row.mode}")
    if row.every is not None and row.every.amount == 0:
        yield Problem(ERROR, where, "recurs every 0 days")


def _dead_rows(pathway: Pathway, around: Surroundings) -> Iterator[Problem]:
    """The first row that applies counts: one without `when`, or with the same, leaves nothing for those after it."""
    taken: dict[tuple[str, str, bool], set[tuple[str, str]]] = {}
    for row in pathway.rows:
        above = taken.setdefault((row.track, row.activity, row.mode == "speed-up"), set())
        hidden = [code for code in row.stages if (code, "") in above or (code, row.when) in above]
        if hidden:
            scope = "can never apply" if len(hidden) == len(row.stages) else f"can never apply in {', '.join(hidden)}"
            severity = ERROR if len(hidden) == len(row.stages) else WARNING
            yield Problem(severity, _row_name(row), f"{scope}: a row before it always comes first")
        above.update((code, row.when) for code in row.stages)


# rules


def _rules(pathway: Pathway, around: Surroundings) -> Iterator[Problem]:
    for code in pathway.rule_sets:
        if code not in around.rule_sets:
            yield Problem(ERROR, f"pathway {pathway.code}", f"unknown rule set {code}")
    for set_code, rule in _rules_of(pathway, around):
        where = f"rule {set_code}/{rule.code}"
        for effect in rule.effects:
            yield from _effect(pathway, around, rule, effect, where)
        why = contradictions.never_true(rule.applies, rule.test)
        if why:
            yield Problem(WARNING, where, f"can never hit: {why}")


def _effect(pathway: Pathway, around: Surroundings, rule: Rule, effect: Effect, where: str) -> Iterator[Problem]:
    if sum(1 for wanted in (effect.stage, effect.proposal, effect.task) if wanted) != 1:
        yield Problem(ERROR, where, "an effect names exactly one of stage, proposal and task")
    if effect.proposal and effect.proposal not in around.proposals:
        yield Problem(ERROR, where, f"unknown proposal {effect.proposal}")
    if effect.task and effect.task not in around.activities:
        yield Problem(ERROR, where, f"unknown activity {effect.task}")
    if not effect.stage:
        return
    track = next((one for one in pathway.tracks if one.code == effect.track), None)
    # a rule for every pathway may well speak of a track or stage that this one does not have
    severity = ERROR if pathway.code in rule.pathways else WARNING
    if track is None:
        yield Problem(severity, where, f"proposes {effect.stage} in the track {effect.track}, which is not there")
    elif effect.stage not in _codes(track):
        yield Problem(severity, where, f"proposes the unknown stage {effect.stage} of {effect.track}")


def _rules_of(pathway: Pathway, around: Surroundings) -> Iterator[tuple[str, Rule]]:
    for rule_set in around.rule_sets.values():
        for rule in rule_set.rules:
            if not rule.pathways or pathway.code in rule.pathways:
                yield rule_set.code, rule


# what the pathway shares with the others


def _activities(pathway: Pathway, around: Surroundings) -> Iterator[Problem]:
    for activity in around.activities.values():
        where = f"activity {activity.code}"
        if around.roles and activity.owner not in around.roles:
            yield Problem(ERROR, where, f"unknown owner role {activity.owner}")
        for code in activity.completed_by:
            if around.observations and code not in around.observations:
                yield Problem(ERROR, where, f"completed by the unknown observation {code}")
        for code in sorted(set(activity.context) - set(activity.completed_by)):
            yield Problem(ERROR, where, f"asks for a context of {code}, which does not complete it")


def _interventions(pathway: Pathway, around: Surroundings) -> Iterator[Problem]:
    tracks = {track.code: track for track in pathway.tracks}
    for intervention in around.interventions.values():
        where = f"intervention {intervention.code}"
        for entry in intervention.enters:
            if entry.track in tracks and entry.stage not in _codes(tracks[entry.track]):
                yield Problem(WARNING, where, f"enters {entry.stage}, which {entry.track} does not have here")
        named = [*intervention.completes, *(task.activity for task in intervention.tasks)]
        if intervention.series is not None:
            named += [code for code in (intervention.series.task, intervention.series.labs) if code]
        for code in named:
            if code not in around.activities:
                yield Problem(ERROR, where, f"unknown activity {code}")


def _proposals(pathway: Pathway, around: Surroundings) -> Iterator[Problem]:
    for proposal in around.proposals.values():
        where = f"proposal {proposal.code}"
        for code in (*proposal.completes, *([proposal.task] if proposal.task else [])):
            if code not in around.activities:
                yield Problem(ERROR, where, f"unknown activity {code}")
        for code in (proposal.stops, proposal.not_while_active):
            if code and code not in around.interventions:
                yield Problem(ERROR, where, f"unknown intervention {code}")


# words


def _row_name(row: Row) -> str:
    when = f" when {row.when}" if row.when else ""
    return f"row {', '.join(row.stages) or '?'} {row.activity}{when}"


def _codes(track: Track) -> set[str]:
    return {stage.code for stage in track.stages}


def _all_stages(pathway: Pathway) -> set[str]:
    return {stage.code for track in pathway.tracks for stage in track.stages}


def _twice(values: Iterable[_Value]) -> list[_Value]:
    return [value for value, count in Counter(values).items() if count > 1]
