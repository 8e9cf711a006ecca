"""The rule notation: what it means, what it refuses, and that no text can hurt the parser."""

from __future__ import annotations

import string
import time
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pathway.engine import checking, expressions, measures, names, tree
from pathway.engine.expressions import MAX_DEPTH, MAX_LENGTH, ExpressionError
from pathway.engine.schedule import Period
from tests.engine import rule_texts

NAMES = rule_texts.NAMES
EVERY_TEXT = [
    *(text for both in rule_texts.RULES.values() for text in both if text),
    *rule_texts.WHENS,
    *rule_texts.OFFERS,
]


def root(text: str) -> tree.Node:
    return expressions.parse(text, NAMES).root


def refusal(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        expressions.parse(text, NAMES)
    return caught.value


def shape(node: tree.Node) -> str:
    """Prefix form, to compare trees without their places."""
    match node:
        case tree.All() | tree.Any():
            word = "and" if isinstance(node, tree.All) else "or"
            return f"({word} {' '.join(shape(part) for part in node.operands)})"
        case tree.Not(of=of):
            return f"(not {shape(of)})"
        case tree.Compare():
            return f"({node.operator} {shape(node.left)} {shape(node.right)})"
        case tree.Arithmetic():
            return f"({''.join(node.operators)} {' '.join(shape(part) for part in node.operands)})"
        case tree.Number(value=value):
            return str(value)
        case tree.Newest(code=code) | tree.RuleVerdict(code=code):
            return code
        case tree.Previous(code=code):
            return f"prev:{code}"
    return type(node).__name__


# what is written and what it means


@pytest.mark.parametrize("text", EVERY_TEXT)
def test_every_text_of_the_vocabulary_is_read(text: str) -> None:
    expression = expressions.parse(text, NAMES)
    assert expression.text == text
    assert expression.root.type == "boolean"


def test_the_table_of_texts_is_complete() -> None:
    assert len(rule_texts.RULES) == 121
    assert set(rule_texts.MEASURE_UNITS) == set(measures.REGISTRY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("swallow-unsafe or feed-cough and umn-signs", "(or swallow-unsafe (and feed-cough umn-signs))"),
        ("(swallow-unsafe or feed-cough) and umn-signs", "(and (or swallow-unsafe feed-cough) umn-signs)"),
        ("not feed-cough and umn-signs", "(and (not feed-cough) umn-signs)"),
        ("not not feed-cough", "(not (not feed-cough))"),
        ("height - prev(height) > 5", "(> (- height prev:height) 5)"),
        ("3 * fs-slope + 1 >= 4", "(>= (+ (* 3 fs-slope) 1) 4)"),
        ("3 * (fs-slope + 1) >= 4", "(>= (* 3 (+ fs-slope 1)) 4)"),
        ("bmi-z < -1", "(< bmi-z -1)"),
        ("bmi-z - -1 < 0.5", "(< (- bmi-z -1) 1/2)"),
        ("VC-1.1 and RAD-GAS", "(and VC-1.1 RAD-GAS)"),
        ("stage(respiratory) >= R3", "(>= StageNumber 3)"),
    ],
)
def test_precedence_and_lexing(text: str, expected: str) -> None:
    assert shape(root(text)) == expected


def test_an_underscore_may_stand_for_a_hyphen() -> None:
    assert shape(root("fvc_pct < 50 and days_since(exercise_session) > 14")).startswith("(and (< fvc-pct 50)")


def test_a_name_is_resolved_by_its_position() -> None:
    overlapping = names.Names(
        observations={"R3": rule_texts.kinds()["fvc-pct"]}, rules={"R3", "R4"}, tracks={"respiratory": ("R3",)}
    )
    assert isinstance(expressions.parse("R3 < 5", overlapping).root.left, tree.Newest)  # type: ignore[attr-defined]
    assert isinstance(expressions.parse("R4", overlapping).root, tree.RuleVerdict)
    assert shape(expressions.parse("stage(respiratory) = R3", overlapping).root) == "(= StageNumber 3)"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("paco2 >= 45 mm[Hg]", Fraction("5.999507433675")),
        ("45 mm[Hg] <= paco2", Fraction("5.999507433675")),
        ("paco2 > 6.0 kPa", Fraction(6)),
        ("paco2 > 6.0", Fraction(6)),
        ("paco2 - prev(paco2) > 10 mm[Hg]", Fraction("1.33322387415")),
        ("height > 1.2 m", Fraction(120)),
        ("platelets < 150 10*9/L", Fraction(150)),
        ("post-exercise-soreness > 30 min", Fraction(1, 2)),
        ("days-since(exercise-session) > 2 wk", Fraction(14)),
        ("best-pressure < 40 cm[H2O]", Fraction(40)),
        ("respiratory-rate > 30 /min", Fraction(30)),
        ("eat-10 >= 3 {score}", Fraction(3)),
    ],
)
def test_a_literal_is_converted_by_the_factor_of_what_it_is_compared_with(text: str, value: Fraction) -> None:
    assert value in [node.value for node in tree.walk(root(text)) if isinstance(node, tree.Number)]


