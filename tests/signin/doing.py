"""What people do at the sign-in, as a browser would send it."""

from __future__ import annotations

import re
import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from pathway.models import AuditEvent, User

PASSWORD = "correct horse"  # of tests.builders


def sign_in(client: Client, user: User, password: str = PASSWORD, **more: Any) -> HttpResponse:
    return client.post(reverse("login"), {"username": user.username, "password": password}, **more)


def signed_in(user: User) -> Client:
    """With the password alone, as far as it leads."""
    client = Client()
    assert sign_in(client, user).status_code == 302
    return client


def confirm(client: Client, password: str = PASSWORD) -> HttpResponse:
    return client.post(reverse("account_reauthenticate"), {"password": password})


def code_of(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def set_up_app(client: Client) -> str:
    """Set up an authenticator app in this session; its secret. The code that was used up may be used again."""
    confirm(client)
    page = client.get(reverse("mfa_activate_totp")).content.decode()
    found = re.search(r'id="authenticator_secret">(\w+)<', page)
    assert found is not None, page
    secret = found[1]
    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(secret)})
    assert answer.status_code == 302, answer.content.decode()
    cache.clear()
    return secret


def events(user: User) -> list[str]:
    return list(AuditEvent.objects.filter(actor=user).order_by("pk").values_list("action", flat=True))


def gets_in(client: Client) -> bool:
    return client.get("/").status_code == 200
