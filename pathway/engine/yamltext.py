"""YAML read exactly, with the line of everything, for shipped content and scenario files.

Plainer than YAML itself, on purpose: only `true` and `false` are booleans (`on`, `yes` and
`no` are words), a number is a Decimal of the digits as written, a key is always a word and
never occurs twice, and there are no anchors, aliases, merge keys or tags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import yaml

MAX_BYTES = 1_000_000
MAX_DEPTH = 24
MAX_DIGITS = 60  # no value of a clinic needs more; an exact fraction of a million digits would stop the server

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}

Scalar: TypeAlias = "Decimal | str | bool | date | None"  # a datetime is a date
Node: TypeAlias = "Scalar | Table | Listing"


class ContentError(ValueError):
    """A file that cannot be taken as it is: which file, line (1 = first), key, and what is wrong."""

    def __init__(self, file: str, line: int, field: str, message: str) -> None:
        self.file = file
        self.line = line
        self.field = field
        self.message = message
        super().__init__(f"{file}:{line}: {field}: {message}" if field else f"{file}:{line}: {message}")


class Table(dict[str, "Node"]):
    """A mapping that knows its own line and that of each key."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Listing(list["Node"]):
    """A list that knows its own line and that of each element."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def read(path: Path) -> Node:
    """The one document of a UTF-8 file. Raises ContentError, also where the file is not UTF-8 or too large."""
    with path.open("rb") as stream:
        raw = stream.read(MAX_BYTES + 1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(raw) > MAX_BYTES:  # the cut itself may have split a character
            raise ContentError(path.name, 1, "", _too_large()) from error
        line = raw[: error.start].count(b"\n") + 1
        raise ContentError(path.name, line, "", "is not UTF-8 text") from error
    return load(text, file=path.name)


def load(text: str, *, file: str) -> Node:
    """The one document of a text as Table, Listing, Decimal, str, bool, date, datetime or None.

    `file` is only for messages. Raises ContentError for what is not YAML and for every liberty
    of YAML that the module refuses.
    """
    try:
        too_large = len(text.encode("utf-8")) > MAX_BYTES
    except UnicodeEncodeError as error:
        raise ContentError(file, text.count("\n", 0, error.start) + 1, "", "is not Unicode text") from error
    if too_large:
        raise ContentError(file, 1, "", _too_large())
    try:
        return _Builder(file).build(_events(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ContentError(file, line, "", f"is not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ContentError(file, 1, "", f"is not valid YAML: {error}") from error


def line_of(container: Table | Listing, key: str | int | None = None) -> int:
    """The line of a key of a mapping or of an element of a list; of the container itself without a key."""
    if isinstance(container, Table):
        return container.lines.get(str(key), container.line)
    if isinstance(key, int) and -len(container.lines) <= key < len(container.lines):
        return container.lines[key]
    return container.line


def _too_large() -> str:
    return f"is larger than {MAX_BYTES} bytes"


def _events(text: str) -> Iterator[yaml.Event]:
    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    return iter(yaml.parse(text, Loader=loader))


class _Builder:
    """Builds the tree from parser events: no recursion, so depth is a number and not a crash."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: list[Table | Listing] = []
        self._keys: list[str | None] = []  # per open container: the key that waits for its value
        self._done: list[Node] = []

    def build(self, events: Iterator[yaml.Event]) -> Node:
        """Raises ContentError at the first thing that is refused."""
        for event in events:
            self._take(event)
        if not self._done:
            raise ContentError(self._file, 1, "", "is empty")
        return self._done[0]

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.DocumentStartEvent) and self._done:
            raise self._error(event, "holds more than one document")
        if isinstance(event, yaml.AliasEvent):
            raise self._error(event, "aliases (*name) are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_decoration(event)
            self._take_scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._refuse_decoration(event)
            self._descend(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._keys.pop()
            self._add(self._open.pop(), event)

    def _take_scalar(self, event: yaml.ScalarEvent) -> None:
        if self._wants_key():
            self._take_key(event)
        else:
            self._add(self._scalar(event), event)

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        table = self._open[-1]
        assert isinstance(table, Table)  # only a Table wants a key
        key = str(event.value)
        if key in table.lines:
            raise self._error(event, f"occurs twice (first on line {table.lines[key]})", field=key)
        if key == "<<" and not event.style:
            raise self._error(event, "merge keys (<<) are not allowed")
        table.lines[key] = _line(event)
        self._keys[-1] = key

    def _descend(self, event: yaml.CollectionStartEvent) -> None:
        if self._wants_key():
            raise self._error(event, "a key must be a single word")
        if len(self._open) >= MAX_DEPTH:
            raise self._error(event, f"is nested deeper than {MAX_DEPTH} levels")
        line = _line(event)
        container = Table(line) if isinstance(event, yaml.MappingStartEvent) else Listing(line)
        if self._open and isinstance(self._open[-1], Listing):
            self._open[-1].lines.append(line)
        self._open.append(container)
        self._keys.append(None)

    def _add(self, node: Node, event: yaml.Event) -> None:
        if not self._open:
            self._done.append(node)
            return
        parent = self._open[-1]
        if isinstance(parent, Listing):
            parent.append(node)
            if len(parent.lines) < len(parent):  # a container noted its line when it opened
                parent.lines.append(_line(event))
            return
        key = self._keys[-1]
        assert key is not None  # a value follows its key
        parent[key] = node
        self._keys[-1] = None

    def _wants_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], Table) and self._keys[-1] is None

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        text = str(event.value)
        if event.style:  # quoted or a block: text as it stands
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _NUMBER.fullmatch(text):
            if len(text) > MAX_DIGITS:
                raise self._error(event, f"is a number of more than {MAX_DIGITS} digits")
            return Decimal(text)
        return self._date_or_word(text, event)

    def _date_or_word(self, text: str, event: yaml.ScalarEvent) -> Scalar:
        try:
            if _DATE.fullmatch(text):
                return date.fromisoformat(text)
            if _DATE_TIME.fullmatch(text):
                return datetime.fromisoformat(text)
        except ValueError as error:
            raise self._error(event, f"is not a day of the calendar: {text}") from error
        return text

    def _refuse_decoration(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            raise self._error(event, f"anchors (&{event.anchor}) are not allowed")
        if event.tag is not None:
            raise self._error(event, f"tags ({event.tag}) are not allowed")

    def _error(self, event: yaml.Event, message: str, *, field: str | None = None) -> ContentError:
        return ContentError(self._file, _line(event), self._path() if field is None else field, message)

    def _path(self) -> str:
        return next((key for key in reversed(self._keys) if key is not None), "")


def _line(event: yaml.Event) -> int:
    return int(event.start_mark.line) + 1 if event.start_mark else 1
