"""What holds for every measure: independent of entry order, of units, and complete with its evidence."""

from __future__ import annotations

import dataclasses
import random
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pathway.engine import measures, units
from pathway.engine.chart import Chart, Decision, Dose, Reader, Result, Span
from tests.engine.catalogue import CATALOGUE
from tests.engine.charts import TODAY, chart, form, on, reader, result

QUANTITIES = [
    ("weight", 30, 120),
    ("weight-z", -5, 5),
    ("fvc-pct", 10, 140),
    ("fvc", 1, 6),
    ("vc", 1, 6),
    ("snip", 0, 150),
    ("mip", 0, 150),
    ("spo2", 60, 100),
    ("cobb", 0, 120),
    ("hfmse", 0, 66),
    ("rulm", 0, 37),
    ("chop-intend", 0, 64),
    ("hine-2", 0, 26),
    ("walk-6min", 0, 900),
    ("intake", 0, 200),
    ("alt", 5, 500),
    ("ast", 5, 500),
]
CONTEXTS = {
    "fvc-pct": [{}, {"posture": "sitting"}, {"posture": "supine"}],
    "spo2": [{"activity": a, "oxygen": "room-air"} for a in ("rest", "asleep")],
    "alt": [{}, {"uln": "40"}],
    "ast": [{}, {"uln": "40"}],
    "intake": [{}, {"days": "20"}],
}
CONSTANTS = [
    result("height", 178, 500),
    result("usual-weight", 80, 500),
    result("onset-date", on(900), 500),
    result("diagnosis-date", on(700), 500),
]
FACTS: dict[str, object] = {
    "birth_date": date(1967, 3, 2),
    "spans": [Span("imt-programme", on(200)), Span("risdiplam", on(300), details={"dose_mg": "5"})],
    "doses": [Dose("onasemnogene-it", "D1", on(100))],
    "decisions": [Decision("risdiplam-dose-change", on(60))],
}


@st.composite
def quantities(draw: st.DrawFn) -> Result:
    code, low, high = draw(st.sampled_from(QUANTITIES))
    value = draw(st.decimals(min_value=low, max_value=high, places=2))
    context = draw(st.sampled_from(CONTEXTS.get(code, [{}])))
    return result(code, Fraction(value), context=context)


@st.composite
def other_results(draw: st.DrawFn) -> Result:
    answers = {f"q{n}": draw(st.sampled_from([0, 1, 2, 3, 4, None])) for n in range(1, 13) if n != 5}
    given_5 = draw(st.sampled_from([{"q5a": 3}, {"q5a": None, "q5b": 2}, {"q5a": None}]))
    symptoms = draw(st.frozensets(st.sampled_from(["fatigue", "nightmares", "orthopnoea"])))
    return draw(
        st.sampled_from(
            [
                form(**answers, **given_5),
                result("respiratory-symptoms", symptoms),
                result("respiratory-signs", frozenset()),
                result("liver-unremarkable", bool(symptoms)),
                result("overnight-oximetry", items={"minutes-le-88": 5, "significant": None}),
            ]
        )
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Result]:
    """Results of distinct times over more than a year."""
    plain = draw(st.lists(quantities() | other_results(), max_size=25))
    times = draw(st.lists(st.tuples(st.integers(0, 450), st.integers(0, 23)), min_size=25, max_size=25, unique=True))
    return [_at(one, days, hour) for one, (days, hour) in zip(plain, times, strict=False)]


def _at(one: Result, days_ago: int, hour: int) -> Result:
    day = on(days_ago)
    return dataclasses.replace(one, day=day, at=one.at.replace(year=day.year, month=day.month, day=day.day, hour=hour))


def everything(facts: Chart) -> dict[str, object]:
    """Every measure with the value and the times of its evidence."""
    taking = Reader(facts, CATALOGUE, measures.TAKE_ALL)
    taken = {code: taking.read(code) for code in measures.REGISTRY}
    return {code: (one.value, {(r.kind, r.at) for r in one.evidence}, one.missing) for code, one in taken.items()}


@settings(max_examples=60, deadline=None)
@given(histories(), st.integers(0, 2**32))
def test_no_measure_depends_on_the_order_of_entry(history: list[Result], seed: int) -> None:
    shuffled = list(history)
    random.Random(seed).shuffle(shuffled)
    assert everything(chart([*CONSTANTS, *history], **FACTS)) == everything(chart([*CONSTANTS, *shuffled], **FACTS))


@settings(max_examples=60, deadline=None)
@given(histories())
def test_a_measure_is_exact_or_unknown_and_rests_on_what_the_chart_holds(history: list[Result]) -> None:
    facts = chart([*CONSTANTS, *history], **FACTS)
    held = {r for results in facts.results.values() for r in results}
    taking = Reader(facts, CATALOGUE, measures.TAKE_ALL)
    for code, measure in measures.REGISTRY.items():
        taken = taking.read(code)
        assert not isinstance(taken.value, float | int) or isinstance(taken.value, bool), code
        assert set(taken.evidence) <= held, code
        assert measure.code == code


@settings(max_examples=60, deadline=None)
@given(histories())
def test_results_not_performable_change_no_measure(history: list[Result]) -> None:
    tried = [result(code, None, performable=False, hour=23) for code, _, _ in QUANTITIES]
    facts = [*CONSTANTS, *history]
    assert everything(chart([*facts, *tried], **FACTS)) == everything(chart(facts, **FACTS))


@given(
    st.decimals(min_value=60, max_value=300, places=1),
    st.decimals(min_value=60, max_value=300, places=1),
    st.sampled_from(["[lb_av]", "g", "kg"]),
)
def test_the_unit_of_entry_changes_no_share_of_weight(usual: object, present: object, unit: str) -> None:
    kind = CATALOGUE.kinds["weight"]
    entered_usual, entered = units.exact(usual), units.exact(present)
    taking = reader(
        [
            result("usual-weight", units.canonical(kind, entered_usual, unit)),
            result("weight", units.canonical(kind, entered, unit)),
        ]
    )
    assert taking.read("loss-pct").value == (entered_usual - entered) * 100 / entered_usual


@pytest.mark.parametrize("code", sorted(measures.REGISTRY))
def test_a_measure_of_an_empty_chart_is_unknown_or_needs_no_result(code: str) -> None:
    never_unknown = {
        "age",
        "age-today",
        "pressure-cut",
        "spo2-cut",
        "niv-extended",
        "oa-given",
        "oa-tapered",
        "any-dmt",
        "any-nusinersen",
        "loading-complete",
    }
    taken = reader().read(code)
    assert taken.is_known is (code in never_unknown)
    assert taken.evidence == ()


def test_every_measure_says_what_it_is() -> None:
    assert len(measures.REGISTRY) == 86
    for measure in measures.REGISTRY.values():
        assert measure.title and measure.formula and 0 <= measure.places <= 2


def test_the_last_known_values_serve_where_expiry_is_set_aside() -> None:
    facts = chart([result("usual-weight", 80, 900), result("weight", 76, 400), form(400, q8=1)])
    strict = Reader(facts, CATALOGUE, measures.TAKE_ALL)
    lenient = Reader(facts, CATALOGUE, measures.TAKE_ALL, last_known=True)
    for code, value in (("loss-pct", 5), ("q8", 1), ("mitos-movement", True)):
        assert strict.read(code).value is None
        assert lenient.read(code).value == value
    assert facts.today == TODAY
