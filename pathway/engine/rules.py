"""Rules judged: a checked text and a patient's reader in, a verdict with its reasons out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any

from pathway.engine import evaluation, expressions, tree
from pathway.engine.chart import Reader, Reading, Result
from pathway.engine.definitions import Rule
from pathway.engine.evaluation import Answer, JudgeRule
from pathway.engine.expressions import Expression, ExpressionError, Names

MAX_CHAIN = 20  # rules that name one another, one after the next


class Verdict(Enum):
    HIT = "hit"
    MISS = "miss"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not-applicable"


_OF_VALUE = {True: Verdict.HIT, False: Verdict.MISS, None: Verdict.UNKNOWN}
_OUTCOMES = {Verdict.HIT: True, Verdict.MISS: False, Verdict.NOT_APPLICABLE: False, Verdict.UNKNOWN: None}


@dataclass(frozen=True, slots=True)
class Judgement:
    """A rule's verdict now. `day` is the condition day; None where no dated result was read (today counts)."""

    rule: str
    verdict: Verdict
    evidence: tuple[Result, ...] = ()
    missing: frozenset[str] = frozenset()
    day: date | None = None

    @property
    def outcome(self) -> bool | None:
        """What the rule's code means inside another text: not applicable counts as false."""
        return _OUTCOMES[self.verdict]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    code: str
    pathways: frozenset[str]
    test: Expression
    applies: Expression | None
    rule: Rule


class RuleError(ValueError):
    """A rule that is refused. `code` is the rule, `field` is test or applies, `error` says where and why."""

    def __init__(self, code: str, field: str, error: ExpressionError | str) -> None:
        self.code = code
        self.field = field
        self.error = error
        super().__init__(f"{code}, {field}: {error}")


# compiling


def compile_rule(rule: Rule, names: Names) -> CompiledRule:
    """Raises RuleError when `test` or `applies` is not in the notation, or names the rule itself."""
    test = _parsed(rule, "test", rule.test, names)
    applies = _parsed(rule, "applies", rule.applies, names) if rule.applies.strip() else None
    return CompiledRule(rule.code, frozenset(rule.pathways), test, applies, rule)


def compile_rules(rules: Iterable[Rule], names: Names) -> dict[str, CompiledRule]:
    """By code, in the given order. Raises RuleError as `compile_rule` and `check_chains` do."""
    compiled = {rule.code: compile_rule(rule, names) for rule in rules}
    check_chains(compiled)
    return compiled


def check_chains(rules: Mapping[str, CompiledRule]) -> None:
    """Raises RuleError when rules name one another in a circle, or in a chain longer than MAX_CHAIN.

    To be asked of all the rules that will be judged together, whatever sets they come from.
    """
    named = {code: _named_rules(rule) & rules.keys() for code, rule in rules.items()}
    settled: set[str] = set()
    for _ in range(MAX_CHAIN):
        settled = {code for code, others in named.items() if others <= settled}
    for code in named:
        if code not in settled:
            raise RuleError(code, "test", f"names rules in a circle, or in a chain longer than {MAX_CHAIN}")


def _parsed(rule: Rule, field: str, text: str, names: Names) -> Expression:
    try:
        expression = expressions.parse(text, names)
    except ExpressionError as error:
        raise RuleError(rule.code, field, error) from error
    if rule.code in expression.names.rules:
        raise RuleError(rule.code, field, "a rule cannot name itself")
    return expression


def _named_rules(rule: CompiledRule) -> frozenset[str]:
    return rule.test.names.rules | (rule.applies.names.rules if rule.applies else frozenset())


# judging


def evaluate(expression: Expression, reader: Reader, judge_rule: JudgeRule) -> Reading:
    """True, false or unknown (value None), with every result that was read.

    `missing` names what is wanting, and is empty when the answer is known without it.
    """
    answer = evaluation.run_at_condition_day(expression, reader, judge_rule)
    return Reading(answer.value, answer.evidence, answer.missing, answer.day)


