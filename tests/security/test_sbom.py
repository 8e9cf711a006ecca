"""`make sbom` lists everything that a server installs, with versions and hashes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from config import places


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the target reads, beside this environment, which is up to date."""
    for name in ("Makefile", "pyproject.toml", "requirements.txt", "requirements-dev.txt", "requirements-uv.txt"):
        shutil.copy(places.BASE_DIR / name, tmp_path)
    environment = tmp_path / ".venv"
    (environment / "bin").mkdir(parents=True)
    for name in ("python", "uv"):
        (environment / "bin" / name).symlink_to(places.BASE_DIR / ".venv" / "bin" / name)
    for name in ("runtime.stamp", "dev.stamp"):
        (environment / name).touch()
    return tmp_path


def test_the_list_has_every_package_with_its_version_and_hashes(tree: Path) -> None:
    untouched = ["-o", ".venv/bin/uv", "-o", ".venv/dev.stamp", "-o", ".venv/runtime.stamp"]
    python = str(places.BASE_DIR / ".venv" / "bin")
    subprocess.run(["make", *untouched, "sbom", f"BIN={python}"], cwd=tree, check=True, capture_output=True)
    told = json.loads((tree / "dist" / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert told["bomFormat"] == "CycloneDX"
    assert told["metadata"]["component"]["name"] == "pathway"
    text = (places.BASE_DIR / "requirements.txt").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ \\]+)", text, re.MULTILINE | re.IGNORECASE))
    listed = {one["name"]: one for one in told["components"]}
    assert len(pinned) > 20
    assert {name: one["version"] for name, one in listed.items()} == pinned
    for name, one in listed.items():
        assert one["purl"].startswith(f"pkg:pypi/{name.lower()}@"), name
        assert one["externalReferences"][0]["hashes"], name
