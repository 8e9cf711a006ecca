"""Nothing is open by accident: every view is behind the sign-in, or on the short list below with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, include, path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pathway.models import Patient
from pathway.web.middleware import is_of_api
from tests.web.cast import Cast, signed_in

# Address → why it is open to somebody who is not signed in. The admin's own sign-in leads to the one of everybody.
OPEN = {
    "livez": "asked by the machine that restarts the process; says one word",
    "readyz": "asked by the machine that sends the traffic; says one word",
    "status": "for machines that watch: from a network of the operator, with its token, or of the staff",
    "metrics": "as /status",
    "sign-in/": "where one signs in",
    "sign-in/code/": "the second step of signing in; leads back to the first without it",
    "sign-in/passkey/": "signing in with a passkey",
    "sign-in/disabled/": "says that an account is switched off, to everybody alike",
    "password/": "asks for a mail to set a password anew; the same answer for known and unknown names",
    "password/sent/": "says that a mail went out if there is such an account",
    "password/set/": "says that the password was set",
    "^password/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$": "the address in that mail, which counts once",
    "sign-out/": "ends a session, also one that has run out meanwhile; there is nothing to see",
    "admin/login/": "leads to the sign-in",
    "feeds/<str:token>.ics": "read by calendars, which have no session: a secret of 256 bits in the address opens it",
}
SIGN_IN = ("/sign-in/", "/admin/login/")
SAMPLES = {"int": "987654321", "uuid": "11111111-2222-4333-8444-555555555555", "slug": "nothing", "path": "9/x"}


class Planted(APIView):
    """A view of the API whose author has forgotten everything."""

    def get(self, request: Request) -> Response:
        return Response({"canary": "seen"})


class PlantedOpen(Planted):
    permission_classes = [AllowAny]


def planted(request: HttpRequest) -> HttpResponse:
    return HttpResponse("canary seen")


urlpatterns = [path("planted/", planted), path("planted/api/", Planted.as_view()), path("", include("config.urls"))]


def routes(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every address with its view, those of included lists too."""
    for one in resolver.url_patterns:
        here = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield here, one.callback
        else:
            yield from routes(one, here)


def needs_sign_in(view: Callable[..., Any]) -> bool:
    """As the middleware of the sign-in sees it."""
    return bool(getattr(view, "login_required", True))


def is_guarded(view: Callable[..., Any]) -> bool:
    """An API view is not under that middleware: its classes must ask who comes and what they may."""
    if not is_of_api(view):
        return needs_sign_in(view)
    kind = view.cls  # type: ignore[attr-defined]
    return bool(kind.authentication_classes and kind.permission_classes) and AllowAny not in kind.permission_classes


def test_every_view_is_behind_the_sign_in_or_listed_with_a_reason() -> None:
    found = dict(routes(get_resolver()))
    unguarded = {address for address, view in found.items() if not is_guarded(view)}
    assert unguarded == set(OPEN)
    assert len(found) > 100
    print(f"{len(found)} addresses, {len(unguarded)} of them open")  # noqa: T201 (the count is part of the proof)


def test_no_view_is_exempt_from_the_check_of_tokens() -> None:
    exempt = {a for a, view in routes(get_resolver()) if getattr(view, "csrf_exempt", False) and not is_of_api(view)}
    assert exempt == set()


def test_who_is_not_signed_in_gets_nowhere(db: None) -> None:
    """Asked for real, with made-up keys in the places of the addresses."""
    asked = 0
    for route, view in routes(get_resolver()):
        if route in OPEN:
            continue
        if route.startswith("^") or "(?P" in route:
            assert needs_sign_in(view) or is_of_api(view), route
            continue
        address = "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found[1], "nothing"), route)
        for method in ("get", "post"):
            answer = getattr(Client(), method)(address)
            place = answer.headers.get("Location", "")
            # Signing out of the administration leads home, and from there to the sign-in.
            is_sent_away = answer.status_code == 302 and (place.startswith(SIGN_IN) or place == "/")
            assert is_sent_away or answer.status_code in (401, 403, 404, 405), (address, answer.status_code)
            asked += 1
    assert asked > 200


@pytest.mark.parametrize("view", [PlantedOpen.as_view()])
def test_the_walk_sees_a_view_that_lets_everybody_in(view: Callable[..., Any]) -> None:
    assert not is_guarded(view)
    assert is_guarded(Planted.as_view()) and is_guarded(planted)


def test_a_planted_view_is_closed_without_a_word_of_its_own(cast: Cast) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        for address in ("/planted/", "/planted/api/"):
            answer = Client().get(address)
            assert answer.status_code in (302, 401, 403), address
            assert b"canary" not in answer.content
        assert b"canary" in signed_in(cast.member).get("/planted/").content


def test_the_api_denies_by_default() -> None:
    assert settings.REST_FRAMEWORK["DEFAULT_PERMISSION_CLASSES"]
    assert AllowAny not in APIView.permission_classes and APIView.permission_classes
    assert settings.REST_FRAMEWORK["DEFAULT_RENDERER_CLASSES"] == ["rest_framework.renderers.JSONRenderer"]


# the administration


def leads_to_a_patient(model: type[Model], seen: frozenset[type[Model]] = frozenset()) -> bool:
    """Whether rows of this model belong to a patient, directly or through others."""
    if model is Patient:
        return True
    if model in seen:
        return False
    related = [f.related_model for f in model._meta.get_fields() if f.concrete and f.is_relation]
    return any(isinstance(one, type) and leads_to_a_patient(one, seen | {model}) for one in related)


def test_no_model_that_leads_to_a_patient_is_in_the_administration() -> None:
    clinical = {model for model in apps.get_models() if leads_to_a_patient(model)}
    assert len(clinical) > 15 and Patient in clinical
    registered = set(admin.site._registry)
    shown_inside = {inline.model for one in admin.site._registry.values() for inline in one.inlines}
    assert not clinical & (registered | shown_inside)


def test_the_administration_lets_in_only_its_people(cast: Cast) -> None:
    for who in (cast.member, cast.coordinator, cast.admin, cast.stranger):
        answer = signed_in(who).get("/admin/pathway/user/")
        assert answer.status_code in (302, 403, 404), who
        assert cast.member.username.encode() not in answer.content
