"""Verdicts: three-valued, with everything that was read and what is missing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathway.engine import expressions, rules
from pathway.engine.catalogue import ByAge, Catalogue, Kind
from pathway.engine.chart import Chart, Reader, Reading, Result, Span, Value
from pathway.engine.definitions import Rule
from pathway.engine.names import MeasureType, Names, measure_types
from pathway.engine.rules import Judge, Judgement, RuleError, Verdict
from tests.engine import rule_texts

TODAY = date(2025, 6, 30)
_VALID = {"respiratory-symptoms": 30, "respiratory-signs": 30, "fvc-pct": 183, "paco2": 30, "umn-signs": 400}


def _kinds() -> dict[str, Kind]:
    found = {}
    for code, kind in rule_texts.kinds().items():
        days, is_constant = _VALID.get(code), 1 if code in ("usual-weight", "onset-date") else 0
        found[code] = replace(kind, valid=ByAge(days, days), constant=ByAge(is_constant, is_constant))
    found["fvc-pct"] = replace(found["fvc-pct"], default_context={"posture": "sitting"})
    found["lung-disease"] = replace(found["lung-disease"], absent_means=False)
    return found


CATALOGUE = Catalogue(_kinds())


def _loss(reader: Reader) -> Reading:
    return reader.combine(
        lambda usual, now: (usual - now) * 100 / usual, reader.read("usual-weight"), reader.read("weight")
    )


def _any_symptom(reader: Reader) -> Reading:
    return reader.combine(lambda symptoms: bool(symptoms), reader.read("respiratory-symptoms"))


MEASURES: dict[str, Callable[[Reader], Reading]] = {"loss-pct": _loss, "any-symptom": _any_symptom}
CODES = ("A", "B", "C", "GROWN-UP", "LOOP-1", "LOOP-2", *(f"CHAIN-{n}" for n in range(30)))
NAMES = Names(
    CATALOGUE.kinds,
    measure_types(rule_texts.MEASURE_UNITS),
    {*rule_texts.RULES, *CODES},
    rule_texts.TRACKS,
    rule_texts.INTERVENTIONS,
    rule_texts.ACTIVITIES,
)


def on(days_ago: int) -> date:
    return TODAY - timedelta(days=days_ago)


def result(
    kind: str, value: Value | int | str | None, days_ago: int = 0, *, performable: bool = True, **context: str
) -> Result:
    exact = Fraction(value) if CATALOGUE.kinds[kind].type == "quantity" and isinstance(value, int | str) else value
    day = on(days_ago)
    at = datetime.combine(day, time(12), UTC)
    return Result(0, kind, exact, day, at, 0, context, performable=performable)  # type: ignore[arg-type]


def some(*items: str) -> frozenset[str]:
    return frozenset(items)


def reader(*results: Result, last_known: bool = False, **facts: object) -> Reader:
    by_kind: dict[str, list[Result]] = {}
    for key, one in enumerate(results, start=1):
        keyed = Result(key, one.kind, one.value, one.day, one.at, key, one.context, performable=one.performable)
        by_kind.setdefault(one.kind, []).append(keyed)
    for of_kind in by_kind.values():
        of_kind.sort(key=lambda r: (r.at, r.order))
    chart = Chart(**{"today": TODAY, "birth_date": date(1970, 1, 1), "results": by_kind, **facts})  # type: ignore[arg-type]
    return Reader(chart, CATALOGUE, MEASURES, last_known=last_known)


def no_rules(code: str) -> Judgement:
    raise AssertionError(f"no rule was to be asked: {code}")


def ask(text: str, *results: Result, last_known: bool = False, **facts: object) -> Reading:
    expression = expressions.parse(text, NAMES)
    return rules.evaluate(expression, reader(*results, last_known=last_known, **facts), no_rules)


def answer(text: str, *results: Result, **facts: object) -> object:
    return ask(text, *results, **facts).value


def keys(reading: Reading | Judgement | rules.Clause) -> list[int]:
    return sorted(r.key for r in reading.evidence)


def judge(*made: Rule, on_reader: Reader, pathway: str = "als-limb") -> Judge:
    return Judge(on_reader, rules.compile_rules(made, NAMES), pathway)


def rule(code: str, test: str, applies: str = "", pathways: tuple[str, ...] = ("als-limb",)) -> Rule:
    return Rule(code, test, "warning", pathways=pathways, applies=applies)


# values and comparisons


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fvc-pct < 50", False),
        ("fvc-pct <= 50", True),
        ("fvc-pct > 50", False),
        ("fvc-pct >= 50", True),
        ("fvc-pct = 50", True),
        ("50 = fvc-pct", True),
        ("fvc-pct + 1 > 50", True),
        ("2 * fvc-pct - 60 = 40", True),
        ("fvc-pct < vc", False),
    ],
)
def test_comparisons_are_strict_as_written(text: str, expected: bool) -> None:
    assert answer(text, result("fvc-pct", 50), result("vc", 3)) is expected


def test_five_percent_is_exact() -> None:
    usual, now = result("usual-weight", "72.0", 400), result("weight", "68.4")
    assert answer("loss-pct >= 5", usual, now) is True
    assert answer("loss-pct > 5", usual, now) is False


def test_45_mmhg_is_less_than_6_kpa() -> None:
    measured = result("paco2", Fraction(45) * CATALOGUE.kinds["paco2"].units["mm[Hg]"])
    assert answer("paco2 >= 45 mm[Hg]", measured) is True
    assert answer("paco2 > 6.0 kPa", measured) is False


def test_an_unknown_value_leaves_a_comparison_unknown_and_is_named() -> None:
    reading = ask("fvc-pct < 50")
    assert (reading.value, reading.missing, reading.evidence) == (None, {"fvc-pct"}, ())
    assert ask("fvc-pct < weight", result("weight", 60)).missing == {"fvc-pct"}


def test_the_last_day_of_validity_counts_and_the_next_does_not() -> None:
    assert answer("paco2 > 6", result("paco2", 7, 30)) is True
    assert answer("paco2 > 6", result("paco2", 7, 31)) is None
    assert answer("paco2 > 6", result("paco2", 7, 31), last_known=True) is True


def test_words_and_lists() -> None:
    assert answer("sleep-study = abnormal", result("sleep-study", "abnormal")) is True
    assert answer("sleep-study = normal", result("sleep-study", "abnormal")) is False
    assert answer("sleep-study = normal") is None
    symptoms = result("respiratory-symptoms", some("orthopnoea"))
    assert answer("has(respiratory-symptoms, orthopnoea)", symptoms) is True
    assert answer("has(respiratory-symptoms, fatigue)", symptoms) is False
    assert answer("has(respiratory-symptoms, fatigue)", result("respiratory-symptoms", some())) is False
    assert answer("has(respiratory-symptoms, fatigue)") is None
    assert answer("size(nutrition-risk) >= 2", result("nutrition-risk", some("low-mood", "medicines"))) is True
    assert answer("size(nutrition-risk) = 0", result("nutrition-risk", some())) is True
    assert answer("size(nutrition-risk) >= 0") is None


def test_prev_is_of_an_earlier_day_and_knows_no_expiry() -> None:
    series = result("hfmse", 50, 900), result("hfmse", 48, 0), result("hfmse", 47, 0)
    reading = ask("prev(hfmse) - hfmse >= 3", *series)
    assert (reading.value, keys(reading)) == (True, [1, 3])
    assert ask("prev(hfmse) > 1", *series[1:]).missing == {"hfmse"}


def test_known_is_never_unknown() -> None:
    assert answer("known(fvc-pct)") is False
    assert answer("known(fvc-pct)", result("fvc-pct", 50, 184)) is False
    assert answer("known(fvc-pct)", result("fvc-pct", 50, 183)) is True
    assert answer("known(loss-pct) or known(prev(weight))", result("weight", 50)) is False
    reading = ask("known(fvc-pct) and weight < 50")
    assert (reading.value, reading.missing) == (False, frozenset())


def test_a_value_that_counts_until_recorded_is_known() -> None:
    assert answer("not lung-disease") is True
    assert answer("not lung-disease", result("lung-disease", True)) is False


# Kleene


_TRUTH = {True: "umn-signs", False: "feed-cough", None: "mood-screen"}
_FACTS = (result("umn-signs", True), result("feed-cough", False))


@pytest.mark.parametrize("values", list(itertools.product(_TRUTH, repeat=2)))
def test_and_or_not_are_kleenes(values: tuple[bool | None, bool | None]) -> None:
    order = {False: 0, None: 1, True: 2}
    low, high = min(values, key=order.__getitem__), max(values, key=order.__getitem__)
    a, b = (_TRUTH[value] for value in values)
    assert answer(f"{a} and {b}", *_FACTS) is low
    assert answer(f"{a} or {b}", *_FACTS) is high
    assert answer(f"not {a}", *_FACTS) is (None if values[0] is None else not values[0])


def kleene(tree: object) -> tuple[str, bool | None]:
    """The text of a drawn tree and the value it has by the truth tables."""
    if not isinstance(tree, tuple):
        return _TRUTH[tree], tree  # type: ignore[index,return-value]
    if tree[0] == "not":
        text, value = kleene(tree[1])
        return f"not ({text})", None if value is None else not value
    parts = [kleene(part) for part in tree[1]]
    values = [value for _, value in parts]
    decides = tree[0] == "or"
    joined = f" {tree[0]} ".join(f"({text})" for text, _ in parts)
    return joined, decides if decides in values else None if None in values else not decides


_LOGIC = st.recursive(
    st.sampled_from([True, False, None]),
    lambda inner: (
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=4))
        | st.tuples(st.just("not"), inner)
    ),
    max_leaves=12,
)


@given(_LOGIC)
def test_any_nesting_follows_the_truth_tables(tree: object) -> None:
    text, expected = kleene(tree)
    if len(text) <= expressions.MAX_LENGTH and text.count("(") <= expressions.MAX_DEPTH:
        reading = ask(text, *_FACTS)
        assert reading.value is expected
        assert bool(reading.missing) is (expected is None)


def test_nothing_is_short_circuited_and_a_known_answer_misses_nothing() -> None:
    reading = ask("umn-signs or paco2 > 6 or weight > 3", *_FACTS, result("paco2", 5))
    assert (reading.value, keys(reading), reading.missing) == (True, [1, 3], frozenset())


def test_only_what_leaves_the_answer_open_is_missing() -> None:
    reading = ask("(feed-cough and weight > 3) or paco2 > 6", *_FACTS)
    assert (reading.value, reading.missing) == (None, {"paco2"})


# counting


def test_a_count_begins_after_the_day_a_period_ago_and_ends_today() -> None:
    falls = [result("fall", True, days) for days in (14, 13, 0)]
    reading = ask("count(fall, 14 d) = 2", *falls)
    assert (reading.value, keys(reading), reading.day) == (True, [2, 3], TODAY)
    assert answer("count(fall, 14 d) = 0") is True
    assert answer("count(fall, 14 d) = 0", result("fall", True, -1)) is True
    assert answer("count(fall, 14 d) = 0", result("fall", True, 1, performable=False)) is True


def test_a_count_in_months_clamps_to_the_end_of_the_month() -> None:
    at_start, after = result("fall", True, 122), result("fall", True, 121)
    assert at_start.day == date(2025, 2, 28)
    assert answer("count(fall, 4 mo) = 1", at_start, after) is True


def test_a_count_may_ask_for_more_than_a_value_and_for_a_context() -> None:
    sore = [result("post-exercise-soreness", hours, 1) for hours in ("24", "24.1", "30")]
    assert answer("count(post-exercise-soreness, 14 d, above=24) = 2", *sore) is True
    assert answer("count(post-exercise-soreness, 14 d, above=1446 min) = 1", *sore) is True
    treated = [result("chest-infection", True, 9, antibiotics=given) for given in ("true", "false", "true")]
    assert answer("count(chest-infection, 12 mo, antibiotics=true) = 2", *treated) is True
    assert answer("count(chest-infection, 12 mo) = 3", *treated) is True
    assert answer("count(fvc-pct, 14 d, posture=sitting) = 1", result("fvc-pct", 50, 2)) is True
    assert answer("count(fvc-pct, 14 d) = 1", result("fvc-pct", 50, 2, posture="supine")) is True


def test_days_since_needs_one_result_and_no_validity() -> None:
    assert answer("days-since(paco2) = 500", result("paco2", 5, 900), result("paco2", 5, 500)) is True
    assert ask("days-since(exercise-session) > 14").missing == {"exercise-session"}
    assert answer("days-since(exercise-session) > 14", result("exercise-session", 30, 14)) is False
    assert answer("days-since(exercise-session) > 2 wk", result("exercise-session", 30, 15)) is True


def test_not_performable_means_that_all_of_the_newest_day_failed() -> None:
    text = "not-performable(fvc-pct, snip)"
    failed, done = result("snip", None, 3, performable=False), result("fvc-pct", 50, 3)
    assert answer(text) is False
    assert answer(text, failed) is True
    assert answer(text, failed, done) is False
    assert answer(text, failed, result("fvc-pct", 50, 4)) is True
    assert answer(text, failed, result("fvc-pct", 50, 2)) is False
    assert ask(text, failed, result("fvc-pct", 50, 4)).day == on(3)


# the patient's course


def test_stages_are_compared_by_number_and_a_missing_track_comes_first() -> None:
    stages = {"respiratory": "R3"}
    assert answer("stage(respiratory) >= R3", stages=stages) is True
    assert answer("stage(respiratory) > R3", stages=stages) is False
    assert answer("stage(respiratory) = R3", stages=stages) is True
    assert answer("stage(cough) >= C0", stages=stages) is False
    assert answer("stage(cough) <= C0", stages=stages) is True


def test_interventions_and_activities() -> None:
    spans = [Span("niv", on(5)), Span("riluzole", on(50), on(0)), Span("mi-e", on(-1))]
    assert answer("active(niv)", spans=spans) is True
    assert answer("active(riluzole) or active(mi-e) or active(hoist)", spans=spans) is False
    assert answer("completed(mdt-review)", completed=frozenset({"mdt-review"})) is True
    assert answer("completed(mdt-review)") is False


# near()


NEAR = "near(any-symptom, fvc-pct)"


@pytest.mark.parametrize(("days", "expected"), [(70, True), (69, True), (71, None), (10, True), (9, None)])
def test_the_window_is_thirty_days_either_way_whatever_the_age_of_the_list(days: int, expected: bool | None) -> None:
    assert answer(NEAR, result("fvc-pct", 70, 40), result("respiratory-symptoms", some("fatigue"), days)) is expected


def test_the_newest_list_within_the_window_counts() -> None:
    lists = result("respiratory-symptoms", some("fatigue"), 50), result("respiratory-symptoms", some(), 20)
    reading = ask(NEAR, result("fvc-pct", 70, 40), *lists)
    assert (reading.value, keys(reading)) == (False, [1, 3])
    assert answer(NEAR, result("fvc-pct", 70, 60), *lists, result("respiratory-symptoms", some(), 29)) is True


def test_symptoms_and_signs_of_different_days_count_together() -> None:
    test, asked = result("fvc-pct", 70), result("respiratory-symptoms", some(), 20)
    seen, none_seen = result("respiratory-signs", some("weak-cough"), 9), result("respiratory-signs", some(), 9)
    assert keys(ask(NEAR, test, asked, seen)) == [1, 2, 3]
    assert answer(NEAR, test, asked, seen) is True
    assert answer(NEAR, test, seen) is True
    assert answer(NEAR, test, asked, none_seen) is False
    assert answer(NEAR, test, asked) is False
    assert ask(NEAR, test, none_seen).missing == {"respiratory-symptoms"}
    assert answer(NEAR, test, none_seen) is None


def test_near_an_unknown_or_expired_test_is_unknown() -> None:
    symptoms = result("respiratory-symptoms", some("fatigue"), 190)
    assert ask(NEAR, symptoms).missing == {"fvc-pct"}
    assert answer(NEAR, result("fvc-pct", 70, 184), symptoms) is None
    assert answer(NEAR, result("fvc-pct", 70, 183), symptoms) is True


def test_near_may_ask_for_sleep_symptoms_or_any_observation() -> None:
    test = result("fvc-pct", 70, 40)
    text = "near(sleep-symptom, fvc-pct)"
    assert answer(text, test, result("respiratory-symptoms", some("nightmares"), 40)) is True
    assert answer(text, test, result("respiratory-symptoms", some("fatigue"), 40)) is False
    assert ask(text, test).missing == {"respiratory-symptoms"}
    assert answer("near(paco2, fvc-pct) > 6", test, result("paco2", 7, 60)) is True
    assert ask("near(paco2, fvc-pct) > 6", test, result("paco2", 7, 71)).missing == {"paco2"}


def test_near_may_be_near_a_measure_but_not_near_constants_alone() -> None:
    usual, weight = result("usual-weight", 80, 400), result("weight", 70, 40)
    symptoms = result("respiratory-symptoms", some("fatigue"), 60)
    assert answer("near(any-symptom, loss-pct)", usual, weight, symptoms) is True
    assert ask("near(any-symptom, usual-weight)", usual, symptoms).missing == {"usual-weight"}


# rules


def verdict(made: Rule, *results: Result, pathway: str = "als-limb", **facts: object) -> Verdict:
    return judge(made, on_reader=reader(*results, **facts), pathway=pathway).judge(made.code).verdict


def test_a_rule_hits_misses_or_is_unknown() -> None:
    made = rule("A", "fvc-pct < 50")
    assert verdict(made, result("fvc-pct", 49)) is Verdict.HIT
    assert verdict(made, result("fvc-pct", 50)) is Verdict.MISS
    assert verdict(made) is Verdict.UNKNOWN
    assert Verdict.NOT_APPLICABLE.value == "not-applicable"


def test_a_rule_does_not_apply_elsewhere_or_where_applies_is_false_or_unknown() -> None:
    low = result("fvc-pct", 49)
    assert verdict(rule("A", "fvc-pct < 50"), low, pathway="pma") is Verdict.NOT_APPLICABLE
    assert verdict(rule("A", "fvc-pct < 50", "active(niv)"), low) is Verdict.NOT_APPLICABLE
    assert verdict(rule("A", "fvc-pct < 50", "umn-signs"), low) is Verdict.NOT_APPLICABLE
    assert verdict(rule("A", "fvc-pct < 50", "umn-signs"), low, result("umn-signs", True)) is Verdict.HIT


def test_a_judgement_has_all_that_was_read_and_the_day_of_its_test() -> None:
    made = rule("A", "loss-pct >= 5", "umn-signs")
    facts = result("usual-weight", 80, 1), result("weight", 70, 40), result("umn-signs", True, 2)
    judgement = judge(made, on_reader=reader(*facts)).judge("A")
    assert (judgement.verdict, keys(judgement), judgement.day) == (Verdict.HIT, [1, 2, 3], on(40))
    assert judgement.missing == frozenset()


def test_an_unknown_judgement_names_what_is_missing() -> None:
    judgement = judge(rule("A", "loss-pct >= 5"), on_reader=reader(result("weight", 70))).judge("A")
    assert (judgement.verdict, judgement.missing, keys(judgement)) == (Verdict.UNKNOWN, {"usual-weight"}, [1])


@pytest.mark.parametrize(("birthday", "expected"), [(on(0), Verdict.NOT_APPLICABLE), (on(40), Verdict.HIT)])
def test_the_age_is_that_of_the_condition_day(birthday: date, expected: Verdict) -> None:
    born = birthday.replace(year=birthday.year - 18)
    for made in (rule("A", "fvc-pct < 50", "age >= 18"), rule("A", "fvc-pct < 50 and age < 19", "age >= 18")):
        assert verdict(made, result("fvc-pct", 49, 40), birth_date=born) is expected
    assert verdict(rule("A", "fvc-pct < 50 or age >= 18"), result("fvc-pct", 60, 40), birth_date=born) is (
        Verdict.HIT if expected is Verdict.HIT else Verdict.MISS
    )


def test_without_dated_results_the_age_is_that_of_today() -> None:
    born = date(TODAY.year - 18, TODAY.month, TODAY.day)
    assert answer("age >= 18", birth_date=born) is True
    assert answer("age >= 18", birth_date=born + timedelta(days=1)) is False
    made = rule("A", "known(usual-weight) and not known(weight)", "age >= 18")
    assert verdict(made, result("usual-weight", 80, 400), birth_date=born) is Verdict.HIT


def test_an_unknown_birth_date_leaves_age_rules_not_applicable_and_says_so() -> None:
    made = rule("A", "fvc-pct < 50", "age >= 18")
    judgement = judge(made, on_reader=reader(result("fvc-pct", 49), birth_date=None)).judge("A")
    assert (judgement.verdict, judgement.missing) == (Verdict.NOT_APPLICABLE, {"birth-date"})


def test_a_rule_inside_a_rule_brings_its_verdict_and_its_evidence() -> None:
    made = (rule("A", "(B or C) and umn-signs"), rule("B", "fvc-pct < 50"), rule("C", "paco2 > 6", pathways=("pma",)))
    facts = result("fvc-pct", 49, 3), result("umn-signs", True, 9), result("paco2", 7, 1)
    one = judge(*made, on_reader=reader(*facts))
    assert (one.judge("A").verdict, keys(one.judge("A")), one.judge("A").day) == (Verdict.HIT, [1, 2], on(3))
    assert one.judge("C").verdict is Verdict.NOT_APPLICABLE
    unknown = judge(*made, on_reader=reader(*facts[1:])).judge("A")
    assert (unknown.verdict, unknown.missing) == (Verdict.UNKNOWN, {"fvc-pct"})
    missed = judge(*made, on_reader=reader(result("fvc-pct", 60), facts[1])).judge("A")
    assert missed.verdict is Verdict.MISS


def test_each_rule_is_judged_once() -> None:
    one = judge(rule("A", "B or umn-signs"), rule("B", "fvc-pct < 50"), on_reader=reader(result("fvc-pct", 49)))
    assert one.judge("A") is one.judge("A")
    assert [judgement.rule for judgement in one.judge_all()] == ["A", "B"]


def test_a_rule_that_is_not_judged_here_is_unknown() -> None:
    judgement = judge(rule("A", "RAD-GAS"), on_reader=reader()).judge("A")
    assert (judgement.verdict, judgement.missing) == (Verdict.UNKNOWN, {"RAD-GAS"})


# compiling


def test_a_rule_that_is_refused_names_rule_and_field() -> None:
    with pytest.raises(RuleError, match=r"^A, test: line 1, character 1: unknown name fvc-pc; did you mean fvc-pct\?"):
        rules.compile_rule(rule("A", "fvc-pc < 50"), NAMES)
    with pytest.raises(RuleError) as caught:
        rules.compile_rule(rule("A", "fvc-pct < 50", "active(nivv)"), NAMES)
    assert (caught.value.code, caught.value.field) == ("A", "applies")


def test_rules_in_a_circle_are_refused() -> None:
    for made in (rule("A", "A or umn-signs"), rule("A", "umn-signs", "not A")):
        with pytest.raises(RuleError, match="cannot name itself"):
            rules.compile_rule(made, NAMES)
    with pytest.raises(RuleError, match="circle"):
        rules.compile_rules([rule("LOOP-1", "LOOP-2"), rule("LOOP-2", "umn-signs", "LOOP-1")], NAMES)


def test_long_chains_of_rules_are_refused() -> None:
    chain = [rule("CHAIN-0", "umn-signs"), *(rule(f"CHAIN-{n}", f"CHAIN-{n - 1}") for n in range(1, 30))]
    one = judge(*chain[: rules.MAX_CHAIN], on_reader=reader(result("umn-signs", True)))
    assert one.judge(f"CHAIN-{rules.MAX_CHAIN - 1}").verdict is Verdict.HIT
    with pytest.raises(RuleError, match="chain"):
        rules.compile_rules(chain[: rules.MAX_CHAIN + 1], NAMES)


def test_an_unchecked_circle_comes_to_an_end_as_unknown() -> None:
    loop = {
        code: rules.compile_rule(rule(code, other), NAMES)
        for code, other in (("LOOP-1", "LOOP-2"), ("LOOP-2", "LOOP-1"))
    }
    assert Judge(reader(), loop, "als-limb").judge("LOOP-1").verdict is Verdict.UNKNOWN


def test_every_rule_of_the_vocabulary_compiles_and_none_names_another_in_a_circle() -> None:
    shipped = [rule(code, test, applies) for code, (applies, test) in rule_texts.RULES.items()]
    assert len(rules.compile_rules(shipped, NAMES)) == len(shipped)


# why, and why not


def test_every_clause_is_explained() -> None:
    text = "(fvc-pct < 50 or (fvc-pct < 80 and near(any-symptom, fvc-pct))) and not lung-disease"
    clauses = rules.explain(expressions.parse(text, NAMES), reader(result("fvc-pct", 70, 3)), no_rules)
    assert [(clause.text, clause.outcome) for clause in clauses] == [
        ("fvc-pct < 50", False),
        ("fvc-pct < 80", True),
        ("near(any-symptom, fvc-pct)", None),
        ("not lung-disease", True),
    ]
    assert [(shown.text, shown.value, shown.day) for shown in clauses[0].values] == [("fvc-pct", 70, on(3))]
    assert (clauses[2].missing, clauses[2].day, keys(clauses[2])) == ({"respiratory-symptoms"}, on(3), [1])


def test_an_explanation_shows_the_age_of_the_condition_day() -> None:
    made = rule("A", "fvc-pct < 50", "age >= 18 and not active(niv)")
    born = TODAY.replace(year=TODAY.year - 18)
    explained = judge(made, on_reader=reader(result("fvc-pct", 49, 40), birth_date=born)).explain("A")
    assert explained.judgement.verdict is Verdict.NOT_APPLICABLE
    assert [(c.text, c.outcome) for c in explained.applies] == [("age >= 18", False), ("not active(niv)", True)]
    assert [shown.value for shown in explained.applies[0].values] == [17]
    assert [c.outcome for c in explained.test] == [True]


# units


_PAIRS = [
    (code, unit, other)
    for code, kind in sorted(CATALOGUE.kinds.items())
    for unit, other in itertools.permutations(kind.units, 2)
]


@given(st.sampled_from(_PAIRS), st.integers(0, 10**6), st.integers(-1, 1), st.sampled_from(["<", "<=", ">", ">=", "="]))
def test_a_threshold_means_the_same_in_every_unit(
    pair: tuple[str, str, str], threshold: int, step: int, sign: str
) -> None:
    """The other unit is only asked about where the threshold has finitely many decimals in it."""
    code, unit, other = pair
    units: Mapping[str, Fraction] = CATALOGUE.kinds[code].units
    measured = result(code, (threshold + Fraction(step, 10**9)) * units[unit])
    compared = {"<": step < 0, "<=": step <= 0, ">": step > 0, ">=": step >= 0, "=": step == 0}[sign]
    assert answer(f"{code} {sign} {threshold} {unit}", measured) is compared
    written = _decimal(threshold * units[unit] / units[other])
    if written is not None:
        assert answer(f"{code} {sign} {written} {other}", measured) is compared


def _decimal(value: Fraction) -> str | None:
    """The exact decimal, if there is one of at most 30 places."""
    scaled = value * 10**30
    return f"{scaled.numerator // 10**30}.{scaled.numerator % 10**30:030d}" if scaled.denominator == 1 else None


def test_measure_types_cover_what_is_not_a_number() -> None:
    assert NAMES.measures["any-symptom"] == MeasureType("boolean")
    assert NAMES.measures["dfs"] == MeasureType("number", "/mo")
