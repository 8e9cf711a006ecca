"""Functions of the database that know more than the person who asks, and tell only what that person may learn.

Row-level security hides whom somebody does not see. Opening a record in an emergency, reviewing that, and finding
patients without a coordinator concern just those; `0008_break_glass` says what each function checks before it answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from pathway import actor
from pathway.models.people import User


def ask(question: str, parameters: Sequence[Any], *, by: User) -> list[tuple[Any, ...]]:
    """Rows of a statement that calls such a function on behalf of this person. Only within a transaction."""
    with actor.acting(actor.person(by.pk)), connection.cursor() as cursor:
        cursor.execute(question, parameters)
        return list(cursor.fetchall())
