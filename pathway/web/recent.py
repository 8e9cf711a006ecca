"""Whether the person has proved lately that it is they: asked before a record is opened in an emergency."""

from __future__ import annotations

import time
from typing import Any

from django.http import HttpRequest

RECENT_SECONDS = 15 * 60
# Where the sign-in notes how and when the person proved who they are: a list of entries with `at` in Unix seconds.
PROOFS = "account_authentication_methods"


def signed_in_recently(request: HttpRequest) -> bool:
    """In this session, and not in another one of the same person. A session that does not tell is not recent."""
    noted: list[dict[str, Any]] = request.session.get(PROOFS, [])
    newest = max((float(one.get("at", 0)) for one in noted), default=0.0)
    return 0 <= time.time() - newest < RECENT_SECONDS


def proved(request: HttpRequest) -> None:
    """The password has just been asked again, and was right."""
    noted = list(request.session.get(PROOFS, []))
    request.session[PROOFS] = [*noted, {"method": "password", "at": time.time(), "reauthenticated": True}]
