"""What every template may use."""

from __future__ import annotations

import time
from functools import partial

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from pathway import actor
from pathway.actor import Service
from pathway.selectors import health
from pathway.selectors.health import Lateness

_known: tuple[float, Lateness | None] = (float("-inf"), None)  # of this process: when it was asked, and the answer


def nonce(request: HttpRequest) -> dict[str, object]:
    """The nonce of this answer's policy for script elements; asking for it puts it into the policy."""
    return {"csp_nonce": getattr(request, "csp_nonce", "")}


def late(request: HttpRequest) -> dict[str, object]:
    """Whether reminders are late, for whoever is signed in; asked only by templates that show it."""
    return {"late": partial(_lateness, request)}


def _lateness(request: HttpRequest) -> Lateness | None:
    """Of everybody's reminders, so it is asked as a service; each process asks now and then, not for each page."""
    global _known
    if not request.user.is_authenticated:
        return None
    asked, answer = _known
    if time.monotonic() - asked >= settings.BANNER_SECONDS:
        # The page's own transaction goes on as the person: what is told changes with the next statement.
        with actor.acting(actor.service(Service.DELIVER)), transaction.atomic(savepoint=False):
            answer = health.lateness()
        _known = (time.monotonic(), answer)
    return answer
