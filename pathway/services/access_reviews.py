"""Marks on entries of the queue of unusual access: looked at and fine, or to be followed up."""

from __future__ import annotations

from datetime import datetime

from pathway import actor, audit, errors
from pathway.actor import Service
from pathway.models import AccessReview, Site, User

LONGEST_KEY = 128


def review(key: str, site: Site, person_id: int, *, verdict: str, reason: str, at: datetime, by: User) -> AccessReview:
    """Raises InvalidEntry naming the field, and NotAllowed for somebody who looks into their own access."""
    if verdict not in AccessReview.Verdict.values:
        raise errors.InvalidEntry("not-allowed", "Say whether it is fine or has to be followed up", "verdict")
    if not reason.strip():
        raise errors.InvalidEntry("not-allowed", "Say what you found", "reason")
    if person_id == by.pk:
        raise errors.NotAllowed("not-allowed", "This is your own access: somebody else has to look at it")
    with actor.acting(actor.service(Service.AUDIT)):
        made = AccessReview.objects.create(
            key=key[:LONGEST_KEY], site=site, person_id=person_id, verdict=verdict, reason=reason.strip(), by=by, at=at
        )
    audit.record(
        "access.reviewed", by=by, subject=made, reason=made.reason, after={"key": made.key, "verdict": verdict}
    )
    return made
