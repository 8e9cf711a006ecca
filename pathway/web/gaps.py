"""What has fallen silent, for coordinators; in numbers also for those who administer a site."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from pathway import access, audit, clock
from pathway.selectors import gaps
from pathway.web import pages


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
