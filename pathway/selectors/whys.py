"""Why, and why not: every rule of the site for one patient, clause by clause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pathway.engine import rules
from pathway.engine.definitions import Rule
from pathway.selectors import definitions, patient_pages, reasons, shown
from pathway.selectors.cases import Case

VERDICTS = {
    "hit": gettext_lazy("Holds"),
    "miss": gettext_lazy("Does not hold"),
    "unknown": gettext_lazy("Cannot be judged"),
    "not-applicable": gettext_lazy("Does not apply"),
}
ORDER = ("hit", "unknown", "miss", "not-applicable")


@dataclass(frozen=True, slots=True)
class ClauseView:
    text: str
    outcome: str  # yes | no | unknown
    values: tuple[str, ...]
    missing: str


@dataclass(frozen=True, slots=True)
class RuleView:
    code: str
    title: str
    set_title: str
    verdict: str
    verdict_title: str
    day: str
    applies: tuple[ClauseView, ...]
    test: tuple[ClauseView, ...]
    missing: str
    when_missing: str
    asks_for: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class RuleGroup:
    code: str
    title: str
    rules: tuple[RuleView, ...]


def every_rule(case: Case) -> list[RuleGroup]:
    """The active rules that this pathway has, by verdict. What does not apply to the pathway is left out."""
    names = patient_pages.measure_titles()
    found = [
        _rule(case, rule, names)
        for rule in case.rules.by_key.values()
        if not rule.is_shadow and case.pathway in rule.compiled.pathways
    ]
    return [
        RuleGroup(code, str(VERDICTS[code]), tuple(one for one in found if one.verdict == code))
        for code in ORDER
        if any(one.verdict == code for one in found)
    ]


def _rule(case: Case, site_rule: definitions.SiteRule, names: dict[str, str]) -> RuleView:
    rule = site_rule.rule
    explained = case.judge.explain(rule.code)
    judged = explained.judgement
    return RuleView(
        code=rule.code,
        title=rule.title or rule.code,
        set_title=site_rule.set_code,
        verdict=judged.verdict.value,
        verdict_title=str(VERDICTS[judged.verdict.value]),
        day=shown.day(judged.day),
        applies=tuple(_clauses(case, explained.applies, names)),
        test=tuple(_clauses(case, explained.test, names)),
        missing=shown.titles(judged.missing, case.vocabulary, names),
        when_missing=rule.when_missing,
        asks_for=tuple(_effects(case, rule)),
        source=" ".join(part for part in (rule.citation, rule.mark) if part),
    )


def _clauses(case: Case, clauses: Iterable[rules.Clause], names: dict[str, str]) -> Iterable[ClauseView]:
    outcomes = {True: "yes", False: "no", None: "unknown"}
    for clause in clauses:
        yield ClauseView(
            text=clause.text,
            outcome=outcomes[clause.outcome],
            values=tuple(_value(one) for one in clause.values),
            missing=shown.titles(clause.missing, case.vocabulary, names),
        )


def _value(one: rules.Shown) -> str:
    told = _("unknown") if one.value is None else shown.plain(one.value)
    return f"{one.text} = {told}" + (f" ({shown.day(one.day)})" if one.day else "")


def _effects(case: Case, rule: Rule) -> Iterable[str]:
    known = case.vocabulary
    for effect in rule.effects:
        if effect.stage:
            if case.version.has_stage(effect.track, effect.stage):
                stage = case.version.stage(effect.track, effect.stage)
                yield _("proposes %(stage)s (%(code)s)") % {"stage": stage.title, "code": stage.code}
        elif effect.proposal:
            yield _("asks: %(question)s") % {"question": known.proposals[effect.proposal].title}
        elif effect.task and effect.within is not None:
            told = {"task": known.activities[effect.task].title, "period": reasons.period(str(effect.within))}
            yield _("task: %(task)s, within %(period)s") % told
