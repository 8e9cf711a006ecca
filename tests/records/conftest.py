from __future__ import annotations

import pytest

from tests.records import cast as people
from tests.web.conftest import served_as_the_web  # noqa: F401 (a fixture: pages are served as the web's role)


@pytest.fixture
def pair(loaded: None) -> people.Pair:
    """Two records of Ada at one clinic, each with a team of its own; one coordinator is on both."""
    return people.pair()
