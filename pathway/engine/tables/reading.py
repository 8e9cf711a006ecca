"""A CSV file read line by line, never whole, with every limit checked on the way.

UTF-8 only. A cell is text, whatever it looks like: nothing is evaluated.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

MAX_ROWS = 50_000
MAX_COLUMNS = 100
MAX_LINE_BYTES = 1_000_000
MAX_CELL = 2_000  # characters
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class TableError(ValueError):
    """A file that cannot be read as a table: which file and line (1 = first, the header's; 0 = none), and why."""

    def __init__(self, file: str, line: int, message: str) -> None:
        self.file = file
        self.line = line
        self.message = message
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that cannot be taken: its line, the column at fault where there is one, and the reason."""

    line: int
    column: str
    reason: str

    def __str__(self) -> str:
        where = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{where}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Row:
    """One record by column name, cells stripped. `line` is its first; `problem` says why it has no cells."""

    line: int
    cells: Mapping[str, str]
    problem: str = ""


class Table:
    """The header at once, the rows as they are asked for. Raises TableError for the file as a whole."""

    def __init__(self, stream: BinaryIO, *, file: str, delimiter: str = ",", max_rows: int = MAX_ROWS) -> None:
        self.file = file
        self.bytes_read = 0
        self.rows_read = 0
        self._stream = stream
        self._max_rows = max_rows
        self._line = 0
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)
        self.header = self._header()

    def rows(self) -> Iterator[Row]:
        """Every record after the header; blank lines are passed over."""
        while (record := self._record()) is not None:
            line, cells = record
            if not any(cells):
                continue
            self.rows_read += 1
            if self.rows_read > self._max_rows:
                raise self._error(line, f"has more than {self._max_rows} rows")
            yield self._row(line, cells)

    def _row(self, line: int, cells: list[str]) -> Row:
        if len(cells) != len(self.header):
            return Row(line, {}, f"has {len(cells)} cells, the header has {len(self.header)}")
        long = next((name for name, cell in zip(self.header, cells, strict=True) if len(cell) > MAX_CELL), None)
        if long is not None:
            return Row(line, {}, f"{long} has more than {MAX_CELL} characters")
        return Row(line, dict(zip(self.header, cells, strict=True)))

    def _header(self) -> tuple[str, ...]:
        record = self._record()
        if record is None:
            raise self._error(0, "is empty")
        names = tuple(record[1])
        if len(names) > MAX_COLUMNS:
            raise self._error(1, f"has {len(names)} columns, more than {MAX_COLUMNS}")
        for place, name in enumerate(names, start=1):
            if not name:
                raise self._error(1, f"column {place} has no name")
            if names.index(name) + 1 < place:
                raise self._error(1, f"column {name!r} occurs twice")
        return names

    def _record(self) -> tuple[int, list[str]] | None:
        """The next record with its first line; a quoted cell may span lines."""
        line = self._line + 1
        try:
            cells = next(self._reader, None)
        except csv.Error as error:
            raise self._error(line, f"is not CSV: {error}") from error
        return None if cells is None else (line, [cell.strip() for cell in cells])

    def _lines(self) -> Iterator[str]:
        while raw := self._stream.readline(MAX_LINE_BYTES + 1):
            start = self.bytes_read
            self.bytes_read += len(raw)
            self._line += 1
            if len(raw) > MAX_LINE_BYTES:
                raise self._error(self._line, f"is longer than {MAX_LINE_BYTES} bytes")
            yield self._decoded(raw, start)

    def _decoded(self, raw: bytes, start: int) -> str:
        skipped = len(BYTE_ORDER_MARK) if start == 0 and raw.startswith(BYTE_ORDER_MARK) else 0
        try:
            text = raw[skipped:].decode("utf-8")
        except UnicodeDecodeError as error:
            at = start + skipped + error.start + 1
            raise self._error(self._line, f"is not UTF-8 text, at byte {at} of the file") from error
        if b"\0" in raw:
            raise self._error(self._line, f"holds a NUL, at byte {start + raw.index(0) + 1} of the file")
        return text

    def _error(self, line: int, message: str) -> TableError:
        return TableError(self.file, line, message)
