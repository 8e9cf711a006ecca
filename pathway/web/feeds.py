"""Calendar feeds: what a calendar reads under a secret address, and the page on which people make such addresses."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from pathway import access, actor, audit, clock, errors, office
from pathway.selectors import feeds
from pathway.web import calendar_text, pages

# A calendar asks every quarter of an hour or so. Counted for each secret, a right one or not, and for each address.
READS, READS_WITHIN = 60, timedelta(hours=1)
MISSES, MISSES_WITHIN = 300, timedelta(minutes=15)
TOO_MANY = 429
OWN = "own"


@login_not_required
@require_safe
def read(request: HttpRequest, token: str) -> HttpResponse:
    """For programs without a session: the secret in the address is what opens it. Wrong and stopped answer alike."""
    misses = f"feed-misses-{_hashed(request.META.get('REMOTE_ADDR', ''))}"
    if _is_too_often(misses, MISSES, MISSES_WITHIN) or _counts(f"feed-{_hashed(token)}", READS, READS_WITHIN):
        wait = str(int(READS_WITHIN.total_seconds()))
        return HttpResponse(status=TOO_MANY, headers={"Retry-After": wait, "Cache-Control": "no-store"})
    feed = feeds.live(token)
    if feed is None:
        _counts(misses, MISSES, MISSES_WITHIN)
        return pages.not_found(request)
    at = clock.now()
    # Nobody is signed in: the wall of the database shows what the owner of the feed sees, and no more.
    with actor.acting(actor.person(feed.person_id)), transaction.atomic():
        found = feeds.read(feed, at)
        audit.read("feed.read", by=feed.person, patients=list(found.patient_pks), about=f"calendarfeed:{feed.pk}")
        office.note_feed_use(feed, at=at)
    text = calendar_text.of(found, at=at, address=lambda uuid: _address(request, uuid))
    return HttpResponse(
        text,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'inline; filename="pathway.ics"', "Cache-Control": "no-store"},
    )


@require_safe
@transaction.atomic
def overview(request: HttpRequest) -> HttpResponse:
    return pages.render(request, "calendar_feeds", {"offers": feeds.offers(pages.user_of(request)), "own": OWN})


@require_POST
@transaction.atomic
def renew(request: HttpRequest) -> HttpResponse:
    """The new address is on the answer and nowhere else: it is not stored, so it cannot be shown again."""
    user = pages.user_of(request)
    secret = office.renew_feed(_site(request, user), at=clock.now(), by=user)
    address = request.build_absolute_uri(reverse("calendar-feed", args=[secret]))
    context = {"offers": feeds.offers(user), "own": OWN, "address": address, "chosen": request.POST.get("calendar", "")}
    return pages.render(request, "calendar_feeds", context)


@require_POST
@transaction.atomic
def stop(request: HttpRequest) -> HttpResponse:
    user = pages.user_of(request)
    office.stop_feed(_site(request, user), at=clock.now(), by=user)
    return redirect("calendar-feeds")


def _site(request: HttpRequest, user: access.Person) -> access.Clinic | None:
    """None for the person's own calendar. Raises NotFound for a site that they do not coordinate."""
    wanted = request.POST.get("calendar", "")
    if wanted == OWN:
        return None
    pk = pages.number(wanted)
    site = None if pk is None else feeds.site_or_none(user, pk)
    if site is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return site


def _address(request: HttpRequest, uuid: UUID) -> str:
    return request.build_absolute_uri(reverse("patient", args=[uuid]))


def _hashed(text: str) -> str:
    """What is counted is kept for a while, and neither secrets nor addresses are."""
    return hashlib.sha256(text.encode()).hexdigest()


def _is_too_often(key: str, most: int, within: timedelta) -> bool:
    return int(cache.get(_of_now(key, within), 0)) >= most


def _counts(key: str, most: int, within: timedelta) -> bool:
    """Count one more; True where it is one too many. Of some at the same moment one may go uncounted."""
    name = _of_now(key, within)
    before = int(cache.get(name, 0))
    if before < most:
        cache.set(name, before + 1, timeout=within.total_seconds())
    return before >= most


def _of_now(key: str, within: timedelta) -> str:
    return f"{key}-{int(clock.real_now().timestamp() // within.total_seconds())}"
