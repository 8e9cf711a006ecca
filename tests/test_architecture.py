"""Who may import whom: the contracts hold, and a planted violation breaks each of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import places

LINT = "import sys; from importlinter.cli import lint_imports_command as lint; sys.exit(lint())"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package, in which a test may plant what it likes."""
    shutil.copytree(
        places.BASE_DIR / "pathway", tmp_path / "pathway", ignore=shutil.ignore_patterns("__pycache__", "static")
    )
    shutil.copy(places.BASE_DIR / "pyproject.toml", tmp_path)
    return tmp_path


def lint(tree: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def plant(tree: Path, module: str, line: str) -> None:
    path = tree / (module.replace(".", "/") + ".py")
    path.parent.mkdir(exist_ok=True)
    (path.parent / "__init__.py").touch()
    with path.open("a") as file:
        file.write(f"\n{line}\n")


def test_the_contracts_hold(tree: Path) -> None:
    done = lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("pathway.models.planted", "import pathway.flow", "imports go down only"),
        ("pathway.selectors.planted", "import pathway.services", "imports go down only"),
        ("pathway.access", "import pathway.audit", "imports go down only"),
        ("pathway.web.planted", "import pathway.api", "imports go down only"),
        ("pathway.vocabulary", "import pathway.engine", "imports go down only"),
        ("pathway.planted", "import pathway.flow", "imports go down only"),
        ("pathway.services.planted", "import pathway.services.alerts", "services do not know one another"),
        ("pathway.engine.planted", "import django.db", "the engine thinks without a framework"),
        ("pathway.engine.planted", "import celery", "the engine thinks without a framework"),
        ("pathway.flow", "import celery", "below the doors only the nudge publishes"),
        ("pathway.selectors.planted", "import rest_framework", "below the doors only the nudge publishes"),
        ("pathway.jobs.planted", "import pathway.models", "doors do not touch models"),
        ("pathway.web.planted", "from pathway.models import people", "doors do not touch models"),
    ],
)
def test_a_planted_violation_is_found(tree: Path, module: str, line: str, contract: str) -> None:
    plant(tree, module, line)
    done = lint(tree)
    assert done.returncode == 1
    broken = [row for row in done.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(contract in row for row in broken), done.stdout
