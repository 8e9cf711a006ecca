from __future__ import annotations

import pytest

from tests.web import cast as people


@pytest.fixture
def cast(loaded: None) -> people.Cast:
    """A clinic with one enrolled patient and everybody who may or may not see her."""
    return people.assemble()
