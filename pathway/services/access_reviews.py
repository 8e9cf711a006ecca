"""Marks on entries of the queue of unusual access: looked at and fine, or to be followed up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pathway import actor, audit, errors
from pathway.actor import Service
from pathway.models import AccessReview, Site, User


@dataclass(frozen=True, slots=True)
class Looked:
    """The entry that was looked at: its key, whose access it was, and what was shown."""

    key: str
    person: int
    what: str


def review(entry: Looked, site: Site, *, verdict: str, reason: str, at: datetime, by: User) -> AccessReview:
    """Raises InvalidEntry naming the field, and NotAllowed for somebody who looks into their own access."""
    if verdict not in AccessReview.Verdict.values:
        raise errors.InvalidEntry("not-allowed", "Say whether it is fine or has to be followed up", "verdict")
    if not reason.strip():
        raise errors.InvalidEntry("not-allowed", "Say what you found", "reason")
    if entry.person == by.pk:
        raise errors.NotAllowed("not-allowed", "This is your own access: somebody else has to look at it")
    made = AccessReview(
        key=entry.key,
        what=entry.what,
        site=site,
        person_id=entry.person,
        verdict=verdict,
        reason=reason.strip(),
        by=by,
        at=at,
    )
    with actor.acting(actor.service(Service.AUDIT)):
        made.save()
    after = {"key": entry.key, "what": entry.what, "verdict": verdict}
    audit.record("access.reviewed", by=by, subject=made, reason=made.reason, after=after)
    return made
