"""What stands between a session and the pages: its limits, the sign-in, a password of one's own, a second factor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth import REDIRECT_FIELD_NAME, logout
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse

from pathway.models import User
from pathway.signin import enrolling, sessions, trail

Answer = Callable[[HttpRequest], HttpResponse]

UNAUTHORIZED = 401
POLL_HEADER = "HX-Poll"  # a page that asks by itself says so with `HX-Poll: 1`, and does not count as somebody there

PASSWORD_PAGES = frozenset({"account_change_password"})
ENROLLING_PAGES = frozenset(
    {
        "mfa_index",
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "account_reauthenticate",
        "mfa_reauthenticate",
        "mfa_reauthenticate_webauthn",
    }
)
ALWAYS = frozenset({"logout", "account_logout", "livez", "readyz"})


def is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def lead(request: HttpRequest, address: str, *, status: int = UNAUTHORIZED) -> HttpResponse:
    """Go there: a page by a redirect, a part of a page by telling htmx, which would put the page into the part."""
    if not is_htmx(request):
        return HttpResponseRedirect(address)
    return HttpResponse(status=status, headers={"HX-Redirect": address})


class SessionLimitsMiddleware:
    """Behind the authentication: ends sessions that are over, and remembers that somebody is there."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User):
            reason = sessions.why_over(request)
            if reason:
                trail.record("session.ended", request.user, reason=reason)
                logout(request)
            elif request.headers.get(POLL_HEADER) != "1":
                sessions.mark(request)
        return self.get_response(request)


class SignInMiddleware(LoginRequiredMiddleware):
    """Deny by default: a view that anybody may see says so with `login_not_required`."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:  # type: ignore[override]
        here = urlsplit(request.headers.get("HX-Current-URL", "")) if is_htmx(request) else None
        back = request.get_full_path() if here is None else here.path + (f"?{here.query}" if here.query else "")
        query = urlencode({REDIRECT_FIELD_NAME: back or "/"}, safe="/")
        return lead(request, f"{resolve_url(self.get_login_url(view_func))}?{query}")


class WholeAccountMiddleware:
    """Who still has somebody else's password, or no second factor where one is required, first sees to that."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        user = request.user
        name = request.resolver_match.view_name if request.resolver_match else None
        if not isinstance(user, User) or name in ALWAYS:
            return None
        if user.must_change_password:
            return None if name in PASSWORD_PAGES else lead(request, reverse("account_change_password"), status=403)
        if name in ENROLLING_PAGES or not enrolling.is_missing(user):
            return None
        return lead(request, reverse("mfa_index"), status=403)
