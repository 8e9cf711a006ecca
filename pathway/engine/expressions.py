"""Text of a rule in, checked tree out (the notation of vocabulary 6.1).

The text is data that an administrator writes: its length and nesting are bounded before anything
recursive looks at it, its words are those of a closed vocabulary, and whatever is wrong with it is
an `ExpressionError` that points at the character.
"""

from __future__ import annotations

from dataclasses import dataclass

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from pathway.engine import checking, tree
from pathway.engine.names import ExpressionError, MeasureType, Names

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "Expression", "ExpressionError", "MeasureType", "Names", "parse"]

MAX_LENGTH = 2_000  # characters
MAX_DEPTH = 20  # of parentheses, calls and `not` inside one another

# Minus needs a space on either side, because hyphens belong to names; a sign belongs to its number.
_GRAMMAR = r"""
?start: any
?any: all ("or" all)*
?all: negation ("and" negation)*
?negation: "not" negation -> negated
    | comparison
?comparison: sum
    | sum COMPARISON sum -> compare
?sum: product ((PLUS | MINUS) product)*
?product: atom (TIMES atom)*
?atom: NAME -> name
    | NUMBER UNIT? -> number
    | NAME "(" (any ("," any)*)? ")" -> call
    | "(" any ")" -> group

COMPARISON: /<=|>=|<|>|=/
PLUS: "+"
MINUS: /(?<=\s)-(?=\s)/
TIMES: "*"
NAME: /[A-Za-z][A-Za-z0-9_]*([-.][A-Za-z0-9_]+)*/
NUMBER: /-?[0-9]+(\.[0-9]+)?/
UNIT: /(10\*[0-9]+)?[A-Za-z%\[{\/][A-Za-z0-9%\[\]{}\/._]*/
%ignore /[ \t\r\n]+/
"""
_PARSER = Lark(_GRAMMAR, parser="lalr", propagate_positions=True)
_NESTING = frozenset({"negated", "call", "group"})


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A checked text that answers true, false or unknown. `names` is what it mentions."""

    text: str
    root: tree.Node
    names: tree.Mentions


def parse(text: str, names: Names) -> Expression:
    """The checked tree of `text`.

    Raises ExpressionError (a ValueError) for anything that is not in the notation, names what is
    not in `names`, compares what cannot be compared, or is too long or too deeply nested.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"the text is longer than {MAX_LENGTH} characters", text, MAX_LENGTH)
    if not text.strip():
        raise ExpressionError("the text is empty", text, 0)
    try:
        parsed = _PARSER.parse(text)
    except UnexpectedInput as error:
        raise _readable(error, text) from None
    _check_depth(parsed, text)
    root = checking.Checker(text, names).truth(parsed)
    return Expression(text, root, tree.mentions(root))


def _check_depth(parsed: Tree[Token], text: str) -> None:
    """Without recursion: the parser is not recursive either, so its tree may be as deep as the text is long."""
    waiting = [(parsed, 0)]
    while waiting:
        node, above = waiting.pop()
        level = above + (node.data in _NESTING)
        if level > MAX_DEPTH:
            message = f"the text is nested more than {MAX_DEPTH} levels deep"
            raise ExpressionError(message, text, int(node.meta.start_pos))
        waiting += [(child, level) for child in node.children if isinstance(child, Tree)]


def _readable(error: UnexpectedInput, text: str) -> ExpressionError:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return ExpressionError("the text ends too early", text, len(text))
    position = error.pos_in_stream or 0
    found = str(error.token) if isinstance(error, UnexpectedToken) else text[position : position + 1]
    if found.startswith("-"):
        return ExpressionError("minus needs a space before and after it", text, position)
    if isinstance(error, UnexpectedCharacters):
        return ExpressionError(f"unexpected character {found!r}", text, position)
    suggestion = found.lower() if found.lower() in {"and", "or", "not"} and not found.islower() else None
    return ExpressionError(f"unexpected {found[:80]!r}", text, position, suggestion)
