"""Which interventions a clinician is offered for this patient now (vocabulary 7.1 and 7.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from django.utils.translation import gettext as _

from pathway.engine import rules
from pathway.engine.chart import Chart, Result
from pathway.engine.definitions import Intervention
from pathway.models import MeasureKind
from pathway.selectors import shown
from pathway.selectors.cases import Case
from pathway.vocabulary import Region

TITRE = "aav9-titre"
LOWEST_TITRE = Fraction(1)  # of 1:N; never measured does not stand in the way (vocabulary 7.1)


@dataclass(frozen=True, slots=True)
class Reservations:
    """What speaks against starting an intervention that a clinician may start all the same."""

    sentences: tuple[str, ...] = ()
    outside_licence: bool = False


def offered(case: Case) -> list[str]:
    """Codes in the order of the vocabulary. An unknown condition is not offered."""
    if case.is_dead:
        return []
    reader = case.reader_of(_with_titre(case.chart(), case))
    texts = case.expressions.offered
    return [
        kind.code
        for kind in case.vocabulary.interventions.values()
        if kind.code in texts
        and case.pathway in kind.offered_in
        and is_licensed(case, kind)
        and rules.evaluate(texts[kind.code], reader, case.judge.judge).value is True
    ]


def is_licensed(case: Case, kind: Intervention, on: date | None = None) -> bool:
    """In the site's region, on that day (None: today)."""
    if not kind.licences:
        return True
    day = on or case.today
    return any(one.region == case.site.region and (one.since is None or one.since <= day) for one in kind.licences)


def concerns(case: Case, code: str, on: date | None = None) -> list[str]:
    """Why it is not offered, one sentence each, for a start on that day (None: today). Empty: nothing speaks against.

    It may be recorded all the same: what a clinician did is a fact.
    """
    return list(reservations(case, code, on).sentences)


def reservations(case: Case, code: str, on: date | None = None) -> Reservations:
    """The sentences, and whether a drug is outside its licence: by region, date, disease or the label's conditions.

    A condition that cannot be judged is told, and is no departure from the licence.
    """
    kind, day = case.vocabulary.interventions[code], on or case.today
    certain = [*_of_licence(case, kind, day), *_of_pathway(case, kind)]
    unmet, unknown = _of_conditions(case, kind, day)
    certain += unmet
    return Reservations((*certain, *unknown), outside_licence=bool(kind.licences and certain))


def _of_licence(case: Case, kind: Intervention, day: date) -> Iterator[str]:
    if is_licensed(case, kind, day):
        return
    told = {"title": kind.title, "region": Region(case.site.region).label, "day": shown.day(day)}
    here = [one.since for one in kind.licences if one.region == case.site.region and one.since is not None]
    if here:
        told["since"] = shown.day(min(here))
        yield _("%(title)s is licensed in the %(region)s from %(since)s, not on %(day)s.") % told
    else:
        yield _("%(title)s is not licensed in the %(region)s.") % told


def _of_pathway(case: Case, kind: Intervention) -> Iterator[str]:
    if kind.offered_in and case.pathway not in kind.offered_in:
        yield _("%(title)s is not meant for %(pathway)s.") % {
            "title": kind.title,
            "pathway": case.version.record.title,
        }


def _of_conditions(case: Case, kind: Intervention, day: date) -> tuple[list[str], list[str]]:
    """The sentence on what does not hold, and the sentence on what cannot be judged; each may be missing."""
    condition = case.expressions.offered.get(kind.code)
    if condition is None:
        return [], []
    reader = case.reader_of(_with_titre(replace(case.chart(), today=day), case))
    holds = rules.evaluate(condition, reader, case.judge.judge).value
    if holds is True:
        return [], []
    clauses = rules.explain(condition, reader, case.judge.judge)
    told = {"title": kind.title, "condition": condition.text}
    unmet = [one.text for one in clauses if one.outcome is False] if holds is False else []
    unknown = frozenset().union(*(one.missing for one in clauses if one.outcome is None))
    names = dict(MeasureKind.objects.values_list("code", "title")) if unknown else {}
    told |= {"unmet": "; ".join(unmet), "missing": shown.titles(unknown, case.vocabulary, names)}
    return (
        [_("%(title)s is offered where %(condition)s. Not met: %(unmet)s.") % told] if unmet else [],
        [_("%(title)s is offered where %(condition)s. Not known: %(missing)s.") % told] if unknown else [],
    )


def _with_titre(chart: Chart, case: Case) -> Chart:
    if chart.results.get(TITRE):
        return chart
    stand_in = Result(0, TITRE, LOWEST_TITRE, chart.today, case.at, 0)
    results: Mapping[str, list[Result]] = {**{k: list(v) for k, v in chart.results.items()}, TITRE: [stand_in]}
    return replace(chart, results=results)
