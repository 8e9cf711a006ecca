"""What leaves the server: claimed for a minute, sent outside of any transaction, settled by who still holds the claim.

Nothing is marked as sent before it was. Whoever dies or freezes in between loses the claim, and somebody else sends
it again under the same key; when the first one wakes up, it can settle nothing.
"""

from __future__ import annotations

import smtplib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, QuerySet

from pathway.delivery import addresses, laying_out, letters, transports
from pathway.delivery.parcels import Parcel, Undelivered
from pathway.delivery.recheck import REFUSAL
from pathway.models import Delivery, DeliveryStatus, Dispatch
from pathway.selectors.hours import Hours
from pathway.vocabulary import BEREAVEMENT

log = structlog.get_logger(__name__)

BATCH = 5
LEASE = timedelta(seconds=settings.LEASE_SECONDS)
MARGIN = LEASE / 4  # before the end of the lease nothing new is begun: a mail server may take ten seconds
BUDGET = timedelta(seconds=20)  # of one call; the next sweep goes on
MOST_ATTEMPTS = 12
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=0.2), timedelta(hours=1)
NOTHING_LEFT = "nothing is left to tell"
NO_ADDRESS = "the person has no address for this channel any more"
# How a transport fails. What else it raises is a bug, and comes to light; the lease ends by itself.
FAILURES = (OSError, smtplib.SMTPException, ValueError, Undelivered)

_DUE = """
SELECT x.id, x.person_id, x.site_id, x.status, x.attempts
FROM pathway_dispatch x
WHERE (x.status = 'queued' AND x.next_at <= %(at)s OR x.status = 'in-flight' AND x.lease_until <= %(at)s)
      AND NOT EXISTS (SELECT FROM pathway_outboxhold h
                      WHERE h.released_at IS NULL AND (h.site_id IS NULL OR h.site_id = x.site_id))
ORDER BY x.urgency DESC, x.created_at, x.id
LIMIT %(limit)s
FOR UPDATE OF x SKIP LOCKED
"""

_RECHECK = f"""
WITH judged AS (
    SELECT d.id, {REFUSAL.strip()} AS refusal
    FROM pathway_delivery d
    JOIN pathway_reminder r ON r.id = d.reminder_id
    JOIN pathway_caretask t ON t.id = r.task_id
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    WHERE d.dispatch_id = ANY(%(dispatches)s) AND d.status = 'queued'
)
UPDATE pathway_delivery d SET status = 'cancelled', reason = j.refusal
FROM judged j WHERE d.id = j.id AND j.refusal <> '' AND d.status = 'queued'
"""

# By task, for a person may have been reminded of one more than once since the last digest.
_COUNTS = """
SELECT dispatch_id, count(*), count(*) FILTER (WHERE urgent), count(*) FILTER (WHERE NOT urgent AND due_on < today),
       count(*) FILTER (WHERE NOT urgent AND due_on = today)
FROM (
    SELECT d.dispatch_id, t.id, t.due_on, bool_or(d.urgency > 0) AS urgent,
           (%(at)s::timestamptz AT TIME ZONE s.time_zone)::date AS today
    FROM pathway_delivery d
    JOIN pathway_reminder r ON r.id = d.reminder_id
    JOIN pathway_caretask t ON t.id = r.task_id
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    JOIN pathway_site s ON s.id = p.site_id
    WHERE d.dispatch_id = ANY(%(dispatches)s) AND d.status = 'queued'
    GROUP BY d.dispatch_id, t.id, s.time_zone
) items
GROUP BY dispatch_id
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """A dispatch that this process may settle while `token` is its."""

    pk: int
    token: UUID
    attempt: int
    channel: str
    parcel: Parcel


@dataclass(frozen=True, slots=True)
class Due:
    pk: int
    person: int
    site: int
    status: str
    attempts: int


def send_waiting(*, at: datetime) -> int:
    """Send what may leave now, most severe first then oldest, for some seconds. Returns how many were sent.

    Never in a transaction of the caller's: another process has to see what was claimed.
    """
    begun, sent = time.monotonic(), 0
    while (spent := _since(begun)) < BUDGET:
        taken, claims = claim(at=at + spent)
        sent += sum(send(one, at=at, begun=begun, claimed=spent) for one in claims)
        if not taken:
            break
    return sent


def send(one: Claim, *, at: datetime, begun: float, claimed: timedelta = timedelta()) -> bool:
    """Hand it over and settle it. `begun` is when, by the monotonic clock, it was `at`."""
    if _since(begun) - claimed > LEASE - MARGIN:
        give_back(one)
        return False
    try:
        transports.hand_over(one.channel, one.parcel)
    except FAILURES as error:
        settle_failure(one, error, at=at + _since(begun))
        return False
    return settle(one, at=at + _since(begun))


@transaction.atomic
def claim(*, at: datetime, limit: int = BATCH) -> tuple[int, list[Claim]]:
    """How many were looked at, and those of them that are to be sent now by who called."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"at": at, "limit": limit})
        found = [Due(*row) for row in cursor.fetchall()]
    _sites, hours = laying_out.places({one.person: one.site for one in found})
    due = [one for one in found if not _is_lost(one) and not _is_put_off(one, hours[one.person], at)]
    return len(found), _take(due, at)


