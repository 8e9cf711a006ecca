"""The checked tree of a rule text. Every node knows its place in the text and the type of its answer.

Types are boolean, number, word and set; date, event and panel name what can only be asked for
(`known`, `count`, `days-since`), never compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from pathway.engine.schedule import Period


@dataclass(frozen=True, slots=True)
class Node:
    """`start` and `end` count characters of the text the node was read from."""

    start: int
    end: int
    type: str

    def parts(self) -> tuple[Node, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A literal. `unit` is as written; once converted it is empty and `value` canonical."""

    value: Fraction
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Newest(Node):
    """`fvc-pct`: the newest valid value of an observation, or a measure."""

    code: str
    is_measure: bool


@dataclass(frozen=True, slots=True)
class Previous(Node):
    code: str


@dataclass(frozen=True, slots=True)
class Near(Node):
    code: str
    test: str
    is_measure: bool
    test_is_measure: bool


@dataclass(frozen=True, slots=True)
class RuleVerdict(Node):
    code: str


@dataclass(frozen=True, slots=True)
class Known(Node):
    of: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Has(Node):
    of: Node
    item: str

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Size(Node):
    of: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Count(Node):
    code: str
    period: Period
    above: Fraction | None
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DaysSince(Node):
    code: str


@dataclass(frozen=True, slots=True)
class NotPerformable(Node):
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageNumber(Node):
    track: str


@dataclass(frozen=True, slots=True)
class Active(Node):
    code: str


@dataclass(frozen=True, slots=True)
class Completed(Node):
    code: str


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """Of numbers; `operator` is one of < <= > >= =."""

    operator: str
    left: Node
    right: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Same(Node):
    """`sleep-study = abnormal`."""

    left: Node
    word: str

    def parts(self) -> tuple[Node, ...]:
        return (self.left,)


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """Operands in order; `operators[i]` (+ - *) joins the result so far with `operands[i + 1]`."""

    operators: tuple[str, ...]
    operands: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.operands


@dataclass(frozen=True, slots=True)
class All(Node):
    operands: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.operands


@dataclass(frozen=True, slots=True)
class Any(Node):
    operands: tuple[Node, ...]

    def parts(self) -> tuple[Node, ...]:
        return self.operands


@dataclass(frozen=True, slots=True)
class Not(Node):
    of: Node

    def parts(self) -> tuple[Node, ...]:
        return (self.of,)


@dataclass(frozen=True, slots=True)
class Mentions:
    """Which names of each sort a text uses, for the checks of a pathway's graph."""

    observations: frozenset[str] = frozenset()
    measures: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    tracks: frozenset[str] = frozenset()
    interventions: frozenset[str] = frozenset()
    activities: frozenset[str] = frozenset()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    yield node
    for part in node.parts():
        yield from walk(part)


def mentions(root: Node) -> Mentions:
    found: dict[str, set[str]] = {name: set() for name in Mentions.__dataclass_fields__}
    for node in walk(root):
        for sort, code in _named(node):
            found[sort].add(code)
    return Mentions(**{sort: frozenset(codes) for sort, codes in found.items()})


def _named(node: Node) -> list[tuple[str, str]]:
    match node:
        case Newest(code=code, is_measure=is_measure):
            return [("measures" if is_measure else "observations", code)]
        case Near():
            return [
                ("measures" if node.is_measure else "observations", node.code),
                ("measures" if node.test_is_measure else "observations", node.test),
            ]
        case Previous(code=code) | Count(code=code) | DaysSince(code=code):
            return [("observations", code)]
        case NotPerformable(codes=codes):
            return [("observations", code) for code in codes]
        case RuleVerdict(code=code):
            return [("rules", code)]
        case StageNumber(track=track):
            return [("tracks", track)]
        case Active(code=code):
            return [("interventions", code)]
        case Completed(code=code):
            return [("activities", code)]
    return []
