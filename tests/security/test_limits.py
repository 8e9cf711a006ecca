"""A table from elsewhere: what is too much or is no text is refused with its place, and nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError

from pathway.engine.tables.reading import MAX_COLUMNS, MAX_ROWS
from pathway.imports import importing
from pathway.models import AuditEvent, Observation
from tests.imports.test_import import DATA, lab, two_patients

RESULTS = DATA / "results.csv"


@pytest.fixture(autouse=True)
def nothing_is_stored(loaded: None) -> Iterator[None]:
    """Holds after every test of this file."""
    two_patients()
    before = (Observation.objects.count(), AuditEvent.objects.count())
    yield
    assert (Observation.objects.count(), AuditEvent.objects.count()) == before


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return path


def test_the_limits_are_those_that_are_published() -> None:
    assert (importing.MAX_BYTES, MAX_ROWS, MAX_COLUMNS) == (5_000_000, 50_000, 100)


def test_a_file_of_more_than_five_megabytes_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^Nothing was stored: table.csv: has 5000001 bytes, more than 5000000"):
        lab(written(tmp_path, b"x" * 5_000_001))


def test_a_row_too_many_is_refused_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MAX_ROWS", 4)
    with pytest.raises(CommandError, match=r"^Nothing was stored: results.csv:6: has more than 4 rows"):
        lab()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"154", b"154\0", r"table.csv:2: holds a NUL, at byte \d+ of the file"),
        (b"154", b"\xe9", r"table.csv:2: is not UTF-8 text, at byte \d+ of the file"),
        (b"\n", b"," + b",".join(b"c%d" % n for n in range(100)) + b"\n", r"table.csv:1: has 1\d\d columns, more than"),
        (b"154", b'"154', r"table.csv:\d+: is not CSV"),
    ],
    ids=["NUL", "another encoding", "columns", "quotation mark"],
)
def test_what_is_no_table_is_refused_with_its_place(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    raw = RESULTS.read_bytes()
    assert old in raw
    with pytest.raises(CommandError, match=f"^Nothing was stored: {message}"):
        lab(written(tmp_path, raw.replace(old, new, 1)))


@pytest.mark.parametrize("formula", ["=1+153", "@SUM(154)", "=cmd|' /C calc'!A0", "+154+0"])
def test_a_cell_that_looks_like_a_formula_is_text_and_no_number(tmp_path: Path, formula: str) -> None:
    with pytest.raises(CommandError) as caught:
        lab(written(tmp_path, RESULTS.read_bytes().replace(b"154", formula.encode(), 1)))
    assert str(caught.value).startswith("table.csv, line 2, ")
