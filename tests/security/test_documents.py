"""The documents on safety and security name tests, settings and files that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from config import places

SAFETY = places.BASE_DIR / "docs" / "clinical-safety.md"
SECURITY = places.BASE_DIR / "docs" / "security.md"
THREATS = places.BASE_DIR / "SECURITY.md"
NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
NAMED_FILE = re.compile(r"`((?:config|pathway|tests|docs|fixtures|bench)/[\w./-]+\.(?:py|md|yaml|html|dot))(?:::\w+)?`")
HAZARDS = [f"H{number}" for number in range(1, 15)]


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def sections(text: str) -> dict[str, str]:
    """Hazard → what stands below its headline."""
    found = re.split(r"^### (H\d+) .*$", text.partition("## Beyond the list")[0], flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


@pytest.mark.parametrize("document", [SAFETY, SECURITY, THREATS], ids=lambda path: path.name)
def test_every_test_and_file_that_is_named_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for name, function in NAMED_TEST.findall(text):
        assert function in functions_of(places.BASE_DIR / name), f"{name}::{function}"
    for name in NAMED_FILE.findall(text):
        assert (places.BASE_DIR / name).is_file(), name


def test_a_test_that_does_not_exist_would_be_found() -> None:
    assert NAMED_TEST.findall("- `tests/test_health.py::test_nothing_of_the_kind`") == [
        ("tests/test_health.py", "test_nothing_of_the_kind")
    ]
    assert "test_nothing_of_the_kind" not in functions_of(places.BASE_DIR / "tests" / "test_health.py")


def test_every_hazard_has_cause_control_and_a_test() -> None:
    found = sections(SAFETY.read_text(encoding="utf-8"))
    assert list(found) == HAZARDS
    for hazard, text in found.items():
        assert "Cause:" in text and "Control:" in text, hazard
        assert len(NAMED_TEST.findall(text)) >= 3, hazard


def test_every_named_setting_is_read_somewhere() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (places.BASE_DIR / "config").rglob("*.py"))
    sources += (places.BASE_DIR / "docker-compose.yml").read_text(encoding="utf-8")
    for name in re.findall(r"`(PATHWAY_[A-Z_]+)", SECURITY.read_text(encoding="utf-8")):
        assert name in sources, name


def test_every_requirement_says_how_it_stands() -> None:
    rows = re.findall(r"^\| (\d+\.\d+\.\d+)[^|]*\|(.*)\|(.*)\|$", SECURITY.read_text(encoding="utf-8"), re.MULTILINE)
    numbers = [number for number, _, _ in rows]
    assert len(numbers) > 100 and len(numbers) == len(set(numbers))
    for number, what, where in rows:
        assert what.strip() and re.match(r"(met|partly|not met|not applicable|operator|re-check)\b", where.strip()), (
            number
        )
