from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client, TestCase

from pathway.models import Site, User
from pathway.signin import outgoing
from pathway.vocabulary import Role
from tests import builders


@pytest.fixture(autouse=True)
def served_as_the_web(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Requests of these tests are served by the web's role of the database, as in production; mail is waited for."""
    serve = Client.request

    def as_web(client: Client, **request: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE pathway_web")
            try:
                with TestCase.captureOnCommitCallbacks(execute=True):
                    return serve(client, **request)
            finally:
                outgoing.flush()
                cursor.execute("RESET ROLE")

    monkeypatch.setattr(Client, "request", as_web)
    yield


@pytest.fixture
def strict(loaded: None) -> Site:
    """A clinic as it is opened: a second factor is required."""
    return builders.site(requires_mfa=True)


@pytest.fixture
def easy(loaded: None) -> Site:
    """A clinic that has switched it off, like the demo."""
    return builders.site(requires_mfa=False)


@pytest.fixture
def ada(strict: Site) -> User:
    return builders.user(strict, Role.NEUROLOGIST, email="ada@clinic.test", first_name="Ada")


@pytest.fixture
def eve(easy: Site) -> User:
    return builders.user(easy, Role.DIETITIAN, email="eve@clinic.test")
