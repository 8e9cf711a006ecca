"""YAML is read exactly, knows its lines, and refuses what could mislead or overload."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pathway.engine import yamltext


def load(text: str) -> yamltext.Node:
    return yamltext.load(text, file="case.yaml")


def table(text: str) -> yamltext.Table:
    found = load(text)
    assert isinstance(found, yamltext.Table)
    return found


def refused(text: str) -> yamltext.ContentError:
    with pytest.raises(yamltext.ContentError) as caught:
        load(text)
    return caught.value


@pytest.mark.parametrize(
    "word",
    ["on", "off", "yes", "no", "y", "n", "True", "FALSE", "Null", "007", "1e3", "0x10", "1_000", "12:30", ".5", "+5"],
)
def test_a_word_that_yaml_would_turn_into_something_else_stays_a_word(word: str) -> None:
    assert table(f"a: {word}") == {"a": word}


def test_on_is_a_key_like_any_other() -> None:
    assert table("on: 2025-01-15") == {"on": date(2025, 1, 15)}


def test_only_true_false_null_are_special() -> None:
    assert load("[true, false, null, ~]") == [True, False, None, None]
    assert load("a:") == {"a": None}


def test_a_number_keeps_its_digits() -> None:
    found = load("[5.00, -0.10, 10, 66.501]")
    assert [str(number) for number in found] == ["5.00", "-0.10", "10", "66.501"]  # type: ignore[union-attr]
    assert all(isinstance(number, Decimal) for number in found)  # type: ignore[union-attr]


def test_a_quoted_number_or_date_is_text() -> None:
    assert load("""['1', "2025-01-15", 'true', '']""") == ["1", "2025-01-15", "true", ""]


def test_keys_are_words_even_when_they_look_like_numbers_or_dates() -> None:
    found = table("{1: 4, 5a: null, 2025-01-15: x, true: y}")
    assert found == {"1": Decimal(4), "5a": None, "2025-01-15": "x", "true": "y"}


def test_dates_and_date_times() -> None:
    assert load("[2024-02-29, 2025-03-30T01:30, 2025-03-30T01:30:05Z]") == [
        date(2024, 2, 29),
        datetime(2025, 3, 30, 1, 30),
        datetime(2025, 3, 30, 1, 30, 5, tzinfo=UTC),
    ]


def test_a_day_that_does_not_exist_is_refused_with_its_line_and_key() -> None:
    error = refused("a: 1\nborn: 2025-02-29\n")
    assert (error.file, error.line, error.field) == ("case.yaml", 2, "born")
    assert "2025-02-29" in error.message


def test_a_key_that_occurs_twice_is_refused_at_its_second_line() -> None:
    error = refused("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert (error.line, error.field) == (4, "b")
    assert "first on line 2" in str(error)


def test_the_same_key_in_two_mappings_is_no_duplicate() -> None:
    assert load("[{a: 1}, {a: 2}]") == [{"a": 1}, {"a": 2}]


def test_every_key_and_element_knows_its_line() -> None:
    found = table("# title\nrows:\n  - {a: 1}\n  - a: 2\n    b: 3\n  - word\nlast: [1,\n  2]\n")
    rows, last = found["rows"], found["last"]
    assert isinstance(rows, yamltext.Listing) and isinstance(last, yamltext.Listing)
    assert [yamltext.line_of(found, key) for key in ("rows", "last")] == [2, 7]
    assert [yamltext.line_of(rows, index) for index in range(3)] == [3, 4, 6]
    assert [yamltext.line_of(last, index) for index in range(2)] == [7, 8]
    assert isinstance(rows[1], yamltext.Table)
    assert yamltext.line_of(rows[1], "b") == 5


def test_the_line_of_something_that_is_not_there_is_that_of_its_container() -> None:
    found = table("\nrows: [1]\n")
    rows = found["rows"]
    assert isinstance(rows, yamltext.Listing)
    assert yamltext.line_of(found, "nothing") == 2
    assert yamltext.line_of(rows, 7) == 2
    assert yamltext.line_of(rows) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &x 1", "anchors"),
        ("a: *x", "aliases"),
        ("a: [&x [1], *x]", "anchors"),
        ("a: !!python/object/apply:os.getcwd []", "tags"),
        ("a: !!str 5", "tags"),
        ("<<: {a: 1}", "merge"),
        ("a: 1\n---\nb: 2", "more than one document"),
        ("? [a]\n: 1", "single word"),
        ("a: [1, 2", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("a: \x07", "not valid YAML"),
        ("a: \ud800", "not Unicode"),
        ("", "empty"),
        ("# only a comment\n", "empty"),
        ("[" * 200 + "]" * 200, "nested deeper"),
        ("a: " + "9" * 100, "digits"),
        ("a: '" + "x" * yamltext.MAX_BYTES + "'", "larger than"),
    ],
)
def test_what_could_mislead_or_overload_is_refused(text: str, said: str) -> None:
    assert said in str(refused(text))


def test_a_syntax_error_names_its_line() -> None:
    assert refused("a: 1\nb: 2\nc: [1,\n  2\nd: 4\n").line >= 3


def test_a_file_that_is_not_utf8_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"a: 1\nb: M\xfcller\n")
    with pytest.raises(yamltext.ContentError, match=r"latin\.yaml:2: is not UTF-8"):
        yamltext.read(path)


def test_a_file_that_is_too_large_is_refused_also_when_the_limit_splits_a_character(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"a: " + "ü".encode() * yamltext.MAX_BYTES)
    with pytest.raises(yamltext.ContentError, match="larger than"):
        yamltext.read(path)


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    path = tmp_path / "bom.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert yamltext.read(path) == {"a": Decimal(1)}
