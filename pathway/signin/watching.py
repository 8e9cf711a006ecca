"""Whatever changes somebody's second factors goes on record in the same transaction, and ends their other sessions."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from pathway.models import User
from pathway.signin import enrolling, sessions, trail

View = Callable[..., HttpResponse]


def watched(view: View) -> View:
    """The view in a transaction, with an event for each authenticator that came or went in it."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with transaction.atomic():
            user = request.user
            before = _of(user)
            answer = view(request, *args, **kwargs)
            if isinstance(user, User):
                _record(request, user, before, _of(user))
        return answer

    return inner


def _of(user: Any) -> dict[int, str]:
    return dict(Authenticator.objects.filter(user_id=user.pk).values_list("pk", "type")) if user.pk else {}


def _record(request: HttpRequest, user: User, before: dict[int, str], after: dict[int, str]) -> None:
    gone = [before[pk] for pk in sorted(before.keys() - after.keys())]
    come = [after[pk] for pk in sorted(after.keys() - before.keys())]
    for action, types in (("authenticator.removed", gone), ("authenticator.added", come)):
        for one in types:
            trail.record(action, user, after={"type": one})
    if set(enrolling.FACTORS) & {*gone, *come}:
        sessions.end_others(request, user)
