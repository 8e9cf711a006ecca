from __future__ import annotations

import pytest

from tests.web import cast as people
from tests.web.conftest import served_as_the_web  # noqa: F401 (a fixture: pages are served as the web's role)


@pytest.fixture
def cast(loaded: None) -> people.Cast:
    """A clinic with one enrolled patient and everybody who may or may not see her."""
    return people.assemble()
