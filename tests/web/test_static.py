"""What the browser loads: everything from here, nothing that names somebody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

STATIC = Path(settings.BASE_DIR) / "pathway" / "static"
SHEETS = sorted(STATIC.rglob("*.css"))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_a_style_sheet_loads_nothing(sheet: Path) -> None:
    text = sheet.read_text(encoding="utf-8")
    assert not re.search(r"url\(|@import|@font-face|sourceMappingURL|https?://", text)


def test_no_font_and_no_color_of_others_is_left() -> None:
    text = (STATIC / "vendor" / "nhsuk-frontend.css").read_text(encoding="utf-8")
    for theirs in ("Frutiger", "#005eb8", "#003087"):
        assert theirs.lower() not in text.lower()


def test_what_was_vendored_says_from_where() -> None:
    told = (STATIC / "vendor" / "README.md").read_text(encoding="utf-8")
    for sheet in (STATIC / "vendor").glob("*.css"):
        assert sheet.name in told
    assert re.search(r"\b[0-9a-f]{64}\b", told) and "MIT" in told
