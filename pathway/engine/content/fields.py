"""The keys of one mapping of a content file, taken one by one, each with its check.

What is wrong is told with file, line and key. What nobody asked for is an error too, so a
misspelt key cannot silently do nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from pathway.engine import yamltext
from pathway.engine.schedule import Period
from pathway.engine.yamltext import ContentError, Listing, Node, Table

MOST = 10_000  # of days, versions and the like

_CODE = re.compile(r"[A-Za-z0-9]+([.-][A-Za-z0-9]+)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pending:
    """A rule text that waits to be parsed, and where it stands."""

    entry: Fields
    key: str
    text: str


class Fields:
    """A mapping that is being read. Every method raises ContentError at what does not fit."""

    def __init__(self, node: Node, file: str, pending: list[Pending], *, line: int = 1, name: str = "") -> None:
        if not isinstance(node, Table):
            raise ContentError(file, line, name, "must be a mapping (key: value)")
        self._table = node
        self._file = file
        self._pending = pending
        self._taken: set[str] = set()
        self.name = name

    def error(self, key: str, message: str) -> ContentError:
        """The error to raise about a key of this mapping."""
        field = f"{self.name}.{key}" if self.name else key
        return ContentError(self._file, yamltext.line_of(self._table, key), field, message)

    def finish(self) -> None:
        """Refuses the first key that nobody took, naming the nearest one that exists."""
        for key in self._table:
            if key not in self._taken:
                raise self.error(key, "unknown key" + nearest(key, self._taken))

    def has(self, key: str) -> bool:
        self._taken.add(key)
        return self._table.get(key) is not None

    def is_mapping(self, key: str) -> bool:
        return isinstance(self._table.get(key), Table)

    def is_list(self, key: str) -> bool:
        return isinstance(self._table.get(key), Listing)

    def is_day(self, key: str) -> bool:
        return isinstance(self._table.get(key), date)

    def text(self, key: str, default: str | None = None) -> str:
        """A text; required without a default. A number counts as the text it was written as."""
        node = self._take(key, required=default is None)
        if node is None:
            return default or ""
        return self._as_text(key, node)

    def expression(self, key: str, default: str | None = None) -> str:
        """A rule text. It is parsed once everything that it may name has been read."""
        text = self.text(key, default)
        if text:
            self._pending.append(Pending(self, key, text))
        return text

    def whole(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """A whole number from `least` up to ten thousand; required without a default."""
        node = self._take(key, required=default is None)
        if node is None:
            return default or 0
        if not isinstance(node, Decimal) or node != int(node):
            raise self.error(key, "must be a whole number")
        if not least <= node <= MOST:
            raise self.error(key, f"must be from {least} to {MOST}")
        return int(node)

    def flag(self, key: str) -> bool | None:
        """True, false, or None when it is absent."""
        node = self._take(key)
        if node is not None and not isinstance(node, bool):
            raise self.error(key, "must be true or false")
        return node

    def day(self, key: str) -> date | None:
        node = self._take(key)
        if node is None:
            return None
        if not isinstance(node, date) or isinstance(node, datetime):
            raise self.error(key, "must be a day (such as 2027-11-30)")
        return node

    def period(self, key: str) -> Period | None:
        """An interval such as `14 d` or `3 mo`, or None when it is absent."""
        node = self._take(key)
        if node is None:
            return None
        try:
            return Period.parse(self._as_text(key, node))
        except ValueError as error:
            raise self.error(key, str(error)) from error

    def required_period(self, key: str) -> Period:
        found = self.period(key)
        if found is None:
            raise self.error(key, "is missing")
        return found

    def one_of(self, key: str, known: Collection[str], what: str, default: str | None = None) -> str:
        """A word out of `known`; `what` names its kind in the message."""
        word = self.text(key, default)
        if word or default is None:
            self._check(key, word, known, what)
        return word

    def some_of(self, key: str, known: Collection[str], what: str) -> tuple[str, ...]:
        """A list of words out of `known`, none of them twice; () when it is absent."""
        words = self.words(key)
        for word in words:
            self._check(key, word, known, what)
        return words

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words; () when it is absent."""
        node = self._take(key)
        if node is None:
            return ()
        if not isinstance(node, Listing):
            raise self.error(key, "must be a list")
        words = tuple(self._as_text(key, one) for one in node)
        if len(set(words)) < len(words):
            raise self.error(key, "names something twice")
        return words

    def within(self, key: str) -> Fields:
        """The mapping under a key; an empty one when it is absent."""
        node = self._take(key)
        line = yamltext.line_of(self._table, key)
        return self._below(Table(line) if node is None else node, line, self._named(key))

    def each(self, key: str) -> Iterator[Fields]:
        """The mappings of the list under a key."""
        node = self._take(key)
        if node is None:
            return
        if not isinstance(node, Listing):
            raise self.error(key, "must be a list")
        for index, one in enumerate(node):
            yield self._below(one, yamltext.line_of(node, index), f"{self._named(key)}[{index}]")

    def entries(self) -> Iterator[tuple[str, Fields]]:
        """Every key as a code, with the mapping under it."""
        for code in self.codes():
            yield code, self.within(code)

    def codes(self) -> tuple[str, ...]:
        """Every key, checked to be a code."""
        for key in self._table:
            if not _CODE.fullmatch(key):
                raise self.error(key, "is not a code (letters, digits, single hyphens or points)")
        return tuple(self._table)

    def keys(self) -> tuple[str, ...]:
        """Every key, whatever its form."""
        return tuple(self._table)

    def texts(self, known: Collection[str] | None = None, what: str = "") -> dict[str, str]:
        """The whole mapping as text by key, the keys out of `known` where it is given."""
        for key in self._table:
            if known is not None:
                self._check(key, key, known, what)
        return {key: self.text(key) for key in self._table}

    def _check(self, key: str, word: str, known: Collection[str], what: str) -> None:
        if word not in known:
            raise self.error(key, f"unknown {what} {word!r}{nearest(word, known)}")

    def _take(self, key: str, *, required: bool = False) -> Node:
        self._taken.add(key)
        node = self._table.get(key)
        if required and node is None:
            raise self.error(key, "is missing")
        return node

    def _as_text(self, key: str, node: Node) -> str:
        if isinstance(node, Table | Listing):
            raise self.error(key, "must be a single word or text")
        if isinstance(node, bool):
            return "true" if node else "false"
        return "" if node is None else str(node)

    def _below(self, node: Node, line: int, name: str) -> Fields:
        return Fields(node, self._file, self._pending, line=line, name=name)

    def _named(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key


def nearest(word: str, known: Collection[str]) -> str:
    """` (did you mean …?)`, or nothing where no known word is near."""
    found = difflib.get_close_matches(word, sorted(known), n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""