def test_count_takes_a_period_and_conditions() -> None:
    counted = root("count(post-exercise-soreness, 14 d, above=90 min) >= 2").left  # type: ignore[attr-defined]
    assert (counted.period, counted.above, counted.context) == (Period(14, "d"), Fraction(3, 2), {})
    counted = root("count(chest-infection, 12 mo, antibiotics=true) >= 2").left  # type: ignore[attr-defined]
    assert (counted.period, counted.above, counted.context) == (Period(12, "mo"), None, {"antibiotics": "true"})
    counted = root("count(hospital-admission, 1 a, cause=pneumonia) >= 2").left  # type: ignore[attr-defined]
    assert counted.context == {"cause": "pneumonia"}


def test_lists_may_be_asked_as_they_were_earlier_or_near_a_test() -> None:
    root("has(prev(respiratory-symptoms), orthopnoea)")
    root("size(near(respiratory-symptoms, fvc-pct)) >= 2")


def test_a_text_remembers_what_it_names() -> None:
    text = (
        "RAD-GAS and near(any-symptom, best-pressure) and prev(weight) > 3 and count(fall, 7 d) > 1 and active(niv)"
        " and stage(cough) >= C2 and completed(mdt-review) and not-performable(snip, mip) and size(nutrition-risk) > 1"
        " and known(usual-weight) and days-since(exercise-session) > 3"
    )
    named = expressions.parse(text, NAMES).names
    assert named.rules == {"RAD-GAS"}
    assert named.measures == {"any-symptom", "best-pressure"}
    assert named.observations == {
        *("weight", "fall", "snip", "mip", "nutrition-risk", "usual-weight", "exercise-session")
    }
    assert (named.tracks, named.interventions, named.activities) == ({"cough"}, {"niv"}, {"mdt-review"})


def test_a_stage_without_a_number_cannot_be_compared() -> None:
    assert checking.stage_number("R12") == 12
    assert checking.stage_number("late") is None
    own = names.Names(tracks={"local": ("late",)})
    with pytest.raises(ExpressionError, match="has no number"):
        expressions.parse("stage(local) = late", own)


# what is refused


@pytest.mark.parametrize(
    ("text", "column", "suggestion", "message"),
    [
        ("fvc-pc < 50", 1, "fvc-pct", "unknown name"),
        ("umn-signs and fvc-pct < 50 and kngs >= 3", 32, "kings", "unknown name"),
        ("rad-gas", 1, "RAD-GAS", "unknown name"),
        ("knwon(weight)", 1, "known", "unknown function"),
        ("sleep-study = abnorml", 15, "abnormal", "unknown value"),
        ("has(respiratory-symptoms, orthopnea)", 27, "orthopnoea", "unknown item"),
        ("stage(respiratory) >= N3", 23, None, "unknown stage"),
        ("stage(breathing) >= R3", 7, None, "unknown track"),
        ("active(nivv)", 8, "niv", "unknown intervention"),
        ("completed(mdt-reviev)", 11, "mdt-review", "unknown activity"),
        ("prev(loss-pct) > 5", 6, None, "unknown observation"),
        ("count(chest-infection, 14 d, antibiotic=true) > 1", 30, "antibiotics", "unknown condition"),
        ("count(chest-infection, 14 d, antibiotics=yes) > 1", 42, None, "unknown value"),
        ("count(chest-infection, 14 d, above=3) > 1", 30, None, "unknown condition"),
        ("count(pain, 14 d, above=3, above=4) > 1", 28, None, "given twice"),
        ("count(pain, 14 d, above=umn-signs) > 1", 25, None, "needs a number"),
        ("count(pain, 14 d, 24) > 1", 19, None, "condition such as"),
        ("count(pain, 14) > 1", 13, None, "a period"),
        ("count(pain, 14 h) > 1", 13, None, "a period"),
        ("count(pain, 0 d) > 1", 13, None, "a period"),
        ("count(pain, 9999 a) > 1", 13, None, "a period"),
        ("count(pain, weight) > 1", 13, None, "a period"),
        ("count(pain) > 1", 1, None, "needs 2 to 20"),
        ("has(weight, kg)", 5, None, "not a list"),
        ("size(weight) > 1", 6, None, "not a list"),
        ("near(loss-pct, weight) > 1", 6, None, "looks for"),
        ("near(fall, weight)", 6, None, "is an event"),
        ("near(pain, RAD-GAS) > 1", 12, None, "needs the observation"),
        ("known(RAD-GAS)", 7, None, "asks for"),
        ("known(3)", 7, None, "asks for"),
        ("paco2 > 45 mmHg", 9, "mm[Hg]", "unknown unit"),
        ("fvc-pct < 6 kPa", 11, None, "unknown unit"),
        ("stage(respiratory) >= 3", 23, None, "one name is needed"),
        ("count(pain, 14 d) > 2 d", 21, None, "has a unit"),
        ("vc - weight > 2 L", 15, None, "does not fit"),
        ("respiratory-symptoms > 1", 1, None, "is a list"),
        ("nutrition-risk", 1, None, "is a list"),
        ("weight", 1, None, "is a number"),
        ("weight > umn-signs", 10, None, "is true or false"),
        ("umn-signs = 1", 1, None, "is true or false"),
        ("fall", 1, None, "is an event"),
        ("prev(fall)", 6, None, "is an event"),
        ("onset-date > 3", 1, None, "is a date"),
        ("alsfrs-r > 3", 1, None, "is a form"),
        ("sleep-study", 1, None, "is a word"),
        ("sleep-study > normal", 12, None, "only = compares words"),
        ("weight + sleep-study > 3", 10, None, "is a word"),
        ("stage(respiratory)", 1, None, "is a stage"),
        ("weight and 3 > 2", 1, None, "is a number"),
        ("weight -5 > 2", 8, None, "minus needs a space"),
        ("weight -usual-weight > 2", 8, None, "minus needs a space"),
        ("- weight > 2", 1, None, "minus needs a space"),
        ("umn-signs AND feed-cough", 11, "and", "unexpected 'AND'"),
        ("umn-signs feed-cough", 11, None, "unexpected"),
        ("1 < weight < 3", 12, None, "unexpected"),
        ("weight != 3", 8, None, "unexpected character"),
        ("weight.__class__ = 3", 1, "weight-z-fall", "unknown name"),
        ("weight > 1e3", 10, None, "unknown unit"),
        ("(umn-signs", 11, None, "ends too early"),
        ("umn-signs)", 10, None, "unexpected"),
        ("prev() > 3", 1, None, "needs 1 in"),
        ("", 1, None, "empty"),
        (" \n ", 1, None, "empty"),
    ],
)
def test_what_is_wrong_is_pointed_at(text: str, column: int, suggestion: str | None, message: str) -> None:
    error = refusal(text)
    assert message in error.message
    assert error.column == column, str(error)
    assert error.suggestion == suggestion


