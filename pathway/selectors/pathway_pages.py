"""A published pathway as people read it: tracks, stages, what is scheduled, and its rules with mark and source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from pathway.engine import definitions as engine
from pathway.engine import drawing
from pathway.models import PathwayVersion
from pathway.selectors import definitions, drawings, reasons, shown
from pathway.vocabulary import Severity


@dataclass(frozen=True, slots=True)
class RuleView:
    code: str
    title: str
    applies: str
    test: str
    severity: str
    severity_title: str
    asks_for: Sequence[str]
    mark: str
    citation: str
    review_by: str
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class RuleSetView:
    """`is_own`: the pathway is written for it; a site may follow others as well."""

    code: str
    title: str
    version: int
    source: str
    is_own: bool
    rules: Sequence[RuleView]


@dataclass(frozen=True, slots=True)
class StageView:
    """`proposed_by`: rule set, and code and title of its rules."""

    place: drawing.Place
    proposed_by: Sequence[tuple[str, Sequence[tuple[str, str]]]]


@dataclass(frozen=True, slots=True)
class TrackView:
    code: str
    title: str
    stages: Sequence[StageView]


@dataclass(frozen=True, slots=True)
class PathwayPage:
    picture: drawing.Picture
    tracks: Sequence[TrackView]
    rule_sets: Sequence[RuleSetView]


def every_pathway() -> list[tuple[str, str]]:
    """Code and title of the published ones, by title."""
    rows = PathwayVersion.objects.filter(status="published").order_by("pathway__title")
    return list(rows.values_list("pathway__code", "pathway__title").distinct())


def page(pathway: str, today: date) -> PathwayPage:
    """The newest published version with the newest rules. Raises NotFound."""
    version = definitions.version(definitions.published(pathway).pk)
    known = definitions.vocabulary()
    sets = [_rule_set(one, version, known, today) for one in definitions.newest_rule_sets()]
    with_rules = [one for one in sets if one.rules]
    picture = drawings.picture(pathway)
    titles = {(one.code, rule.code): rule.title for one in sets for rule in one.rules}
    tracks = [TrackView(x.code, x.title, [_stage(place, titles) for place in x.places]) for x in picture.lines]
    return PathwayPage(picture, tracks, sorted(with_rules, key=lambda one: (not one.is_own, one.title)))


def _stage(place: drawing.Place, titles: Mapping[tuple[str, str], str]) -> StageView:
    found = [(rules, [(code, titles[rules, code]) for code in codes]) for rules, codes in place.proposed_by]
    return StageView(place, found)


def _rule_set(one: engine.RuleSet, version: definitions.Version, known: engine.Vocabulary, today: date) -> RuleSetView:
    mine = [rule for rule in one.rules if not rule.pathways or version.record.code in rule.pathways]
    return RuleSetView(
        code=one.code,
        title=one.title,
        version=one.version,
        source=one.source,
        is_own=one.code in version.record.rule_sets,
        rules=[_rule(rule, version, known, today) for rule in mine],
    )


def _rule(rule: engine.Rule, version: definitions.Version, known: engine.Vocabulary, today: date) -> RuleView:
    return RuleView(
        code=rule.code,
        title=rule.title or rule.code,
        applies=rule.applies,
        test=rule.test,
        severity=rule.severity,
        severity_title=str(Severity(rule.severity).label),
        asks_for=list(_effects(rule, version, known)),
        mark=rule.mark,
        citation=rule.citation,
        review_by=shown.day(rule.review_by),
        is_overdue=rule.review_by is not None and rule.review_by < today,
    )


def _effects(rule: engine.Rule, version: definitions.Version, known: engine.Vocabulary) -> Iterable[str]:
    for effect in rule.effects:
        if effect.stage and version.has_stage(effect.track, effect.stage):
            stage = version.stage(effect.track, effect.stage)
            yield _("proposes %(stage)s (%(code)s)") % {"stage": stage.title, "code": stage.code}
        elif effect.proposal:
            yield _("asks: %(question)s") % {"question": known.proposals[effect.proposal].title}
        elif effect.task and effect.within is not None:
            told = {"task": known.activities[effect.task].title, "period": reasons.period(str(effect.within))}
            yield _("task: %(task)s, within %(period)s") % told
