"""Seals over the audit, written in batches by one sealer at a time, and the monthly parts ahead of their month."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import connection

from pathway.models import AuditSeal
from pathway.selectors import audit_chain

log = structlog.get_logger(__name__)

TURN = 7_278_002  # the advisory lock of the sealer; the number means nothing
BATCH = 2000
MONTHS_AHEAD = 3
# Events get their ids before they are committed, so some with lower ids come late. A run looks this far back; the
# daily one looks at everything.
LATE_IDS = 10_000
LATE = timedelta(days=1)

_WAITING = f"""
SELECT e.id, e.at, {audit_chain.CANONICAL} FROM pathway_auditevent e
WHERE e.id > %(id)s AND e.at > %(at)s
    AND NOT EXISTS (SELECT FROM pathway_auditseal s WHERE s.event = e.id)
ORDER BY e.id LIMIT %(limit)s
"""


def seal(*, at: datetime, whole: bool = False, limit: int = BATCH) -> int:
    """One batch, in the order of ids; 0 when nothing waits, or when another sealer is at work."""
    if not _take_turn():
        return 0
    head = audit_chain.head()
    rows: list[AuditSeal] = []
    previous = head.digest
    for position, (event, moment, canonical) in enumerate(_waiting(head, whole, limit), head.position + 1):
        previous = audit_chain.digest(previous, canonical)
        rows.append(AuditSeal(position=position, event=event, event_at=moment, digest=previous, sealed_at=at))
    AuditSeal.objects.bulk_create(rows)
    return len(rows)


def prepare_months() -> int:
    """Make the parts of the coming months; how many were missing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pathway_audit_ahead(%s)", [MONTHS_AHEAD])
        return int(cursor.fetchone()[0])


def log_head() -> None:
    """The head into the log, which is kept elsewhere: who writes the whole chain anew cannot change it there."""
    log.info("audit sealed", head=str(audit_chain.head()))


def _take_turn() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [TURN])
        taken = cursor.fetchone()
    return bool(taken and taken[0])


def _waiting(head: audit_chain.Head, whole: bool, limit: int) -> list[tuple[int, datetime, str]]:
    everything = whole or head.event_at is None
    with connection.cursor() as cursor:
        cursor.execute(
            _WAITING,
            {
                "id": 0 if everything else head.event - LATE_IDS,
                "at": "-infinity" if everything or head.event_at is None else head.event_at - LATE,
                "limit": limit,
            },
        )
        return list(cursor.fetchall())
