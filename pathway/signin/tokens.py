"""Keys of service accounts: making them, knowing one again, revoking them.

A token opens a door only where its account has a place, like anybody: membership, care team, an active account. Its
scopes and sites narrow that further.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from pathway import audit, errors
from pathway.models import ApiToken, Membership, Scope, Site, User
from pathway.signin import trail

PREFIX = "pathway_"  # by which scanners of sources and logs find one that leaked
RANDOM_BYTES = 32
USED_EVERY = timedelta(minutes=1)
LONGEST_DAYS = 365


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def create(
    user: User, label: str, *, scopes: Collection[str], sites: Collection[Site], days: int, at: datetime
) -> tuple[ApiToken, str]:
    """The row, and the token itself, which is shown once. Raises InvalidEntry naming the field at fault."""
    _check(user, label, scopes, sites, days)
    secret = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    row = ApiToken.objects.create(
        user=user,
        label=label.strip(),
        digest=digest(secret),
        scopes=sorted(set(scopes)),
        created_at=at,
        expires_at=at + timedelta(days=days),
    )
    row.sites.set(sites)
    trail.record("token.created", user, after={"token": row.pk, "scopes": row.scopes, "days": days})
    return row, secret


@transaction.atomic
def revoke(token: ApiToken, *, at: datetime, by: User | None) -> None:
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=at):
        audit.record("token.revoked", by=by, subject=token.user, after={"token": token.pk})


def bearer(secret: str, at: datetime) -> ApiToken | None:
    """The token, if it may be used now; that it was used is noted once a minute."""
    row = ApiToken.objects.usable(at).select_related("user").filter(digest=digest(secret)).first()
    if row is not None:
        stale = Q(last_used_at=None) | Q(last_used_at__lt=at - USED_EVERY)
        if row.last_used_at is None or row.last_used_at < at - USED_EVERY:
            ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=at)
    return row


def _check(user: User, label: str, scopes: Collection[str], sites: Collection[Site], days: int) -> None:
    if not user.is_service or not user.is_active:
        raise errors.InvalidEntry("not-allowed", "Tokens are for active service accounts", "username")
    if not label.strip():
        raise errors.InvalidEntry("not-allowed", "Say what the token is for", "label")
    unknown = sorted(set(scopes) - set(Scope.values))
    if unknown or not scopes:
        told = ", ".join(unknown) or "none"
        raise errors.InvalidEntry("not-allowed", f"No such scope: {told}; one of {', '.join(Scope.values)}", "scope")
    held = set(Membership.objects.filter(user=user, is_active=True).values_list("site_id", flat=True))
    if not sites or not {site.pk for site in sites} <= held:
        raise errors.InvalidEntry("not-allowed", "The service account has no role at one of the sites", "site")
    if not 1 <= days <= LONGEST_DAYS:
        raise errors.InvalidEntry("not-allowed", f"From 1 to {LONGEST_DAYS} days", "days")
