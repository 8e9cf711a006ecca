"""Environment variables are read strictly, and the message names the variable."""

from collections.abc import Callable
from pathlib import Path

import pytest

from config.environment import ConfigurationError, Environment


def read(**variables: str) -> Environment:
    return Environment(variables)


@pytest.mark.parametrize("word", ["1", "true", "YES", "On", " true "])
def test_words_for_true(word: str) -> None:
    assert read(DEBUG=word).boolean("DEBUG", False) is True


@pytest.mark.parametrize("word", ["0", "false", "NO", "Off"])
def test_words_for_false(word: str) -> None:
    assert read(DEBUG=word).boolean("DEBUG", True) is False


@pytest.mark.parametrize("word", ["maybe", "2", "tru", "none", "-"])
def test_any_other_word_is_an_error_that_names_the_variable(word: str) -> None:
    with pytest.raises(ConfigurationError, match=f"DEBUG='{word}'"):
        read(DEBUG=word).boolean("DEBUG", False)


def test_an_empty_variable_counts_as_unset() -> None:
    empty = read(A="", B="  ")
    assert empty.boolean("A", True) is True
    assert empty.integer("B", 7, 0, 9) == 7
    assert empty.text("A", "default") == "default"
    assert empty.listing("B", ("x",)) == ["x"]
    assert empty.secret("A") == ""


@pytest.mark.parametrize("word", ["1", "65535"])
def test_the_ends_of_a_range_belong_to_it(word: str) -> None:
    assert read(PORT=word).integer("PORT", 8000, 1, 65535) == int(word)


@pytest.mark.parametrize("word", ["0", "65536", "-1", "80.0", "8000x", "٨٠"])
def test_a_number_outside_the_range_or_no_number_is_an_error(word: str) -> None:
    with pytest.raises(ConfigurationError, match="PORT="):
        read(PORT=word).integer("PORT", 8000, 1, 65535)


def test_a_choice_outside_the_list_is_an_error() -> None:
    assert read(FORM="json").choice("FORM", "console", ("console", "json")) == "json"
    with pytest.raises(ConfigurationError, match="FORM='xml' is not one of console, json"):
        read(FORM="xml").choice("FORM", "console", ("console", "json"))


def test_a_list_drops_blanks() -> None:
    assert read(HOSTS=" a.example, ,b.example,").listing("HOSTS") == ["a.example", "b.example"]


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush\n")
    assert read(KEY_FILE=str(tmp_path / "key")).secret("KEY") == "hush"
    assert read(KEY="direct").secret("KEY") == "direct"


def missing(folder: Path) -> dict[str, str]:
    return {"KEY_FILE": str(folder / "nowhere")}


def empty(folder: Path) -> dict[str, str]:
    (folder / "key").write_text("\n")
    return {"KEY_FILE": str(folder / "key")}


def no_text(folder: Path) -> dict[str, str]:
    (folder / "key").write_bytes(b"\xff\xfe")
    return {"KEY_FILE": str(folder / "key")}


def both(folder: Path) -> dict[str, str]:
    return {"KEY": "direct", "KEY_FILE": str(folder / "key")}


@pytest.mark.parametrize("make", [missing, empty, no_text, both])
def test_a_secret_file_that_gives_no_secret_is_an_error(make: Callable[[Path], dict[str, str]], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="KEY_FILE"):
        Environment(make(tmp_path)).secret("KEY")