class Judge:
    """Judges the rules of one patient in one pathway at one moment; each rule once."""

    def __init__(self, reader: Reader, rules: Mapping[str, CompiledRule], pathway: str) -> None:
        self._reader = reader
        self._rules = rules
        self._pathway = pathway
        self._judged: dict[str, Judgement] = {}

    def judge(self, code: str) -> Judgement:
        """The verdict on a rule. A rule that is not among the judge's rules is unknown, never a miss."""
        judged = self._judged.get(code)
        if judged is None:
            # Stands while the rule is being judged, so that even unchecked rules in a circle come to an end.
            self._judged[code] = Judgement(code, Verdict.UNKNOWN, missing=frozenset({code}))
            judged = self._judged[code] = self._judge(code)
        return judged

    def judge_all(self) -> list[Judgement]:
        return [self.judge(code) for code in self._rules]

    def explain(self, code: str) -> Explanation:
        """Why, or why not: the verdict, and each clause of `applies` and of the test."""
        rule, judgement = self._rules[code], self.judge(code)
        test = explain(rule.test, self._reader, self.judge)
        if rule.applies is None:
            return Explanation(judgement, (), tuple(test))
        day = evaluation.run_at_condition_day(rule.test, self._reader, self.judge).day
        return Explanation(judgement, tuple(_clauses(rule.applies, self._reader, self.judge, day)), tuple(test))

    def _judge(self, code: str) -> Judgement:
        rule = self._rules.get(code)
        if rule is None:
            return self._judged[code]
        if self._pathway not in rule.pathways:
            return Judgement(code, Verdict.NOT_APPLICABLE)
        test = evaluation.run_at_condition_day(rule.test, self._reader, self.judge)
        if rule.applies is None:
            return Judgement(code, _OF_VALUE[test.value], test.evidence, test.missing, test.day)
        # The age in `applies` is that of the condition day, which only the test knows.
        applies = evaluation.run(evaluation.program(rule.applies), self._reader, self.judge, test.day)
        return _joined(code, test, applies)


def _joined(code: str, test: Answer, applies: Answer) -> Judgement:
    evidence = tuple(dict.fromkeys((*test.evidence, *applies.evidence)))
    if applies.value is not True:
        return Judgement(code, Verdict.NOT_APPLICABLE, evidence, applies.missing, test.day)
    return Judgement(code, _OF_VALUE[test.value], evidence, test.missing, test.day)


# explaining


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that a clause read: as written, with its value (None = unknown) and the day it is from."""

    text: str
    value: Any
    day: date | None


@dataclass(frozen=True, slots=True)
class Clause:
    """One of the parts that `and` and `or` join: as written, its outcome (None = unknown) and its reasons."""

    text: str
    outcome: bool | None
    values: tuple[Shown, ...]
    day: date | None
    missing: frozenset[str]
    evidence: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    judgement: Judgement
    applies: tuple[Clause, ...]
    test: tuple[Clause, ...]


def explain(expression: Expression, reader: Reader, judge_rule: JudgeRule) -> list[Clause]:
    """The clauses in the order of the text, for "why" and "why not"."""
    day = evaluation.run_at_condition_day(expression, reader, judge_rule).day
    return _clauses(expression, reader, judge_rule, day)


def _clauses(expression: Expression, reader: Reader, judge_rule: JudgeRule, age_day: date | None) -> list[Clause]:
    return [_clause(expression, node, reader, judge_rule, age_day) for node in _joined_parts(expression.root)]


def _joined_parts(node: tree.Node) -> Iterator[tree.Node]:
    if isinstance(node, tree.All | tree.Any):
        for part in node.operands:
            yield from _joined_parts(part)
    else:
        yield node


def _clause(
    expression: Expression, node: tree.Node, reader: Reader, judge_rule: JudgeRule, age_day: date | None
) -> Clause:
    answer = evaluation.run(evaluation.compile_node(node), reader, judge_rule, age_day)
    values = []
    for part in _read_parts(node):
        read = evaluation.run(evaluation.compile_node(part), reader, judge_rule, age_day)
        values.append(Shown(expression.text[part.start : part.end], read.value, read.day))
    text = expression.text[node.start : node.end]
    return Clause(text, answer.value, tuple(values), answer.day, answer.missing, answer.evidence)


def _read_parts(node: tree.Node) -> Iterator[tree.Node]:
    """What is read as a whole: names and calls, not the comparisons and literals around them."""
    if isinstance(node, tree.Compare | tree.Same | tree.Arithmetic | tree.All | tree.Any | tree.Not):
        for part in node.parts():
            yield from _read_parts(part)
    elif not isinstance(node, tree.Number):
        yield node
