"""A password that is asked again before something grave: attempts are counted, and each failure is on record."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection

from pathway import audit, clock, errors
from pathway.models import AuditEvent, User

MOST_FAILURES, WITHIN = 5, timedelta(minutes=15)
FAILED = "proof.failed"
THROTTLED = "Too many wrong passwords. Wait a quarter of an hour, or sign in again."


def refuse_if_throttled(*, by: User) -> None:
    """Raises NotAllowed after five wrong ones within a quarter of an hour, in real time.

    Attempts of one person come one after the other, or many at once would all pass.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('pathway.proof', %s))", [by.pk])
    failed = AuditEvent.objects.filter(actor=by, action=FAILED, at__gt=clock.real_now() - WITHIN)
    if failed.count() >= MOST_FAILURES:
        raise errors.NotAllowed("not-allowed", THROTTLED)


def failed(what: str, *, by: User) -> None:
    """`what` was to be done; no password is written down."""
    audit.record(FAILED, by=by, subject=by, after={"for": what})
