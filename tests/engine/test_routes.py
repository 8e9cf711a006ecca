"""Routes of a pathway: generated forward, or named; a stage that none leads to is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pathway.engine import content
from pathway.engine.definitions import routes_of

FIXTURES = Path(__file__).parents[2] / "fixtures"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES, tmp_path / "fixtures"))


def with_routes(folder: Path, routes: str) -> Path:
    file = folder / "pathways" / "als-limb.yaml"
    file.write_text(file.read_text() + f"\nroutes: [{routes}]\n")
    return folder


def test_a_track_without_named_routes_leads_from_each_stage_to_each_later_one(shipped: content.Content) -> None:
    routes = routes_of(shipped.pathways["als-limb"])
    assert ("C0", "C3") in routes
    assert ("C3", "C0") not in routes
    assert not [one for one in routes if one[0] == "O9"]


def test_named_routes_take_the_place_of_the_generated_ones_in_their_track_only(folder: Path) -> None:
    found = content.read(with_routes(folder, "C0-C1, C1-C2, C2-C3"))
    routes = routes_of(found.pathways["als-limb"])
    assert ("C0", "C2") not in routes
    assert ("R0", "R3") in routes


def test_a_stage_that_no_route_leads_to_is_refused_by_name(folder: Path) -> None:
    with pytest.raises(content.ContentError, match="als-limb.yaml.*stage C3.*unreachable"):
        content.read(with_routes(folder, "C0-C1, C1-C2"))


@pytest.mark.parametrize("route", ["C1-C0", "C0-R1", "C0", "C0-C9"])
def test_what_is_no_way_forward_in_one_track_is_refused(folder: Path, route: str) -> None:
    with pytest.raises(content.ContentError, match="routes"):
        content.read(with_routes(folder, route))
