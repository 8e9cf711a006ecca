"""Which interventions a clinician is offered for this patient now (vocabulary 7.1 and 7.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from pathway.engine import rules
from pathway.engine.chart import Chart, Result
from pathway.engine.definitions import Intervention
from pathway.selectors.cases import Case

TITRE = "aav9-titre"
LOWEST_TITRE = Fraction(1)  # of 1:N; never measured does not stand in the way (vocabulary 7.1)


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


def is_licensed(case: Case, kind: Intervention) -> bool:
    """In the site's region, on the local day."""
    if not kind.licences:
        return True
    return any(
        one.region == case.site.region and (one.since is None or one.since <= case.today) for one in kind.licences
    )


def _with_titre(chart: Chart, case: Case) -> Chart:
    if chart.results.get(TITRE):
        return chart
    stand_in = Result(0, TITRE, LOWEST_TITRE, case.today, case.at, 0)
    results: Mapping[str, list[Result]] = {**{k: list(v) for k, v in chart.results.items()}, TITRE: [stand_in]}
    return replace(chart, results=results)
