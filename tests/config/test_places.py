"""The data folder is one that the servers' user can use, and permissions of existing folders stay as they are."""

import os
import stat
from pathlib import Path

import pytest

from config import environment, places

STRANGER = places.ServerUser(64_001, 64_001)


def test_a_closed_folder_on_the_way_makes_a_place_unreachable(data: Path) -> None:
    closed = data / "closed"
    closed.mkdir(mode=0o700)
    assert places.can_reach(STRANGER, data)
    assert not places.can_reach(STRANGER, closed / "below" / "it")
    assert places.can_reach(places.ServerUser(os.geteuid(), os.getegid()), closed / "below")


def test_the_servers_never_run_as_root(data: Path) -> None:
    assert places.server_user(data).uid != 0


def test_the_servers_run_as_the_owner_of_the_data_under_root_and_else_as_the_user(data: Path) -> None:
    owner = STRANGER if os.geteuid() == 0 else places.ServerUser(os.geteuid(), os.getegid())
    (data / "postgres").mkdir()
    os.chown(data / "postgres", owner.uid, owner.gid)
    assert places.server_user(data) == owner


def test_a_chosen_folder_that_cannot_be_used_is_refused_by_name(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_way = data / "file"
    in_the_way.write_text("")
    monkeypatch.setenv("PATHWAY_DATA_DIR", str(in_the_way / "data"))
    places.data_dir.cache_clear()
    try:
        with pytest.raises(environment.ConfigurationError, match="PATHWAY_DATA_DIR"):
            places.data_dir()
    finally:
        places.data_dir.cache_clear()


def test_a_new_folder_opens_no_existing_one(data: Path) -> None:
    outer = data / "outer"
    outer.mkdir(mode=0o700)
    places.make_passable(outer / "a" / "b")
    assert stat.S_IMODE(outer.stat().st_mode) == 0o700
    assert (outer / "a" / "b").is_dir()


def test_a_private_file_is_never_readable_for_others(data: Path) -> None:
    places.write_private(data / "secret", "hush")
    assert stat.S_IMODE((data / "secret").stat().st_mode) == 0o600
    assert (data / "secret").read_text() == "hush"
    assert [path.name for path in data.iterdir()] == ["secret"]
