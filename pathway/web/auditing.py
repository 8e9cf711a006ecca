"""What every audit event of a request says besides who and what: from where, which request, what for.

And what was asked for in vain: refusals go on record after the transaction of their view has been rolled back.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from uuid import UUID, uuid4

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from pathway import access, audit, errors, origin
from pathway.web import pages

Answer = Callable[[HttpRequest], HttpResponse]

ADMINISTRATION = "/admin/"


class OriginMiddleware:
    """Behind the one that believes our proxies and nobody else, so that REMOTE_ADDR is the client's address."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        purpose = "administration" if request.path.startswith(ADMINISTRATION) else ""
        with origin.coming_from(origin.Origin(_address(request), uuid4(), purpose)):
            return self.get_response(request)


class RefusalsMiddleware:
    """The innermost: it sees a refusal before anything turns it into a page, and leaves the page as it is."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> None:
        note_refusal(request, error)


def note_refusal(request: HttpRequest, error: Exception) -> None:
    """For doors that turn refusals into answers by themselves. What is no refusal, and who is nobody, is left out.

    Nothing is looked up here: what is missing and what is not visible leave the same row in the same time.
    """
    action = _action(error)
    if action and request.user.is_authenticated:
        with transaction.atomic():
            audit.refused(action, by=pages.user_of(request), subject=_subject(request))


def _action(error: Exception) -> str:
    if isinstance(error, errors.NotFound):
        return audit.NOT_FOUND
    return audit.REFUSED if isinstance(error, access.Forbidden) else ""


def _subject(request: HttpRequest) -> str:
    """What the address named: a patient by UUID, or the name of the page with the key in it."""
    match = request.resolver_match
    if match is None:
        return ""
    for value in match.kwargs.values():
        if isinstance(value, UUID):
            return f"patient:{value}"
    keys = [str(value) for value in match.kwargs.values() if isinstance(value, int)]
    return ":".join([match.url_name or "", *keys])


def _address(request: HttpRequest) -> str | None:
    """None behind a socket of this machine, which has no address."""
    try:
        return str(ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")))
    except ValueError:
        return None
