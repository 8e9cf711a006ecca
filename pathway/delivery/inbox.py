"""The inbox: the message is in the database already, so sending it is one statement and cannot half succeed."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from pathway.vocabulary import BEREAVEMENT

CHANNEL = "inbox"

# What held when the delivery was queued is asked again at the moment of sending. Rows of a patient
# in whose flow somebody is at this moment are skipped and come with the next sweep; the share
# locks keep enrollment and task as they were judged until the message is marked as sent.
_SEND = """
WITH claimed AS (
    SELECT d.id,
           CASE WHEN t.status NOT IN ('open', 'in-progress') THEN 'the task is closed'
                WHEN e.status = 'deceased' AND t.activity_id <> %(bereavement)s THEN 'the patient has died'
                WHEN e.status = 'on-hold' THEN 'the pathway is on hold'
                WHEN e.status NOT IN ('active', 'deceased') THEN 'the patient is not on the pathway any more'
                WHEN NOT EXISTS (
                    SELECT 1 FROM pathway_careteammember c
                    JOIN pathway_membership m ON m.user_id = c.user_id AND m.is_active
                    JOIN pathway_user u ON u.id = c.user_id AND u.is_active
                    WHERE c.user_id = d.person_id AND c.patient_id = p.id AND m.site_id = p.site_id
                          AND c.since <= %(at)s AND (c.until IS NULL OR c.until > %(at)s)
                ) THEN 'no longer on the care team'
                ELSE '' END AS refusal
    FROM pathway_delivery d
    JOIN pathway_reminder r ON r.id = d.reminder_id
    JOIN pathway_caretask t ON t.id = r.task_id
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    WHERE d.status = 'queued' AND d.channel = %(channel)s
    ORDER BY d.queued_at
    LIMIT %(limit)s
    FOR UPDATE OF d SKIP LOCKED
    FOR SHARE OF t, e SKIP LOCKED
), settled AS (
    UPDATE pathway_delivery d
    SET status = CASE WHEN k.refusal = '' THEN 'sent' ELSE 'cancelled' END,
        sent_at = CASE WHEN k.refusal = '' THEN %(at)s::timestamptz END,
        reason = k.refusal
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
