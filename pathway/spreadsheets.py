"""Tables that people open in a spreadsheet: RFC 4180, and no text that a spreadsheet would take for a formula.

Text that begins like a formula gets an apostrophe in front, as spreadsheets themselves write text. Numbers are numbers
only when they come as numbers: a text that looks like one is text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

Cell = str | int | Decimal | date | datetime | None

# Spreadsheets read the wide forms like the plain ones.
BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Some of them pass over blanks before they look.
BLANKS = " \u00a0\u3000\ufeff\u200b"
APOSTROPHE = "'"
END_OF_LINE = "\r\n"
MEDIA_TYPE = "text/csv; charset=utf-8"
BYTE_ORDER_MARK = "\ufeff"  # without it a spreadsheet guesses the encoding


def document(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A whole file in UTF-8. Raises ValueError for a row that does not fit the header."""
    return "".join([BYTE_ORDER_MARK, *lines(header, rows)]).encode("utf-8")


def lines(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The lines one by one, with their ends, for answers that are too long for the memory."""
    yield _line(header)
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row has {len(row)} cells, the header has {len(header)}")
        yield _line(row)


def safe(text: str) -> str:
    """The text, with an apostrophe in front when it begins like a formula."""
    return APOSTROPHE + text if text.lstrip(BLANKS).startswith(BEGINNINGS) else text


def _line(cells: Iterable[Cell]) -> str:
    return ",".join(_cell(cell) for cell in cells) + END_OF_LINE


def _cell(cell: Cell) -> str:
    """Every text in quotation marks: then a program that splits at another sign still sees one cell."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return '"' + safe(cell).replace('"', '""') + '"'
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, Decimal):
        if not cell.is_finite():
            raise ValueError(f"{cell} is no number")
        return f"{cell:f}"
    return str(cell) if isinstance(cell, int) else cell.isoformat()
