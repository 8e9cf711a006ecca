"""`manage.py draw_pathway`: a published pathway as a picture or in words."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.usefixtures("loaded")


def run(*arguments: str) -> str:
    output = io.StringIO()
    call_command("draw_pathway", *arguments, stdout=output)
    return output.getvalue()


def test_a_pathway_is_printed_as_svg() -> None:
    told = run("als-limb")
    assert told.startswith("<svg ") and told.endswith("</svg>\n")
    assert "ALS, limb onset" in told


def test_it_is_written_to_a_file(tmp_path: Path) -> None:
    assert run("pma", "--output", str(tmp_path / "pma.svg")) == ""
    assert (tmp_path / "pma.svg").read_text(encoding="utf-8") == run("pma")


def test_it_is_told_in_words() -> None:
    told = run("sma-walker", "--text")
    assert "  R1 Respiratory monitoring [start]" in told
    assert "      from: R2, R1" in told
    assert "proposed by chest-2023: CHEST-FVC80S" in told


def test_an_unknown_pathway_is_named_with_the_known_ones() -> None:
    with pytest.raises(CommandError, match="no published pathway 'als'; there are: als-bulbar, als-limb, pma"):
        run("als")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file or directory"):
        run("pma", "--output", str(tmp_path / "nowhere" / "pma.svg"))
