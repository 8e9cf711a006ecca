"""No cell that we write is a formula, and every table comes back as it was."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathway import spreadsheets

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
DANGEROUS = ["=", "+", "-", "@", "\t", "\r", "\0", "\n"]


def read(document: bytes) -> list[list[str]]:
    text = document.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize("first", DANGEROUS)
@pytest.mark.parametrize("before", ["", " ", "\u00a0 "])
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(first: str, before: str) -> None:
    written = read(spreadsheets.document(["a"], [[f"{before}{first}1+1"]]))
    assert written == [["a"], [f"'{before}{first}1+1"]]


def test_headers_are_texts_too() -> None:
    assert read(spreadsheets.document(["=cmd"], [])) == [["'=cmd"]]


def test_numbers_stay_numbers_and_texts_that_look_like_them_stay_texts() -> None:
    row = [
        -3,
        Decimal("-2.50"),
        Decimal("1E+3"),
        True,
        None,
        date(2026, 1, 2),
        datetime(2026, 1, 2, 3, tzinfo=UTC),
        "-3",
    ]
    document = spreadsheets.document(list("abcdefgh"), [row])
    assert document.decode("utf-8-sig").splitlines()[1] == (
        '-3,-2.50,1000,true,,2026-01-02,2026-01-02T03:00:00+00:00,"\'-3"'
    )


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(number: str) -> None:
    with pytest.raises(ValueError, match="is no number"):
        spreadsheets.document(["a"], [[Decimal(number)]])


def test_a_row_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="a row has 1 cells, the header has 2"):
        spreadsheets.document(["a", "b"], [["x"]])


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=5))
def test_any_table_comes_back_with_nothing_but_apostrophes_added(rows: list[tuple[str, str]]) -> None:
    back = read(spreadsheets.document(["a", "b"], rows))[1:]
    assert len(back) == len(rows)
    for before, after in zip(rows, back, strict=True):
        for cell, written in zip(before, after, strict=True):
            assert written in (cell, "'" + cell)
            assert not written.lstrip(" \u00a0").startswith(tuple(DANGEROUS))


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_no_separator_of_any_country_opens_a_new_cell(cells: list[str]) -> None:
    line = "".join(spreadsheets.lines(list("abcd")[: len(cells)], [cells])).split("\r\n", 1)[1]
    outside, quoted = "", False
    for sign in line:
        quoted = quoted != (sign == '"')
        outside += "" if quoted or sign == '"' else sign
    assert outside == "," * (len(cells) - 1) + "\r\n"
