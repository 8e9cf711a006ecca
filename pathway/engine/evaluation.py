"""A checked tree compiled once to closures, and what they read from a patient.

Nothing is short-circuited: every operand is read, so that the evidence is all that the verdict
rests on (CONVENTIONS 46). None is Kleene's unknown; what is missing is remembered only as long
as it leaves an answer open.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

from pathway.engine import checking, symptoms, tree
from pathway.engine.chart import Reader, Reading, Result
from pathway.engine.expressions import Expression

AGE = "age"  # on the condition day, so it is not read like the other measures (CONVENTIONS 5)
NEAR_DAYS = 30  # vocabulary 6.1, near()
NO_STAGE = -1  # of a track that the pathway lacks

_SYMPTOMS = "respiratory-symptoms"
_SIGNS = "respiratory-signs"
_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}
_ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul}


class Judged(Protocol):
    """What a verdict tells the expression that names its rule."""

    @property
    def outcome(self) -> bool | None: ...
    @property
    def evidence(self) -> tuple[Result, ...]: ...
    @property
    def missing(self) -> frozenset[str]: ...
    @property
    def day(self) -> date | None: ...


JudgeRule = Callable[[str], Judged]


class Frame:
    """One evaluation: where answers come from, and what has been read and was wanting so far."""

    __slots__ = ("age_day", "day", "evidence", "judge_rule", "missing", "reader")

    def __init__(self, reader: Reader, judge_rule: JudgeRule, age_day: date | None) -> None:
        self.reader = reader
        self.judge_rule = judge_rule
        self.age_day = age_day
        self.evidence: list[Result] = []
        self.missing: list[str] = []
        self.day: date | None = None

    def take(self, value: Any, evidence: Iterable[Result], missing: Iterable[str], day: date | None) -> Any:
        self.evidence += evidence
        if day is not None and (self.day is None or day > self.day):
            self.day = day
        if value is None:
            self.missing += missing
        return value

    def take_reading(self, reading: Reading, code: str) -> Any:
        return self.take(reading.value, reading.evidence, reading.missing or (code,), reading.day)


# A program answers bool, a number, a word, a set, or None for unknown.
Program = Callable[[Frame], Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """The value (None = unknown), all that was read, what is wanting, and the newest day read."""

    value: Any
    evidence: tuple[Result, ...]
    missing: frozenset[str]
    day: date | None


def run(of: Program, reader: Reader, judge_rule: JudgeRule, age_day: date | None) -> Answer:
    frame = Frame(reader, judge_rule, age_day)
    value = of(frame)
    missing = frozenset(frame.missing) if value is None else frozenset[str]()
    return Answer(value, tuple(dict.fromkeys(frame.evidence)), missing, frame.day)


def run_at_condition_day(expression: Expression, reader: Reader, judge_rule: JudgeRule) -> Answer:
    """As `run`; where the text names `age`, that is the age on the day that the text itself read last."""
    answer = run(program(expression), reader, judge_rule, None)
    if AGE in expression.names.measures and answer.day is not None:
        return run(program(expression), reader, judge_rule, answer.day)
    return answer


@lru_cache(maxsize=4096)
def program(expression: Expression) -> Program:
    """The closure of a text, compiled the first time it is asked for (expressions are equal only to themselves)."""
    return compile_node(expression.root)


def compile_node(node: tree.Node) -> Program:  # noqa: C901 - one case per kind of node, side by side
    match node:
        case tree.Number(value=value):
            return lambda frame: value
        case tree.Newest(code=code, is_measure=is_measure):
            return _age if is_measure and code == AGE else _newest(code)
        case tree.Previous(code=code):
            return lambda frame: frame.take_reading(frame.reader.previous(code), code)
        case tree.Near(code=code, test=test):
            return _near(code, test)
        case tree.RuleVerdict(code=code):
            return _rule(code)
        case tree.Known(of=of):
            return _known(compile_node(of))
        case tree.Has(of=of, item=item):
            return _of_list(compile_node(of), lambda items: item in items)
        case tree.Size(of=of):
            return _of_list(compile_node(of), len)
        case tree.Count():
            return _count(node)
        case tree.DaysSince(code=code):
            return _days_since(code)
        case tree.NotPerformable(codes=codes):
            return _not_performable(codes)
        case tree.StageNumber(track=track):
            return lambda frame: _stage(frame, track)
        case tree.Active(code=code):
            return lambda frame: frame.reader.is_active(code)
        case tree.Completed(code=code):
            return lambda frame: code in frame.reader.chart.completed
        case tree.Compare(operator=sign, left=left, right=right):
            return _compare(_COMPARISONS[sign], compile_node(left), right)
        case tree.Same(left=left, word=word):
            return _same(compile_node(left), word)
        case tree.Arithmetic(operators=operators, operands=operands):
            return _arithmetic(operators, [compile_node(part) for part in operands])
        case tree.All(operands=operands):
            return _kleene([compile_node(part) for part in operands], decides=False)
        case tree.Any(operands=operands):
            return _kleene([compile_node(part) for part in operands], decides=True)
        case tree.Not(of=of):
            return _not(compile_node(of))
    raise TypeError(f"not a node of a checked tree: {node!r}")


# logic


def _kleene(parts: list[Program], *, decides: bool) -> Program:
    """`and` is decided by a false part, `or` by a true one; else an unknown part leaves it open."""

    def answer(frame: Frame) -> bool | None:
        mark = len(frame.missing)
        result: bool | None = not decides
        for part in parts:
            value = part(frame)
            if value is decides:
                result = decides
            elif value is None and result is not decides:
                result = None
        if result is not None:
            del frame.missing[mark:]
        return result

    return answer


def _not(of: Program) -> Program:
    def answer(frame: Frame) -> bool | None:
        value = of(frame)
        return None if value is None else not value

    return answer


def _known(of: Program) -> Program:
    def answer(frame: Frame) -> bool:
        mark = len(frame.missing)
        value = of(frame)
        del frame.missing[mark:]
        return value is not None

    return answer


# numbers, words, lists


def _compare(test: Callable[[Any, Any], bool], left: Program, right: tree.Node) -> Program:
    """Exact, by cross-multiplying (denominators are positive): no division and no rounding."""
    if isinstance(right, tree.Number):
        top, bottom = right.value.numerator, right.value.denominator

        def with_literal(frame: Frame) -> bool | None:
            a = left(frame)
            return None if a is None else test(a.numerator * bottom, top * a.denominator)

        return with_literal
    other = compile_node(right)

    def answer(frame: Frame) -> bool | None:
        a, b = left(frame), other(frame)
        if a is None or b is None:
            return None
        return test(a.numerator * b.denominator, b.numerator * a.denominator)

    return answer


def _arithmetic(operators: tuple[str, ...], operands: list[Program]) -> Program:
    steps = [_ARITHMETIC[sign] for sign in operators]

    def answer(frame: Frame) -> Any:
        values = [operand(frame) for operand in operands]
        if any(value is None for value in values):
            return None
        result = Fraction(values[0])
        for step, value in zip(steps, values[1:], strict=True):
            result = step(result, value)
        return result

    return answer


def _same(left: Program, word: str) -> Program:
    def answer(frame: Frame) -> bool | None:
        value = left(frame)
        return None if value is None else bool(value == word)

    return answer


def _of_list(of: Program, ask: Callable[[Any], Any]) -> Program:
    def answer(frame: Frame) -> Any:
        items = of(frame)
        return None if items is None else ask(items)

    return answer


# readings


def _newest(code: str) -> Program:
    def answer(frame: Frame) -> Any:
        reading = frame.reader.read(code)
        return frame.take(reading.value, reading.evidence, reading.missing or (code,), reading.day)

    return answer


def _age(frame: Frame) -> int | None:
    age = frame.reader.age_on(frame.age_day or frame.reader.chart.today)
    if age is None:
        frame.missing.append("birth-date")
    return age


def _rule(code: str) -> Program:
    def answer(frame: Frame) -> bool | None:
        judged = frame.judge_rule(code)
        frame.take(judged.outcome, judged.evidence, judged.missing or (code,), judged.day)
        return judged.outcome

    return answer


def _stage(frame: Frame, track: str) -> int:
    number = checking.stage_number(frame.reader.chart.stages.get(track, ""))
    return NO_STAGE if number is None else number


def _take_results(frame: Frame, value: Any, results: Iterable[Result], missing: Iterable[str] = ()) -> Any:
    reading = frame.reader.reading(None, results)
    return frame.take(value, reading.evidence, missing, reading.day)


def _count(node: tree.Count) -> Program:
    code, above, wanted = node.code, node.above, tuple(node.context.items())

    def counts(result: Result, since: date, today: date, defaults: Mapping[str, str]) -> bool:
        return (
            since < result.day <= today
            and result.performable
            and (above is None or (isinstance(result.value, Fraction) and result.value > above))
            and all(result.context.get(key, defaults.get(key)) == value for key, value in wanted)
        )

    def answer(frame: Frame) -> int:
        results = frame.reader.chart.results.get(code)
        if not results:
            return 0
        today = frame.reader.chart.today
        since = node.period.before(today)
        defaults = frame.reader.catalogue.kinds[code].default_context
        counted = [result for result in results if counts(result, since, today, defaults)]
        _take_results(frame, 0, counted)
        return len(counted)

    return answer


def _days_since(code: str) -> Program:
    def answer(frame: Frame) -> Any:
        found = frame.reader.usable(code)
        if not found:
            return frame.take(None, (), (code,), None)
        return _take_results(frame, (frame.reader.chart.today - found[-1].day).days, found[-1:])

    return answer


def _not_performable(codes: tuple[str, ...]) -> Program:
    def answer(frame: Frame) -> bool:
        chart = frame.reader.chart
        tried = [r for code in codes for r in chart.results.get(code, ()) if r.day <= chart.today]
        last_day = max((r.day for r in tried), default=None)
        of_last_day = [r for r in tried if r.day == last_day]
        is_impossible = bool(of_last_day) and not any(r.performable for r in of_last_day)
        return bool(_take_results(frame, is_impossible, of_last_day))

    return answer


# near(): around the day of the newest test, whatever the age of the record looked for


def _near(code: str, test: str) -> Program:
    def answer(frame: Frame) -> Any:
        reading = frame.reader.read(test)
        if frame.take_reading(reading, test) is None:
            return None
        if reading.day is None:  # rests on constants alone: there is no day to look around
            return frame.take(None, (), (test,), None)
        return _look_around(frame, code, reading.day)

    return answer


def _look_around(frame: Frame, code: str, day: date) -> Any:
    if code == "any-symptom":
        asked, seen = _nearest_record(frame, _SYMPTOMS, day), _nearest_record(frame, _SIGNS, day)
        present = symptoms.symptom_present(_items(asked), _items(seen))
        return _take_results(frame, present, [r for r in (asked, seen) if r], (_SYMPTOMS,))
    if code == "sleep-symptom":
        asked = _nearest_record(frame, _SYMPTOMS, day)
        present = symptoms.sleep_symptom_present(_items(asked))
        return _take_results(frame, present, [asked] if asked else [], (_SYMPTOMS,))
    found = _nearest_record(frame, code, day)
    return _take_results(frame, found.value if found else None, [found] if found else [], (code,))


def _nearest_record(frame: Frame, code: str, day: date) -> Result | None:
    """The newest usable record within the window, both ends included."""
    within = [r for r in frame.reader.usable(code) if abs((r.day - day).days) <= NEAR_DAYS]
    return within[-1] if within else None


def _items(record: Result | None) -> frozenset[str] | None:
    return record.value if record is not None and isinstance(record.value, frozenset) else None
