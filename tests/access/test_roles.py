"""Which role may do what is data: shown as it is enforced, and a word that is none fails when it is read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse

from pathway.access import GRANTS, Permit
from pathway.selectors import role_matrix
from pathway.vocabulary import Role
from tests.web.cast import Cast, signed_in


def test_every_role_and_every_permit_is_in_the_table() -> None:
    assert set(GRANTS) == set(Role)
    assert set(role_matrix.TITLES) == set(Permit)
    for line, permit in zip(role_matrix.lines(), Permit, strict=True):
        assert line.granted == [permit in GRANTS[role] for role in Role]


def test_every_permit_is_held_by_somebody() -> None:
    assert frozenset().union(*GRANTS.values()) == frozenset(Permit)


def test_the_documentation_says_what_is_enforced() -> None:
    written = (Path(settings.BASE_DIR) / "docs" / "roles.md").read_text(encoding="utf-8")
    assert written == role_matrix.markdown(), "run: python manage.py role_matrix --write"


def test_a_misspelt_permit_fails_when_the_module_is_imported(tmp_path: Path) -> None:
    (tmp_path / "door.py").write_text("from pathway.access import Permit\nNEEDED = Permit.OBSERVVE\n", encoding="utf-8")
    code = "import django, sys; django.setup(); sys.path.insert(0, sys.argv[1]); import door"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0 and "AttributeError" in done.stderr


@pytest.mark.parametrize("who", ["member", "coordinator", "admin"])
def test_whoever_has_a_role_may_read_the_table(cast: Cast, who: str) -> None:
    page = signed_in(getattr(cast, who)).get(reverse("roles"))
    assert page.status_code == 200 and "Neurologist" in page.content.decode()
