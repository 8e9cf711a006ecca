"""What has fallen silent, for coordinators; in numbers also for those who administer a site."""

from __future__ import annotations

import time
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from pathway import access, audit, clock
from pathway.selectors import gaps
from pathway.web import pages

MOST_KEPT = 1000
_counted: dict[tuple[int, int], tuple[float, int]] = {}  # of this process: when it was counted for whom, and the number


@require_safe
@transaction.atomic
def overview(request: HttpRequest) -> HttpResponse:
    """Of every site at which the person coordinates or administers."""
    at, user = clock.now(), pages.user_of(request)
    coordinates = bool(gaps.coordinated(user))
    if not coordinates and not gaps.administered(user):
        raise access.Forbidden("not-allowed", "Your role at no site looks after what has fallen silent")
    found = gaps.overview(user, at)
    audit.read("gaps.read", by=user, patients=found.patient_pks)
    return pages.render(request, "gaps", {"gaps": found, "coordinates": coordinates})


def number(user: access.Person, site: access.Clinic, at: datetime) -> int:
    """For the worklist. It looks at every task of every patient in sight, so each process keeps it for a minute."""
    counted, found = _counted.get((user.pk, site.pk), (float("-inf"), 0))
    if time.monotonic() - counted < settings.GAPS_SECONDS:
        return found
    if len(_counted) >= MOST_KEPT:
        _counted.clear()
    found = gaps.count(user, site, at)
    _counted[user.pk, site.pk] = (time.monotonic(), found)
    return found
