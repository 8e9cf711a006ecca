"""Rule texts, wherever a file holds one, are parsed: what cannot be judged cannot be shipped."""

from __future__ import annotations

from collections.abc import Iterable

from pathway.engine import expressions
from pathway.engine.content.fields import Pending
from pathway.engine.names import Names


def check(pending: Iterable[Pending], names: Names) -> None:
    """Raises ContentError at the first text that cannot be understood."""
    for one in pending:
        try:
            expressions.parse(one.text, names)
        except expressions.ExpressionError as error:
            raise one.entry.error(one.key, f"cannot be understood: {error}") from error
