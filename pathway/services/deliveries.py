"""Reminders become deliveries: the persons are named late, from the care team of that moment."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from pathway.models import Delivery, Reminder, delivery_key
from pathway.vocabulary import COORDINATOR

BATCH = 500
INBOX = "inbox"

# Who is told, from the nearest to the farthest; the first tier with anybody in it is told:
# 0 the assignee, where the rung goes to whoever has the task; 1 those who are on the team in the
# role and hold it at the site; 2 the nurse coordinators of the team; 3 people of the team who are
# nurse coordinators at the site. Nobody at all: resolved without a delivery, and in the gap list.
_PERSONS = """
WITH taken AS (
    SELECT r.id, r.task_id, r.due_on, r.rung, r.to_role, p.id AS patient_id, p.site_id,
           CASE WHEN EXISTS (SELECT 1 FROM pathway_rung g
                             WHERE g.ladder_id = a.ladder_id AND g.code = r.rung AND g.to = 'owner')
                THEN t.assignee_id END AS assignee_id
    FROM pathway_reminder r
    JOIN pathway_caretask t ON t.id = r.task_id
    JOIN pathway_activity a ON a.code = t.activity_id
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    WHERE r.id = ANY(%(reminders)s)
), candidates AS (
    SELECT k.id, k.task_id, k.due_on, k.rung, c.user_id,
           CASE WHEN c.user_id = k.assignee_id THEN 0
                WHEN c.role = k.to_role AND m.role = k.to_role THEN 1
                WHEN c.role = %(coordinator)s AND m.role = %(coordinator)s THEN 2
                WHEN m.role = %(coordinator)s THEN 3 END AS tier
    FROM taken k
    JOIN pathway_careteammember c ON c.patient_id = k.patient_id
         AND c.since <= %(at)s AND (c.until IS NULL OR c.until > %(at)s)
    JOIN pathway_membership m ON m.user_id = c.user_id AND m.site_id = k.site_id AND m.is_active
    JOIN pathway_user u ON u.id = c.user_id AND u.is_active
), nearest AS (
    SELECT *, min(tier) OVER (PARTITION BY id) AS best FROM candidates WHERE tier IS NOT NULL
)
SELECT DISTINCT id, task_id, due_on, rung, user_id FROM nearest WHERE tier = best ORDER BY id, user_id
"""


def resolve(*, at: datetime, limit: int = BATCH) -> tuple[int, int]:
    """Lay out the deliveries of one batch of reminders: (reminders resolved, deliveries queued)."""
    unresolved = Reminder.objects.filter(resolved_at=None).order_by("created_at", "pk")
    reminders = list(unresolved.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
    if not reminders:
        return 0, 0
    with connection.cursor() as cursor:
        cursor.execute(_PERSONS, {"reminders": reminders, "at": at, "coordinator": str(COORDINATOR)})
        found = cursor.fetchall()
    rows = [
        Delivery(
            reminder_id=reminder,
            person_id=person,
            channel=INBOX,
            key=delivery_key(task, due_on.isoformat(), rung, person, INBOX),
            queued_at=at,
        )
        for reminder, task, due_on, rung, person in found
    ]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    Reminder.objects.filter(pk__in=reminders).update(resolved_at=at)
    return len(reminders), len(rows)