@transaction.atomic
def settle(one: Claim, *, at: datetime) -> bool:
    """It was handed over. False where the claim had run out and is somebody else's now."""
    if not _mine(one).update(
        status=DeliveryStatus.SENT, sent_at=at, lease_until=None, lease_token=None, last_error="", reason=""
    ):
        log.warning("claim lost", dispatch=one.pk)
        return False
    _waiting(one.pk).update(status=DeliveryStatus.SENT, sent_at=at)
    return True


@transaction.atomic
def settle_failure(one: Claim, error: Exception, *, at: datetime) -> None:
    """It comes again after a pause, or never; which error it was stays known, and nothing of what the error says."""
    kind = type(error).__name__[:60]
    log.warning("message not sent", dispatch=one.pk, channel=one.channel, attempt=one.attempt, error=kind)
    if one.attempt >= MOST_ATTEMPTS:
        if _mine(one).update(lease_until=None, lease_token=None, **_failed(kind)):
            _waiting(one.pk).update(status=DeliveryStatus.FAILED, reason=kind)
        return
    _mine(one).update(
        status=DeliveryStatus.QUEUED,
        next_at=at + pause(one.attempt),
        lease_until=None,
        lease_token=None,
        last_error=kind,
    )


def give_back(one: Claim) -> None:
    """There was no time left to try it: the next one may, at once, and it does not count."""
    _mine(one).update(status=DeliveryStatus.QUEUED, attempts=F("attempts") - 1, lease_until=None, lease_token=None)


def pause(attempt: int) -> timedelta:
    """After so many attempts."""
    return min(FIRST_PAUSE * (1 << attempt), LONGEST_PAUSE)


def _take(due: Sequence[Due], at: datetime) -> list[Claim]:
    pks = [one.pk for one in due]
    if not pks:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_RECHECK, {"dispatches": pks, "at": at, "bereavement": BEREAVEMENT})
        cursor.execute(_COUNTS, {"dispatches": pks, "at": at})
        counts = {row[0]: letters.Counts(*row[1:]) for row in cursor.fetchall()}
    claims = []
    rows = Dispatch.objects.filter(pk__in=pks).select_related("site").order_by("-urgency", "created_at", "pk")
    reached = addresses.of(rows)
    for row in rows:
        if row.pk not in counts:
            _cancel(row.pk, NOTHING_LEFT)
        elif row.pk not in reached:
            _cancel(row.pk, NO_ADDRESS)
        else:
            claims.append(_claimed(row, counts[row.pk], reached[row.pk], at))
    return claims


def _claimed(row: Dispatch, counts: letters.Counts, address: str, at: datetime) -> Claim:
    token = uuid4()
    Dispatch.objects.filter(pk=row.pk).update(
        status=DeliveryStatus.IN_FLIGHT,
        is_open=False,
        items=counts.items,
        attempts=row.attempts + 1,
        lease_until=at + LEASE,
        lease_token=token,
    )
    letter = letters.write(row.site.name, counts)
    parcel = Parcel(row.key, address, letter.subject, letter.body)
    return Claim(row.pk, token, row.attempts + 1, row.channel, parcel)


def _is_lost(one: Due) -> bool:
    """Whoever sends it dies each time, or never comes back: that ends too."""
    if one.attempts < MOST_ATTEMPTS:
        return False
    Dispatch.objects.filter(pk=one.pk).update(lease_until=None, lease_token=None, **_failed("LeaseExpired"))
    _waiting(one.pk).update(status=DeliveryStatus.FAILED, reason="LeaseExpired")
    return True


def _is_put_off(one: Due, hours: Hours, at: datetime) -> bool:
    """Hours, calendars and settings may have changed since it was laid out."""
    leaves = hours.leaves_at(at)
    if leaves <= at:
        return False
    Dispatch.objects.filter(pk=one.pk).update(
        next_at=leaves, status=DeliveryStatus.QUEUED, lease_until=None, lease_token=None
    )
    return True


def _cancel(pk: int, reason: str) -> None:
    Dispatch.objects.filter(pk=pk).update(
        status=DeliveryStatus.CANCELLED, reason=reason, is_open=False, lease_until=None, lease_token=None
    )
    _waiting(pk).update(status=DeliveryStatus.CANCELLED, reason=reason)


def _failed(kind: str) -> dict[str, str]:
    return {"status": DeliveryStatus.FAILED, "last_error": kind, "reason": kind}


def _mine(one: Claim) -> QuerySet[Dispatch]:
    return Dispatch.objects.filter(pk=one.pk, lease_token=one.token, status=DeliveryStatus.IN_FLIGHT)


def _waiting(dispatch: int) -> QuerySet[Delivery]:
    return Delivery.objects.filter(dispatch=dispatch, status=DeliveryStatus.QUEUED)


def _since(begun: float) -> timedelta:
    return timedelta(seconds=time.monotonic() - begun)
