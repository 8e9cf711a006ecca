"""From the parsed text to the checked tree: names resolved by their position, types and units checked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import NoReturn

from lark import Token, Tree

from pathway.engine import tree
from pathway.engine.catalogue import Kind
from pathway.engine.names import ExpressionError, Names, nearest, resolve
from pathway.engine.schedule import Period

# What a kind of observation answers in a rule; event, date and panel have no value to compare.
_TYPES = {"quantity": "number", "coded": "word"}
_LONGEST = {"d": 36_525, "wk": 5_218, "mo": 1_200, "a": 100}  # a century; keeps date arithmetic in range
_NEAR_MEASURES = ("any-symptom", "sleep-symptom")
_USES = {
    "number": "is a number: compare it with another, as in x < 50",
    "word": "is a word: compare it with one of its values, as in x = normal",
    "set": "is a list: ask has(list, item) or size(list)",
    "stage": "is a stage: compare it with a stage of its track, as in stage(respiratory) >= R3",
    "event": "is an event: ask count(event, period), days-since(event) or known(event)",
    "date": "is a date: ask known(date) or days-since(date)",
    "panel": "is a form or panel: use its measures, or ask known() or days-since()",
    "boolean": "is true or false: write it alone, or after not",
}

_Tree = Tree[Token]


def type_of(kind: Kind) -> str:
    return _TYPES.get(kind.type, kind.type)


class Checker:
    """Checks one parsed text against the names it may use. Every method raises ExpressionError."""

    def __init__(self, text: str, names: Names) -> None:
        self._text = text
        self._names = names

    def truth(self, parsed: _Tree) -> tree.Node:
        """A node that answers true, false or unknown."""
        return self._typed(parsed, "boolean")

    def _typed(self, parsed: _Tree, wanted: str) -> tree.Node:
        node = self._answer(parsed)
        if node.type != wanted:
            self._fail(f"{self._written(node)} {_USES[node.type]}", node.start)
        return node

    def _answer(self, parsed: _Tree) -> tree.Node:
        """A node of any type. Recursion is bounded: the nesting of the text was checked before."""
        children = parsed.children
        start, end = _place(parsed)
        match str(parsed.data):
            case "group":
                return self._answer(_subtree(children[0]))
            case "any":
                return tree.Any(start, end, "boolean", tuple(self.truth(_subtree(child)) for child in children))
            case "all":
                return tree.All(start, end, "boolean", tuple(self.truth(_subtree(child)) for child in children))
            case "negated":
                return tree.Not(start, end, "boolean", self.truth(_subtree(children[0])))
            case "compare":
                return self._compare(parsed)
            case "sum" | "product":
                return self._arithmetic(parsed)
            case "number":
                unit = str(children[1]) if len(children) > 1 else ""
                return tree.Number(start, end, "number", Fraction(str(children[0])), unit)
            case "call":
                return self._call(parsed)
            case _:
                return self._name(parsed)

    # names

    def _name(self, parsed: _Tree) -> tree.Node:
        """An observation, else a measure, else a rule (CONVENTIONS 48)."""
        names = self._names
        word, place = str(parsed.children[0]), _place(parsed)
        if code := resolve(word, names.observations):
            return tree.Newest(*place, type_of(names.observations[code]), code, False)
        if code := resolve(word, names.measures):
            return tree.Newest(*place, names.measures[code].type, code, True)
        if code := resolve(word, names.rules):
            return tree.RuleVerdict(*place, "boolean", code)
        known = {*names.observations, *names.measures, *names.rules}
        self._fail(f"unknown name {word[:80]}", place[0], nearest(word, known))

    def _code(self, parsed: _Tree, known: Collection[str], what: str) -> str:
        """The known code that is written here as a plain word."""
        start = _place(parsed)[0]
        if parsed.data != "name":
            self._fail(f"one name is needed here: {what}", start)
        word = str(parsed.children[0])
        code = resolve(word, known)
        if code is None:
            self._fail(f"unknown {what} {word[:80]}", start, nearest(word, known))
        return code

    def _observation(self, parsed: _Tree) -> str:
        return self._code(parsed, self._names.observations, "observation")

    # comparisons and arithmetic

    def _compare(self, parsed: _Tree) -> tree.Node:
        left_tree, operator, right_tree = parsed.children
        left, right_side, place = self._answer(_subtree(left_tree)), _subtree(right_tree), _place(parsed)
        if isinstance(left, tree.StageNumber):
            return tree.Compare(*place, "boolean", str(operator), left, self._stage_code(left.track, right_side))
        if left.type == "word":
            return self._same(place, left, str(operator), right_side)
        if left.type != "number":
            self._fail(f"{self._written(left)} {_USES[left.type]}", left.start)
        right = self._typed(right_side, "number")
        units = [*self._units(left), *self._units(right)]
        return tree.Compare(
            *place, "boolean", str(operator), self._converted(left, units), self._converted(right, units)
        )

    def _same(self, place: tuple[int, int], left: tree.Node, operator: str, right: _Tree) -> tree.Node:
        values = self._values(left)
        if operator != "=":
            self._fail(f"{self._written(left)} is a word: only = compares words", left.end)
        if values:
            return tree.Same(*place, "boolean", left, self._code(right, values, "value"))
        if right.data != "name":
            self._fail("a word is needed here", _place(right)[0])
        return tree.Same(*place, "boolean", left, str(right.children[0]))

    def _values(self, node: tree.Node) -> tuple[str, ...]:
        if isinstance(node, tree.Newest) and node.is_measure:
            return self._names.measures[node.code].values
        kind = self._kind(node)
        return kind.values if kind else ()

    def _stage_code(self, track: str, parsed: _Tree) -> tree.Node:
        code = self._code(parsed, self._names.tracks[track], "stage")
        number = stage_number(code)
        if number is None:
            self._fail(f"the stage {code} has no number to compare", _place(parsed)[0])
        return tree.Number(*_place(parsed), "number", Fraction(number))

    def _arithmetic(self, parsed: _Tree) -> tree.Node:
        operands = tuple(self._typed(_subtree(child), "number") for child in parsed.children[::2])
        operators = tuple(str(operator) for operator in parsed.children[1::2])
        return tree.Arithmetic(*_place(parsed), "number", operators, operands)

    def _kind(self, node: tree.Node) -> Kind | None:
        """The kind whose value the node answers, if it is one of an observation."""
        match node:
            case tree.Newest(code=code, is_measure=False) | tree.Previous(code=code) | tree.Near(code=code):
                return self._names.observations.get(code)
        return None

    def _units(self, node: tree.Node) -> Iterator[Mapping[str, Fraction]]:
        """The accepted units of everything compared here that has one."""
        kind = self._kind(node)
        if isinstance(node, tree.Arithmetic):
            for operand in node.operands:
                yield from self._units(operand)
        elif isinstance(node, tree.DaysSince):
            yield {"d": Fraction(1), "wk": Fraction(7)}
        elif isinstance(node, tree.Newest) and node.is_measure:
            yield {self._names.measures[node.code].unit: Fraction(1)}
        elif kind is not None:
            yield kind.units

    def _converted(self, node: tree.Node, units: list[Mapping[str, Fraction]]) -> tree.Node:
        """The node with every literal in the canonical unit of what it is compared with."""
        if isinstance(node, tree.Arithmetic):
            return replace(node, operands=tuple(self._converted(part, units) for part in node.operands))
        if isinstance(node, tree.Number) and node.unit:
            return replace(node, value=node.value * self._factor(node, units), unit="")
        return node

    def _factor(self, number: tree.Number, units: list[Mapping[str, Fraction]]) -> Fraction:
        if not units:
            self._fail(f"nothing compared here has a unit: {number.unit}", number.start)
        factors = {accepted.get(number.unit) for accepted in units}
        factor = factors.pop()
        if factors:
            self._fail(f"the unit {number.unit} does not fit everything that is compared here", number.start)
        if factor is None:
            known = sorted({unit for accepted in units for unit in accepted if unit})
            listed = f" (known: {', '.join(known)})" if known else ""
            self._fail(f"unknown unit {number.unit} here{listed}", number.start, nearest(number.unit, known))
        return factor

    # calls

    def _call(self, parsed: _Tree) -> tree.Node:
        functions: dict[str, tuple[int, int, Callable[[tuple[int, int], list[_Tree]], tree.Node]]] = {
            "prev": (1, 1, self._prev),
            "known": (1, 1, self._known),
            "near": (2, 2, self._near),
            "has": (2, 2, self._has),
            "size": (1, 1, self._size),
            "count": (2, 20, self._count),
            "days-since": (1, 1, self._days_since),
            "not-performable": (1, 20, self._not_performable),
            "stage": (1, 1, self._stage),
            "active": (1, 1, self._active),
            "completed": (1, 1, self._completed),
        }
        word, place = str(parsed.children[0]), _place(parsed)
        function = resolve(word, functions)
        if function is None:
            self._fail(f"unknown function {word[:80]}()", place[0], nearest(word, functions))
        fewest, most, check = functions[function]
        arguments = [_subtree(child) for child in parsed.children[1:]]
        if not fewest <= len(arguments) <= most:
            wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
            self._fail(f"{function}() needs {wanted} in its parentheses, not {len(arguments)}", place[0])
        return check(place, arguments)

    def _prev(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        code = self._observation(arguments[0])
        kind_type = type_of(self._names.observations[code])
        if kind_type in ("event", "date", "panel"):
            self._fail(f"{code} {_USES[kind_type]}", _place(arguments[0])[0])
        return tree.Previous(*place, kind_type, code)

    def _known(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        node = self._answer(arguments[0])
        if not isinstance(node, tree.Newest | tree.Previous | tree.Near):
            self._fail("known() asks for an observation or a measure", node.start)
        return tree.Known(*place, "boolean", node)

    def _near(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        of, test = (self._answer(argument) for argument in arguments)
        if not isinstance(of, tree.Newest) or (of.is_measure and of.code not in _NEAR_MEASURES):
            allowed = " or ".join(_NEAR_MEASURES)
            self._fail(f"near() looks for an observation, {allowed}", of.start)
        if of.type in ("event", "date", "panel"):
            self._fail(f"{of.code} {_USES[of.type]}", of.start)
        if not isinstance(test, tree.Newest):
            self._fail("near() needs the observation or measure of a test", test.start)
        return tree.Near(*place, of.type, of.code, test.code, of.is_measure, test.is_measure)

    def _has(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        of = self._list(arguments[0])
        kind = self._kind(of)
        return tree.Has(*place, "boolean", of, self._code(arguments[1], kind.items if kind else (), "item"))

    def _size(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        return tree.Size(*place, "number", self._list(arguments[0]))

    def _list(self, parsed: _Tree) -> tree.Node:
        node = self._answer(parsed)
        if node.type != "set":
            self._fail(f"{self._written(node)} is not a list", node.start)
        return node

    def _count(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        code = self._observation(arguments[0])
        kind, above, context = self._names.observations[code], None, dict[str, str]()
        for argument in arguments[2:]:
            key, value = self._option(argument, kind)
            if key in context or (key == "above" and above is not None):
                self._fail(f"{key} is given twice", _place(argument)[0])
            if key == "above":
                above = self._above(value, kind)
            else:
                context[key] = self._context_value(kind.context[key], value)
        return tree.Count(*place, "number", code, self._period(arguments[1]), above, context)

    def _option(self, argument: _Tree, kind: Kind) -> tuple[str, _Tree]:
        if argument.data != "compare" or argument.children[1] != "=":
            self._fail("a condition such as above=24 is needed here", _place(argument)[0])
        allowed = [*kind.context, *(["above"] if kind.type == "quantity" else [])]
        return self._code(_subtree(argument.children[0]), allowed, "condition"), _subtree(argument.children[2])

    def _above(self, value: _Tree, kind: Kind) -> Fraction:
        number = self._answer(value)
        if not isinstance(number, tree.Number):
            self._fail("above needs a number", number.start)
        return number.value * (self._factor(number, [kind.units]) if number.unit else 1)

    def _context_value(self, values: tuple[str, ...], value: _Tree) -> str:
        if values:
            return self._code(value, values, "value")
        if value.data not in ("name", "number"):
            self._fail("a word or a number is needed here", _place(value)[0])
        return str(value.children[0])

    def _period(self, parsed: _Tree) -> Period:
        start, end = _place(parsed)
        written = self._text[start:end]
        try:
            period = Period.parse(written) if parsed.data == "number" else None
        except ValueError:
            period = None
        if period is None or not 0 < period.amount <= _LONGEST[period.unit]:
            self._fail("a period such as 14 d or 12 mo is needed here (d, wk, mo or a; at most a century)", start)
        return period

    def _days_since(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        return tree.DaysSince(*place, "number", self._observation(arguments[0]))

    def _not_performable(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        return tree.NotPerformable(*place, "boolean", tuple(self._observation(argument) for argument in arguments))

    def _stage(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        return tree.StageNumber(*place, "stage", self._code(arguments[0], self._names.tracks, "track"))

    def _active(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        return tree.Active(*place, "boolean", self._code(arguments[0], self._names.interventions, "intervention"))

    def _completed(self, place: tuple[int, int], arguments: list[_Tree]) -> tree.Node:
        return tree.Completed(*place, "boolean", self._code(arguments[0], self._names.activities, "activity"))

    # errors

    def _written(self, node: tree.Node) -> str:
        return self._text[node.start : node.end][:80]

    def _fail(self, message: str, position: int, suggestion: str | None = None) -> NoReturn:
        raise ExpressionError(message, self._text, position, suggestion)


def stage_number(code: str) -> int | None:
    """`R3` is 3: the digits that end the code."""
    digits = code[len(code.rstrip("0123456789")) :]
    return int(digits) if digits else None


def _place(parsed: _Tree) -> tuple[int, int]:
    return int(parsed.meta.start_pos), int(parsed.meta.end_pos)


def _subtree(child: object) -> _Tree:
    if not isinstance(child, Tree):
        raise TypeError(f"a token where the grammar has a rule: {child!r}")
    return child
