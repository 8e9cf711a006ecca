"""A verdict does not depend on the unit of entry: rule(v, u) = rule(convert(v, u to u'), u'). No database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from pathway.engine import content, entries, measures, rules
from pathway.engine.catalogue import Kind, Range
from pathway.engine.chart import Chart, Reader, Result, Span
from pathway.engine.entries import Entry
from pathway.engine.rules import CompiledRule, Judge, Judgement

TODAY = date(2025, 6, 30)
CONTEXT = {
    "spo2": {"activity": "rest", "oxygen": "room-air"},
    "body-fat": {"method": "dexa", "device": "one", "formula": "none"},
    "alt": {"uln": "40"},
    "ast": {"uln": "40"},
    "intake": {"days": "20"},
}
ADULT, CHILD = date(1960, 1, 1), date(2016, 1, 1)

Written = tuple[str, Fraction, str, int]  # kind, value, unit, days ago


@cache
def shipped() -> content.Content:
    return content.read(Path(django_settings.BASE_DIR) / "fixtures")


@cache
def compiled() -> Mapping[str, CompiledRule]:
    """The rules of all shipped sets, each set by itself where codes meet."""
    named = content.names(shipped())
    every = [rule for one in shipped().rule_sets.values() for rule in one.rules]
    return rules.compile_rules(every, named)


def convertible() -> list[Kind]:
    """Quantities that may be entered in more than one unit."""
    return [kind for kind in shipped().catalogue.kinds.values() if len(kind.units) > 1]


def hard_range(kind: Kind, birth: date) -> Range:
    chosen = kind.hard.adult if birth == ADULT else kind.hard.child
    return chosen if isinstance(chosen, Range) else Range(Fraction(0), Fraction(500))


@st.composite
def written(draw: st.DrawFn, birth: date) -> Written:
    """A value within its range, with few decimals in the unit that somebody chose."""
    kind = draw(st.sampled_from(convertible()))
    unit = draw(st.sampled_from(sorted(kind.units)))
    bounds, factor = hard_range(kind, birth), kind.units[unit]
    low, high = bounds.low / factor * 100, bounds.high / factor * 100
    hundredths = draw(st.integers(-(-low.numerator // low.denominator), high.numerator // high.denominator))
    return kind.code, Fraction(hundredths, 100), unit, draw(st.integers(0, 120))


@st.composite
def charts(draw: st.DrawFn) -> tuple[date, str, list[Written], list[Written]]:
    """A birth date, a pathway, and the same results written in two sets of units."""
    pathway = draw(st.sampled_from(sorted(shipped().pathways)))
    birth = CHILD if pathway.startswith("sma") and draw(st.booleans()) else ADULT
    first = draw(st.lists(written(birth), min_size=1, max_size=12))
    return birth, pathway, first, [draw(in_another_unit(one)) for one in first]


@st.composite
def in_another_unit(draw: st.DrawFn, one: Written) -> Written:
    code, value, unit, days = one
    factors = shipped().catalogue.kinds[code].units
    other = draw(st.sampled_from(sorted(factors)))
    return code, value * factors[unit] / factors[other], other, days


def verdicts(birth: date, pathway: str, values: Sequence[Written]) -> dict[str, Judgement]:
    found: dict[str, list[Result]] = {}
    for key, (code, value, unit, days) in enumerate(values, start=1):
        day = TODAY - timedelta(days=days)
        kind = shipped().catalogue.kinds[code]
        entry = Entry(value, unit, CONTEXT.get(code, {}), day=day)
        checked = entries.check(kind, entry, age=60 if birth == ADULT else 9, today=TODAY)
        at = datetime.combine(day, time(12), UTC)
        found.setdefault(code, []).append(Result(key, code, checked.canonical, day, at, key, checked.context))
    for results in found.values():
        results.sort(key=lambda result: (result.at, result.order))
    chart = Chart(
        TODAY, "female", birth, pathway, shipped().pathways[pathway].initial, found, [Span("riluzole", TODAY)]
    )
    reader = Reader(chart, shipped().catalogue, measures.TAKE_ALL)
    return {one.rule: one for one in Judge(reader, compiled(), pathway).judge_all()}


@settings(max_examples=60, deadline=None)
@given(charts())
def test_no_unit_of_entry_changes_a_verdict(drawn: tuple[date, str, list[Written], list[Written]]) -> None:
    birth, pathway, first, second = drawn
    assert verdicts(birth, pathway, first) == verdicts(birth, pathway, second)


@pytest.mark.parametrize("unit", ["kg", "g", "[lb_av]"])
def test_a_share_that_is_exact_in_one_unit_is_exact_in_all(unit: str) -> None:
    """152 of 160 pounds are 5 % less, not a trace more or less."""
    factors = shipped().catalogue.kinds["weight"].units
    usual, present = (Fraction(pounds) * factors["[lb_av]"] / factors[unit] for pounds in (160, 152))
    judged = verdicts(ADULT, "als-limb", [("usual-weight", usual, unit, 0), ("weight", present, unit, 0)])
    assert judged["NUT-5"].verdict is rules.Verdict.HIT
    lighter = [("usual-weight", usual, unit, 0), ("weight", present + Fraction(1, 10**9), unit, 0)]
    assert verdicts(ADULT, "als-limb", lighter)["NUT-5"].verdict is rules.Verdict.MISS


def test_every_kind_with_more_than_one_unit_takes_part() -> None:
    assert {kind.code for kind in convertible()} >= {"weight", "usual-weight", "height", "snip", "mip", "paco2", "fvc"}
