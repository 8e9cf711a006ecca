"""How often a password may be tried: a delay, never a lock that somebody else could keep shut.

Whoever fails waits until their oldest failure is a quarter of an hour old. One address is stopped for one account long
before it could stop the account for everybody; attempts made while waiting are not counted, so the wait does not grow.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from pathway import clock
from pathway.models import SignInAttempt

IPV6_PREFIX = 64  # one customer has at least that much
TIDIED_AT_ONCE = 50
TAKE_TURNS = "SELECT pg_advisory_xact_lock(%s)"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One that was let through, as the row that counts until it turns out to be right."""

    pk: int
    is_last: bool  # the next one will have to wait


def address_of(request: HttpRequest) -> str:
    """Of the client; the middleware for proxies has made it so. IPv6 counts by network."""
    text = str(request.META.get("REMOTE_ADDR", ""))
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return text[:64]
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network(f"{found}/{IPV6_PREFIX}", strict=False).network_address)


def account_key(username: str) -> str:
    """One key per account; a keyed hash, since people type passwords into the wrong field."""
    return salted_hmac("pathway.sign-in", username.strip().casefold(), algorithm="sha256").hexdigest()


@transaction.atomic
def begin(username: str, address: str) -> Attempt | None:
    """Count an attempt before the password is looked at; None when this one has to wait."""
    account, at = account_key(username), clock.real_now()
    _take_turns(account, address)
    since = at - timedelta(seconds=settings.SIGN_IN_WINDOW_SECONDS)
    left = min(_left(account, address, since))
    if left <= 0:
        return None
    _tidy_some(since)
    row = SignInAttempt.objects.create(at=at, account=account, address=address)
    return Attempt(row.pk, is_last=left == 1)


def forgive(attempt: Attempt) -> None:
    """It was right. Earlier failures keep counting: a right password between guesses buys no more guesses."""
    SignInAttempt.objects.filter(pk=attempt.pk).delete()


def tidy(at: datetime) -> int:
    """Remove attempts that count no more."""
    old = SignInAttempt.objects.filter(at__lte=at - timedelta(seconds=settings.SIGN_IN_WINDOW_SECONDS))
    return old.delete()[0]


def _tidy_some(since: datetime) -> None:
    """A few with each attempt, so that the table does not grow while nobody tidies it."""
    old = SignInAttempt.objects.filter(at__lte=since).select_for_update(skip_locked=True)
    SignInAttempt.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:TIDIED_AT_ONCE])).delete()


def _left(account: str, address: str, since: datetime) -> Iterator[int]:
    recent = SignInAttempt.objects.filter(at__gt=since)
    yield settings.SIGN_IN_FAILURES - recent.filter(account=account, address=address).count()
    yield settings.SIGN_IN_FAILURES_OF_ACCOUNT - recent.filter(account=account).count()
    yield settings.SIGN_IN_FAILURES_OF_ADDRESS - recent.filter(address=address).count()


def _take_turns(*names: str) -> None:
    """Attempts at once would each see the others missing. In one order, so that nobody waits for each other."""
    numbers = sorted(int.from_bytes(hashlib.sha256(n.encode()).digest()[:8], signed=True) for n in names)
    with connection.cursor() as cursor:
        for number in numbers:
            cursor.execute(TAKE_TURNS, [number])
