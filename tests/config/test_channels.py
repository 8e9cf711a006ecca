"""Channels that an operator writes down are read strictly, and their secrets are not repeated."""

from __future__ import annotations

import pytest

from config import channels
from config.environment import ConfigurationError, Environment

GOOD = """
# how we reach people
push = ntfys://token@push.example.org/{address}?id={key}
board=jsons://board.example.org/room
"""


def test_names_and_addresses_are_read_line_by_line() -> None:
    assert channels.read(GOOD) == {
        "push": "ntfys://token@push.example.org/{address}?id={key}",
        "board": "jsons://board.example.org/room",
    }
    assert channels.read("") == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("push", "line 1 is not of the form"),
        ("Push = json://host", "line 1 has no name"),
        ("a-name-that-is-too-long = json://host", "line 1 has no name"),
        ("email = json://host", "which is ours"),
        ("a = json://secret@host\na = json://secret@host", "line 2 names a a second time"),
        ("a = host.example.org", "without ://"),
        ("a = jsons://{address}/x", "lets a person choose the host"),
        ("a = jsons://secret@{address}.example.org", "lets a person choose the host"),
        ("a = {address}://host", "cannot be read|without ://|choose the host"),
    ],
)
def test_what_is_wrong_is_named_by_its_line_and_without_its_secret(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem) as refusal:
        channels.read(text)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["pathway.example.org", "ftp://host", "https://", "https://a b", "https://x/?q=1"])
def test_the_address_of_the_server_has_to_be_one(url: str) -> None:
    with pytest.raises(ConfigurationError, match="PATHWAY_URL"):
        Environment({"PATHWAY_URL": url}).url("PATHWAY_URL", "http://localhost")


def test_the_address_of_the_server_has_no_slash_at_its_end() -> None:
    assert Environment({"PATHWAY_URL": "https://p.example.org/"}).url("PATHWAY_URL", "") == "https://p.example.org"
    assert Environment({}).url("PATHWAY_URL", "http://localhost:8000") == "http://localhost:8000"
