"""Rungs of open tasks become reminders: set by set, each once, whoever asks how often (CONVENTIONS 31-33)."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from pathway.vocabulary import BEREAVEMENT

BATCH = 500

# One statement: take the tasks with a rung to climb, write the present rung of each that may be
# told, and move every one of them on to its next rung. A rung is told on its own day or, after
# the machinery was down, as the latest one whose day has come; never for a day on hold, snoozed,
# or up to the day on which the due date was set. Whoever runs it again finds nothing to do, and
# the unique key of the reminder stands behind that.
_CLIMB = """
WITH taken AS (
    SELECT t.id, t.due_on, t.owner, t.snoozed_until,
           greatest(t.due_set_on, coalesce(e.quiet_until, t.due_set_on)) AS silent_through,
           e.status, a.ladder_id, t.activity_id, s.time_zone, s.reminder_time
    FROM pathway_caretask t
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    JOIN pathway_site s ON s.id = p.site_id
    JOIN pathway_activity a ON a.code = t.activity_id
    WHERE t.status IN ('open', 'in-progress') AND t.next_rung_at <= %(at)s
          AND (%(enrollment)s::bigint IS NULL OR t.enrollment_id = %(enrollment)s)
    ORDER BY t.next_rung_at
    LIMIT %(limit)s
    FOR UPDATE OF t SKIP LOCKED
), rungs AS (
    SELECT k.*, r.code AS rung, r.to AS recipient, k.due_on + r.offset_days AS on_day,
           ((k.due_on + r.offset_days) + k.reminder_time) AT TIME ZONE k.time_zone AS instant
    FROM taken k JOIN pathway_rung r ON r.ladder_id = k.ladder_id
    WHERE k.due_on + r.offset_days > k.silent_through
          AND (k.snoozed_until IS NULL OR k.due_on + r.offset_days >= k.snoozed_until)
), present AS (
    SELECT DISTINCT ON (id) * FROM rungs WHERE instant <= %(at)s ORDER BY id, instant DESC
), told AS (
    INSERT INTO pathway_reminder (task_id, due_on, rung, to_role, "on", created_at)
    SELECT id, due_on, rung, CASE recipient WHEN 'owner' THEN owner ELSE recipient END, on_day, %(at)s
    FROM present WHERE status = 'active' OR (status = 'deceased' AND activity_id = %(bereavement)s)
    ON CONFLICT DO NOTHING
    RETURNING 1
), moved AS (
    UPDATE pathway_caretask t
    SET next_rung_at = (SELECT min(r.instant) FROM rungs r WHERE r.id = t.id AND r.instant > %(at)s)
    FROM taken k WHERE t.id = k.id
    RETURNING 1
)
SELECT (SELECT count(*) FROM moved), (SELECT count(*) FROM told)
"""


def climb(*, at: datetime, enrollment_id: int | None = None, limit: int = BATCH) -> tuple[int, int]:
    """One batch: how many tasks were moved on, how many reminders written. (0, 0) means nothing is due."""
    with connection.cursor() as cursor:
        cursor.execute(_CLIMB, {"at": at, "enrollment": enrollment_id, "limit": limit, "bereavement": BEREAVEMENT})
        moved, told = cursor.fetchone()
    return int(moved), int(told)