def test_an_error_tells_the_line_too() -> None:
    error = refusal("umn-signs\n  and fvc-pc < 50")
    assert (error.line, error.column, error.position) == (2, 7, 16)
    assert str(error) == "line 2, character 7: unknown name fvc-pc; did you mean fvc-pct?"


# hostile texts


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * 900 + "umn-signs" + ")" * 900,
        "not " * 450 + "umn-signs",
        "not " * 100_000,
        "known(" * 200 + "weight" + ")" * 200,
        "x" * 1_000_000,
        "umn-signs" + " and umn-signs" * 1_000,
        "9" * 1_999,
        "1 " + "/" * 1_900,
        "a-" * 900,
        "\0",
        "weight < ٣",
    ],
)
def test_hostile_texts_are_refused_fast(text: str) -> None:
    started = time.perf_counter()
    refusal(text)
    assert time.perf_counter() - started < 1


def test_long_chains_that_fit_are_read() -> None:
    for text in ("umn-signs" + " and umn-signs" * 140, "weight" + " + weight" * 200 + " < 5"):
        assert len(root(text).parts()) >= 2


def test_nesting_and_length_are_bounded_exactly() -> None:
    assert root("(" * MAX_DEPTH + "umn-signs" + ")" * MAX_DEPTH).type == "boolean"
    assert "nested" in refusal("(" * (MAX_DEPTH + 1) + "umn-signs" + ")" * (MAX_DEPTH + 1)).message
    assert "nested" in refusal("not " * (MAX_DEPTH + 1) + "umn-signs").message
    assert root("umn-signs".ljust(MAX_LENGTH)).type == "boolean"
    assert "longer" in refusal("umn-signs".ljust(MAX_LENGTH + 1)).message


def read_or_refuse(text: str) -> None:
    try:
        expressions.parse(text, NAMES)
    except ExpressionError as error:
        assert 0 <= error.position <= len(text)


@settings(max_examples=150, deadline=1000)
@given(st.text(max_size=300) | st.text(string.ascii_letters + "()<>=+-*,.[]{}/% 0123456789\n", max_size=300))
@example("\ud800")
def test_any_text_is_read_or_refused(text: str) -> None:
    read_or_refuse(text)


@settings(max_examples=200, deadline=1000)
@given(st.sampled_from(EVERY_TEXT), st.data())
def test_a_damaged_rule_is_read_or_refused(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    size = data.draw(st.integers(0, 12))
    patch = data.draw(st.sampled_from(["", "(", ")", " and ", "not ", "-", " - ", "3", " kPa", "=", ",", "é"]))
    read_or_refuse(text[:cut] + patch + text[cut + size :])


_WORDS = st.sampled_from(
    "and or not ( ) , < = >= + - * 5 14 d kPa weight fvc-pct respiratory-symptoms near count known R3 RAD-GAS".split()
)


@settings(max_examples=200, deadline=1000)
@given(st.lists(_WORDS, max_size=30))
def test_words_in_any_order_are_read_or_refused(words: list[str]) -> None:
    read_or_refuse(" ".join(words))
