"""Addresses of calendar feeds: made, renewed, stopped. Who has one sees through it what they see themselves."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db.models import Q

from pathway import audit, errors
from pathway.models import CalendarFeed, Membership, Site, User
from pathway.selectors import feeds
from pathway.vocabulary import COORDINATOR, NO_CARE

RANDOM_BYTES = 32
USED_EVERY = timedelta(minutes=1)


def renew(site: Site | None, *, at: datetime, by: User) -> str:
    """The secret of a new address, which is told once; the one before it stops. `site` None: their own calendar.

    Raises NotFound for a site that the person does not coordinate, NotAllowed for one who cares for nobody.
    """
    _check(site, by)
    # Two requests at once come one after the other.
    epoch = User.objects.select_for_update(no_key=True).values_list("session_epoch", flat=True).get(pk=by.pk)
    stop(site, at=at, by=by)
    secret = secrets.token_urlsafe(RANDOM_BYTES)
    feed = CalendarFeed.objects.create(
        person=by, site=site, digest=feeds.digest(secret), session_epoch=epoch, created_at=at
    )
    audit.record("feed.made", by=by, subject=feed, after={"site": site.slug if site else None})
    return secret


def stop(site: Site | None, *, at: datetime, by: User) -> bool:
    """Of the person's own. Returns whether there was one."""
    feed = CalendarFeed.objects.select_for_update().filter(person=by, site=site, revoked_at=None).first()
    if feed is None:
        return False
    feed.revoked_at = at
    feed.save(update_fields=["revoked_at"])
    audit.record("feed.revoked", by=by, subject=feed)
    return True


def note_use(feed: CalendarFeed, *, at: datetime) -> None:
    """Once a minute, so that its owner sees whether anybody reads it."""
    stale = Q(last_used_at=None) | Q(last_used_at__lt=at - USED_EVERY)
    CalendarFeed.objects.filter(stale, pk=feed.pk).update(last_used_at=at)


def _check(site: Site | None, by: User) -> None:
    held = Membership.objects.filter(user=by, is_active=True)
    if site is not None and not held.filter(site=site, role=COORDINATOR).exists():
        raise errors.NotFound("not-found", "There is nothing here")
    if not held.exclude(role__in=NO_CARE).exists():
        raise errors.NotAllowed("not-allowed", "A calendar is for people who care for patients")
