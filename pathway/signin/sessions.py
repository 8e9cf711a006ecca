"""When a session ends: after a while without a click, after a working day, and when somebody ends it.

A session carries two marks in seconds of the web server's clock, like Django's own date of expiry. It also carries a
hash of the password and of `User.session_epoch`, compared at each request: raising the epoch ends all of an account.
"""

from __future__ import annotations

import time
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.sessions.models import Session
from django.db.models import F
from django.http import HttpRequest

from pathway.models import User

BEGUN, SEEN = "pathway.begun", "pathway.seen"
MARK_EVERY = 30  # seconds between two writings of the mark, so that most requests write nothing


def begin(request: HttpRequest) -> None:
    request.session[BEGUN] = request.session[SEEN] = int(time.time())


def why_over(request: HttpRequest) -> str:
    """Which limit the session has passed; empty while it goes on."""
    now = time.time()
    begun, seen = request.session.get(BEGUN), request.session.get(SEEN)
    if begun is None or seen is None:
        return ""
    if now - begun >= settings.SESSION_COOKIE_AGE:
        return "absolute"
    return "idle" if now - seen >= settings.SESSION_IDLE_SECONDS else ""


def mark(request: HttpRequest) -> None:
    """Somebody did something."""
    if BEGUN not in request.session:
        begin(request)
    elif time.time() - request.session[SEEN] >= MARK_EVERY:
        request.session[SEEN] = int(time.time())


def ways(request: HttpRequest) -> list[str]:
    """How the person proved who they are, in order."""
    return [str(one.get("type") or one["method"]) for one in get_authentication_records(request, _person(request))]


def end_others(request: HttpRequest, user: User) -> None:
    """All sessions of the account but this one."""
    if request.user.pk != user.pk:
        end_all(user)
        return
    here = request.session.session_key
    end_all(user)
    user.refresh_from_db(fields=["session_epoch"])
    update_session_auth_hash(request, user)
    if here != request.session.session_key:
        UserSession.objects.create_from_request(request)


def end_all(user: User) -> None:
    User.objects.filter(pk=user.pk).update(session_epoch=F("session_epoch") + 1)
    rows = UserSession.objects.filter(user_id=user.pk)
    Session.objects.filter(session_key__in=rows.values("session_key")).delete()
    rows.delete()


def end_everybody() -> int:
    """The number of accounts whose sessions are over now."""
    ended = User.objects.update(session_epoch=F("session_epoch") + 1)
    UserSession.objects.all().delete()
    Session.objects.all().delete()
    return ended


def end_one(user: User, pk: int) -> bool:
    """One of the person's own; False when there is none with this number."""
    row = UserSession.objects.filter(user_id=user.pk, pk=pk).first()
    if row is None:
        return False
    row.end()
    return True


def _person(request: HttpRequest) -> Any:
    return request.user
