from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests import walls
from tests.web import cast as people


@pytest.fixture(autouse=True)
def served_as_the_web(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in production: by the web's role, behind row-level security."""
    serve = Client.request

    def as_web(client: Client, **request: Any) -> Any:
        with walls.role("pathway_web"):
            return serve(client, **request)

    monkeypatch.setattr(Client, "request", as_web)
    yield


@pytest.fixture
def cast(loaded: None) -> people.Cast:
    """A clinic with one enrolled patient and everybody who may or may not see her."""
    return people.assemble()
