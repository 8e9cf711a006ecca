"""What happened to an account goes on record. Nobody is signed in yet at most of these doors, so each says for whom."""

from __future__ import annotations

from typing import Any

import structlog
from django.db import transaction

from pathway import actor, audit
from pathway.models import User
from pathway.signin import throttle

log = structlog.get_logger(__name__)


def record(action: str, user: User, *, reason: str = "", after: dict[str, Any] | None = None) -> None:
    """One event about this account, by it: a failed attempt too, as the account is all that is known of who it was."""
    with actor.acting(actor.person(user.pk)), transaction.atomic():
        audit.record(action, by=user, subject=user, reason=reason, after=after)


def unknown(action: str, username: str, address: str) -> None:
    """No account has this name: a line in the log, by which attempts at one name can be told together."""
    log.warning(action, account=throttle.account_key(username)[:16], address=address)
