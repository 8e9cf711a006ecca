"""Pages about one's own account, and the ways out."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.internal.flows.logout import logout
from allauth.account.views import PasswordChangeView
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pathway.models import User
from pathway.signin import enrolling, sessions, trail

FORGET = '"cache", "storage"'  # what the browser drops; the session itself is gone from the server


def person(request: HttpRequest) -> User:
    """Who is signed in; the middleware lets nobody else come here."""
    return cast(User, request.user)


@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponse:
    """By POST, also when the session has run out meanwhile; who comes by the address alone stays signed in."""
    if request.method == "POST":
        if isinstance(request.user, User):
            trail.record("signed-out", request.user)
        logout(request)
    answer = redirect("home")
    if request.method == "POST":
        answer["Clear-Site-Data"] = FORGET
    return answer


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    user = person(request)
    factors = Authenticator.objects.filter(user=user)
    context = {
        "has_password": user.has_usable_password(),
        "factors": factors.filter(type__in=enrolling.FACTORS).count(),
        "has_codes": factors.filter(type=Authenticator.Type.RECOVERY_CODES).exists(),
        "is_required": enrolling.is_required(user),
        "sessions": len(UserSession.objects.purge_and_list(user)),
    }
    return render(request, "account/account.html", context)


@never_cache
@require_safe
def own_sessions(request: HttpRequest) -> HttpResponse:
    found = sorted(UserSession.objects.purge_and_list(person(request)), key=lambda one: one.created_at, reverse=True)
    context = {"sessions": found, "present": request.session.session_key}
    return render(request, "account/sessions.html", context)


@require_POST
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """One of the person's own; another's is not found."""
    if not sessions.end_one(person(request), pk):
        raise Http404
    trail.record("session.ended", person(request), reason="by the person")
    return redirect("account-sessions")


@require_POST
def end_other_sessions(request: HttpRequest) -> HttpResponse:
    sessions.end_others(request, person(request))
    trail.record("session.ended", person(request), reason="all others, by the person")
    return redirect("account-sessions")


class ChangePassword(PasswordChangeView):  # type: ignore[misc]
    """Only for who has a password here: single sign-on gets no second way in."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not person(request).has_usable_password():
            raise Http404
        return cast(HttpResponseBase, super().dispatch(request, *args, **kwargs))


@login_not_required
def to_the_sign_in(request: HttpRequest) -> HttpResponse:
    """The administration has no sign-in of its own, and is nowhere for who may not enter it."""
    if request.user.is_authenticated:
        raise Http404
    query = urlencode({"next": request.GET.get("next", reverse("admin:index"))})
    return redirect(f"{reverse('login')}?{query}")


def to_the_own_password(request: HttpRequest) -> HttpResponse:
    return redirect("account_change_password")
