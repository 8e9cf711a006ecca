"""Definitions as the engine wants them: compiled once from frozen rows, kept for as long as the process lives.

A published version never changes, so what is compiled from it may be kept under its primary key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from pathway import errors
from pathway.engine import definitions, expressions, names, records, rules
from pathway.engine.measures import REGISTRY
from pathway.models import (
    PathwayVersion,
    Release,
    Route,
    Rule,
    RuleSetUse,
    RuleSetVersion,
    Stage,
    StageActivity,
)
from pathway.selectors import texts

KEPT = 64

Uses = tuple[tuple[int, str], ...]
_USES = """
SELECT u.version_id, u.use FROM pathway_siteruleset u
JOIN pathway_rulesetversion v ON v.id = u.version_id JOIN pathway_ruleset r ON r.id = v.rule_set_id
WHERE u.site_id = %s ORDER BY r.code
"""


@dataclass(frozen=True, eq=False)
class Row:
    """A schedule row with its primary key and its compiled `when` (None: always)."""

    pk: int
    record: definitions.Row
    when: expressions.Expression | None

    def says_the_same_as(self, other: Row) -> bool:
        """Nothing to lay out again between the two, though they belong to different versions."""
        mine, theirs = self.record, other.record
        if mine.mode == "once" and mine.stages != theirs.stages:
            return False  # done once for each of them (CONVENTIONS 24)
        return (mine.activity, mine.mode, mine.every, mine.entry) == (
            theirs.activity,
            theirs.mode,
            theirs.every,
            theirs.entry,
        )


@dataclass(frozen=True, eq=False)
class Version:
    """A pathway version: its record, and the primary keys of its stages and rows."""

    pk: int
    record: definitions.Pathway
    stage_ids: Mapping[str, int]
    stage_rows: Mapping[str, Stage]  # the same rows, by code
    stages_by_pk: Mapping[int, Stage]
    rows: tuple[Row, ...]
    routes: frozenset[tuple[str, str]]  # source and target stage

    @property
    def tracks(self) -> tuple[definitions.Track, ...]:
        return self.record.tracks

    def stage(self, track: str, code: str) -> definitions.Stage:
        """Raises NotAllowed when the track or the stage is not part of this pathway."""
        for one in self.record.tracks:
            if one.code == track:
                for stage in one.stages:
                    if stage.code == code:
                        return stage
        raise errors.NotAllowed("not-allowed", f"{self.record.title} has no stage {track} {code}", "stage")

    def has_stage(self, track: str, code: str) -> bool:
        return any(t.code == track and any(s.code == code for s in t.stages) for t in self.record.tracks)


@dataclass(frozen=True, eq=False)
class SiteRule:
    """A compiled rule as one site uses it. `key` is CODE, in shadow set/CODE."""

    pk: int
    key: str
    set_code: str
    is_shadow: bool
    compiled: rules.CompiledRule

    @property
    def rule(self) -> definitions.Rule:
        return self.compiled.rule


@dataclass(frozen=True, eq=False)
class SiteRules:
    """The rules that a site judges by: by key, and all compiled ones by code (for rules that name rules)."""

    by_key: Mapping[str, SiteRule]
    compiled: Mapping[str, rules.CompiledRule]


@dataclass(frozen=True, eq=False)
class Expressions:
    """The texts of the vocabulary that are judged: when an intervention is offered, whether a calendar goes on."""

    offered: Mapping[str, expressions.Expression]
    goes_on: Mapping[str, expressions.Expression]


def vocabulary(release: int | None = None) -> definitions.Vocabulary:
    """The vocabulary of a release, by default the newest. Raises NotFound before the first `load_pathways`."""
    return _vocabulary(release or release_id())


def vocabulary_expressions(release: int | None = None) -> Expressions:
    return _expressions(release or release_id())


def release_id() -> int:
    newest = Release.objects.order_by("-pk").values_list("pk", flat=True).first()
    if newest is None:
        raise errors.NotFound("not-found", "No pathways are loaded yet: run load_pathways first")
    return newest


def version(version_id: int, release: int | None = None) -> Version:
    return _version(version_id, release or release_id())


def site_rules(uses: Uses, release: int | None = None) -> SiteRules:
    """Active and shadow rule sets, compiled."""
    return _site_rules(uses, release or release_id())


def uses_of(site_id: int) -> Uses:
    """The rule-set versions that a site follows (`active`) and watches (`shadow`), by code of the rule set."""
    return tuple((pk, use) for pk, use in texts.rows(_USES, [site_id]))


def all_rules() -> Mapping[str, rules.CompiledRule]:
    """Every rule of the newest published version of each rule set, whoever uses it."""
    newest = RuleSetVersion.objects.filter(status="published").order_by("rule_set", "-number").distinct("rule_set")
    uses = tuple((pk, str(RuleSetUse.ACTIVE)) for pk in newest.values_list("pk", flat=True))
    return _site_rules(uses, release_id()).compiled


def newest_rule_sets() -> list[definitions.RuleSet]:
    """The newest published version of each rule set, by code."""
    newest = RuleSetVersion.objects.filter(status="published").order_by("rule_set__code", "-number")
    return [_rule_set(pk) for pk in newest.distinct("rule_set__code").values_list("pk", flat=True)]


def published(pathway_code: str) -> PathwayVersion:
    """The newest published version of a pathway."""
    versions = PathwayVersion.objects.filter(pathway__code=pathway_code, status="published")
    found: PathwayVersion | None = versions.order_by("-number").first()
    if found is None:
        raise errors.NotFound("not-found", f"There is no published pathway {pathway_code!r}", "pathway")
    return found


def names_for(vocabulary: definitions.Vocabulary, rule_codes: frozenset[str] = frozenset()) -> names.Names:
    """All that a rule text may name."""
    return names.Names(
        observations=vocabulary.catalogue.kinds,
        measures=names.measure_types({code: m.unit for code, m in REGISTRY.items()}),
        rules=rule_codes,
        tracks={track.code: tuple(s.code for s in track.stages) for track in vocabulary.tracks},
        interventions=frozenset(vocabulary.interventions),
        activities=frozenset(vocabulary.activities),
    )


@lru_cache(maxsize=KEPT)
def _vocabulary(release: int) -> definitions.Vocabulary:
    return records.from_plain(definitions.Vocabulary, Release.objects.values_list("record", flat=True).get(pk=release))


@lru_cache(maxsize=KEPT)
def _expressions(release: int) -> Expressions:
    known = _vocabulary(release)
    named = names_for(known)
    offered = {i.code: expressions.parse(i.offered_when, named) for i in known.interventions.values() if i.offered_when}
    goes_on = {c.activity: expressions.parse(c.then_while, named) for c in known.calendars if c.then_while}
    return Expressions(offered, goes_on)


@lru_cache(maxsize=KEPT)
def _version(version_id: int, release: int) -> Version:
    record = records.from_plain(
        definitions.Pathway, PathwayVersion.objects.values_list("record", flat=True).get(pk=version_id)
    )
    stages = {stage.code: stage for stage in Stage.objects.filter(track__version=version_id)}
    pks = StageActivity.objects.filter(version=version_id).order_by("position").values_list("pk", flat=True)
    named = names_for(_vocabulary(release), _all_rule_codes())
    rows = tuple(
        Row(pk, row, expressions.parse(row.when, named) if row.when else None)
        for pk, row in zip(pks, record.rows, strict=True)
    )
    routes = Route.objects.filter(source__track__version=version_id).values_list("source__code", "target__code")
    return Version(
        version_id,
        record,
        {code: row.pk for code, row in stages.items()},
        stages,
        {row.pk: row for row in stages.values()},
        rows,
        frozenset(routes),
    )


def _all_rule_codes() -> frozenset[str]:
    return frozenset(Rule.objects.values_list("code", flat=True).distinct())


@lru_cache(maxsize=KEPT)
def _site_rules(uses: tuple[tuple[int, str], ...], release: int) -> SiteRules:
    known = _vocabulary(release)
    sets = {pk: _rule_set(pk) for pk, _ in uses}
    codes = frozenset(rule.code for one in sets.values() for rule in one.rules)
    named = names_for(known, codes)
    compiled = rules.compile_rules([rule for one in sets.values() for rule in one.rules], named)
    by_key: dict[str, SiteRule] = {}
    for pk, use in uses:
        rows = dict(Rule.objects.filter(version=pk).values_list("code", "pk"))
        for rule in sets[pk].rules:
            is_shadow = use == RuleSetUse.SHADOW
            key = f"{sets[pk].code}/{rule.code}" if is_shadow else rule.code
            by_key[key] = SiteRule(rows[rule.code], key, sets[pk].code, is_shadow, compiled[rule.code])
    return SiteRules(by_key, compiled)


def _rule_set(version_id: int) -> definitions.RuleSet:
    record = RuleSetVersion.objects.values_list("record", flat=True).get(pk=version_id)
    return records.from_plain(definitions.RuleSet, record)
