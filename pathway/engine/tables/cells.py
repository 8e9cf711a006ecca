"""What one cell says: a number, a word, a switch, or nothing. Empty is missing, never zero and never normal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from pathway import errors
from pathway.engine.catalogue import Kind
from pathway.engine.entries import Entry

MAX_DIGITS = 40
MEMBER_SEPARATOR = ";"
NO_MEMBERS = "none"

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One observation of a row, ready to be checked. `columns` tells which column gave what ("" for the value)."""

    code: str
    source_id: str
    line: int
    entry: Entry
    columns: Mapping[str, str] = field(default_factory=dict)

    def column_of(self, at_fault: str) -> str:
        """The column behind a field that was refused, such as `items.5b` or `unit`."""
        name = at_fault.removeprefix("items.").removeprefix("context.")
        return self.columns.get(name) or self.columns.get("value", "")


def word(text: str) -> str:
    """The cell for a comparison with the mapping's words: 0, 0.0 and +0 are the same word."""
    if len(text) > MAX_DIGITS or not _NUMBER.fullmatch(text):
        return text
    number = Decimal(text)
    return f"{number.normalize():f}" if number else "0"


def switch(text: str, column: str) -> bool | None:
    """0 or 1; None when it is empty. Raises InvalidEntry for anything else."""
    if not text:
        return None
    if word(text) not in ("0", "1"):
        raise errors.InvalidEntry("not-allowed", f"is 0, 1 or empty: {text!r}", column)
    return word(text) == "1"


def whole(text: str, column: str, *, most: int) -> int:
    """A whole number from 0 to `most`. Raises InvalidEntry."""
    plain = word(text)
    if not (plain.isascii() and plain.isdigit()) or int(plain) > most:
        raise errors.InvalidEntry("not-allowed", f"is a whole number from 0 to {most}: {text!r}", column)
    return int(plain)


def chosen(text: str, column: str, values: Mapping[str, str]) -> str:
    """What the mapping makes of a coded cell. Raises InvalidEntry for a code that it does not list."""
    if word(text) not in values:
        known = ", ".join(values)
        raise errors.InvalidEntry("not-allowed", f"is one of {known} in the mapping: {text!r}", column)
    return values[word(text)]


def typed(kind: Kind, text: str) -> object:
    """The text as the type of the kind wants it; whether it may be stored is decided by `entries`."""
    if kind.type in ("boolean", "event"):
        return {"true": True, "false": False, "1": True, "0": False}.get(word(text), text)
    if kind.type == "set":
        return [] if text == NO_MEMBERS else [one.strip() for one in text.split(MEMBER_SEPARATOR)]
    return text


def moment(text: str, column: str) -> date | datetime:
    """A day, or an instant with its offset from UTC. Raises InvalidEntry, for a time without a zone too."""
    try:
        found = date.fromisoformat(text) if len(text) == len("2025-01-31") else datetime.fromisoformat(text)
    except ValueError as error:
        raise errors.InvalidEntry("not-allowed", f"is a day such as 2025-01-31: {text!r}", column) from error
    if isinstance(found, datetime) and found.tzinfo is None:
        raise errors.InvalidEntry("not-allowed", f"is a time without its offset from UTC: {text!r}", column)
    return found
