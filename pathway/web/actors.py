"""Tells the database for whom a request works: the person who is signed in, and nobody before that."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from pathway import actor

Answer = Callable[[HttpRequest], HttpResponse]


class ActorMiddleware:
    """Behind the sign-in. Row-level security then shows this person's patients, whatever a view asks for."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        pk = request.user.pk
        with actor.acting(actor.person(pk) if pk is not None else actor.NOBODY):
            return self.get_response(request)
