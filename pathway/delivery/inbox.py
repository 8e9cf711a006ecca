"""The inbox: the message is in the database already, so sending it is one statement and cannot half succeed."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from pathway.delivery.recheck import REFUSAL
from pathway.vocabulary import BEREAVEMENT

CHANNEL = "inbox"

# Most severe first, then oldest. Rows of a patient in whose flow somebody is at this moment are
# skipped and come with the next sweep; the share locks keep enrollment and task as they were judged
# until the message is marked as sent.
_SEND = f"""
WITH claimed AS (
    SELECT d.id,
           {REFUSAL.strip()} AS refusal
    FROM pathway_delivery d
    JOIN pathway_reminder r ON r.id = d.reminder_id
    JOIN pathway_caretask t ON t.id = r.task_id
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    WHERE d.status = 'queued' AND d.dispatch_id IS NULL AND d.channel = %(channel)s
    ORDER BY d.urgency DESC, d.queued_at, d.id
    LIMIT %(limit)s
    FOR UPDATE OF d SKIP LOCKED
    FOR SHARE OF t, e SKIP LOCKED
), settled AS (
    UPDATE pathway_delivery d
    SET status = CASE WHEN k.refusal = '' THEN 'sent' ELSE 'cancelled' END,
        sent_at = CASE WHEN k.refusal = '' THEN %(at)s::timestamptz END,
        reason = CASE WHEN k.refusal = '' THEN d.reason ELSE k.refusal END
    FROM claimed k WHERE d.id = k.id AND d.status = 'queued'
    RETURNING d.status
)
SELECT count(*), count(*) FILTER (WHERE status = 'sent') FROM settled
"""


def send(*, at: datetime, limit: int) -> tuple[int, int]:
    """One batch in the caller's transaction: (settled, sent); what was not sent is cancelled, with the reason."""
    with connection.cursor() as cursor:
        cursor.execute(_SEND, {"at": at, "limit": limit, "channel": CHANNEL, "bereavement": BEREAVEMENT})
        settled, sent = cursor.fetchone()
    return int(settled), int(sent)
