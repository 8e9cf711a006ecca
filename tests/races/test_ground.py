"""What every race stands on; it also lets pytest-django know that this folder needs its database."""

from __future__ import annotations

import pytest

from pathway.models import PathwayVersion, Release


@pytest.mark.usefixtures("loaded")
def test_the_shipped_content_is_loaded_before_anybody_runs() -> None:
    assert Release.objects.exists()
    assert PathwayVersion.objects.filter(status="published").count() == 6
