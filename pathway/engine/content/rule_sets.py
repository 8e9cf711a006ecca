"""Rule sets: what each rule asks, how loudly it speaks, and what it asks for (vocabulary section 6)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pathway.engine.content import marks
from pathway.engine.content.fields import Fields
from pathway.engine.definitions import Activity, CodeProposal, Effect, Pathway, Rule, RuleSet, Track

SEVERITIES = ("none", "info", "warning", "urgent")

_EFFECTS = ("track", "propose", "task")


@dataclass(frozen=True, slots=True)
class Around:
    """What rules may name. `sources` are the marks that have a source."""

    tracks: Mapping[str, Track]
    activities: Mapping[str, Activity]
    proposals: Mapping[str, CodeProposal]
    pathways: Mapping[str, Pathway]
    sources: Collection[str]
    judged: dict[str, str] = field(default_factory=dict)  # rule code -> rule set, of the sets read so far


def rule_set(file: Fields, around: Around) -> RuleSet:
    found = RuleSet(
        code=file.text("code"),
        title=file.text("title"),
        version=file.whole("version", least=1),
        source=file.text("source"),
        rules=tuple(_rule(code, entry, around) for code, entry in file.within("rules").entries()),
    )
    file.finish()
    listed = file.within("rules")
    for rule in found.rules:
        if rule.code in around.judged:
            raise listed.error(rule.code, f"is a rule of {around.judged[rule.code]} already")
        around.judged[rule.code] = found.code
    return found


def _rule(code: str, entry: Fields, around: Around) -> Rule:
    rule = Rule(
        code=code,
        test=entry.expression("test"),
        severity=entry.one_of("severity", SEVERITIES, "severity"),
        title=entry.text("title"),
        pathways=entry.some_of("pathways", around.pathways, "pathway"),
        applies=entry.expression("applies", ""),
        effects=tuple(_effect(one, around) for one in entry.each("effects")),
        when_missing=entry.text("when_missing", ""),
        mark=marks.mark(entry, around.sources),
        citation=entry.text("citation"),
        review_by=entry.day("review_by"),
    )
    entry.finish()
    if not rule.pathways:
        raise entry.error("pathways", "is missing")
    for effect in rule.effects:
        _check_effect(entry, rule, effect, around)
    return rule


def _effect(entry: Fields, around: Around) -> Effect:
    if sum(entry.has(key) for key in _EFFECTS) != 1:
        raise entry.error("", "an effect is exactly one of track (with to), propose, and task (with within)")
    if entry.has("track"):
        track = entry.one_of("track", around.tracks, "track")
        stages = [one.code for one in around.tracks[track].stages]
        found = Effect(track, entry.one_of("to", stages, f"stage of {track}"))
    elif entry.has("propose"):
        found = Effect(proposal=entry.one_of("propose", around.proposals, "proposal"))
    else:
        task = entry.one_of("task", around.activities, "activity")
        found = Effect(task=task, within=entry.required_period("within"))
    entry.finish()
    return found


def _check_effect(entry: Fields, rule: Rule, effect: Effect, around: Around) -> None:
    """What a rule asks for must exist in each of its pathways: elsewhere it would ask in vain."""
    for code in rule.pathways:
        if effect.track and effect.track not in around.pathways[code].initial:
            raise entry.error("effects", f"{code} has no track {effect.track}")
        if effect.proposal and code not in around.proposals[effect.proposal].pathways:
            raise entry.error("effects", f"{effect.proposal} is not a proposal of {code}")
