"""Two connections to one database: behind the wall as what serves people, and without it as who owns everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.test import override_settings

from config.database.base import DatabaseWrapper
from pathway import actor
from pathway.models import User

WEB = "pathway_web"


class Side:
    """One of the two. Plans belong to a role, so each side keeps a connection of its own."""

    def __init__(self, role: str = "") -> None:
        present = connections["default"].settings_dict
        options = dict(present["OPTIONS"])
        if role:
            options["options"] = f"{options.get('options', '')} -c role={role}".strip()
        self.role = role
        self.wrapper = DatabaseWrapper({**present, "OPTIONS": options, "CONN_MAX_AGE": None}, "default")

    @contextmanager
    def working_for(self, user: User) -> Iterator[None]:
        """Django's connection is this one in the block, and every transaction is told for whom it works."""
        before = connections["default"]
        connections["default"] = self.wrapper
        try:
            with override_settings(DATABASE_ROLE=self.role), actor.acting(actor.person(user.pk)):
                yield
        finally:
            connections["default"] = before

    def close(self) -> None:
        self.wrapper.close()


@contextmanager
def both() -> Iterator[tuple[Side, Side]]:
    """Behind the wall, and without it: a superuser, whom no policy holds."""
    walled, open_ = Side(WEB), Side()
    try:
        yield walled, open_
    finally:
        walled.close()
        open_.close()
