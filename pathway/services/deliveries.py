"""Reminders become deliveries: persons are named late, from the care team of that moment, each by their channels."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from pathway.models import Delivery, Reminder, Urgency, delivery_key
from pathway.vocabulary import COORDINATOR

BATCH = 500
INBOX = "inbox"
EMAIL = "email"

STANDS_IN = "stands in for a colleague who is away"
NEXT_TIER = "a colleague is away, and nobody who sees the patient stands in"

# Who is told, from the nearest to the farthest; the first tier with anybody in it is told:
# 0 the assignee, where the rung goes to whoever has the task; 1 those who are on the team in the
# role and hold it at the site; 2 the nurse coordinators of the team; 3 people of the team who are
# nurse coordinators at the site. Nobody at all: resolved without a delivery, and in the gap list.
#
# For who is away their deputy is told too: somebody who holds the same role at the site, is not
# away as well, and sees the patient, from the team or by a cover. Where nobody is left who is
# there, the coordinators of the team are told too, and it is noted why.
_PERSONS = """
WITH taken AS (
    SELECT r.id, r.task_id, r.due_on, r.rung, r.to_role, p.id AS patient_id, p.site_id,
           (%(at)s::timestamptz AT TIME ZONE s.time_zone)::date AS today,
           CASE WHEN EXISTS (SELECT 1 FROM pathway_rung g
                             WHERE g.ladder_id = coalesce(o.ladder_id, a.ladder_id)
                                   AND g.code = r.rung AND g.to = 'owner')
                THEN t.assignee_id END AS assignee_id,
           CASE WHEN t.id IN (SELECT pathway_pressing(%(tasks)s::bigint[])) THEN %(pressing)s
                WHEN r.rung = (SELECT g.code FROM pathway_rung g
                               WHERE g.ladder_id = coalesce(o.ladder_id, a.ladder_id) AND g.offset_days > 0
                               ORDER BY g.offset_days DESC LIMIT 1) THEN %(escalated)s
                ELSE %(routine)s END AS urgency
    FROM pathway_reminder r
    JOIN pathway_caretask t ON t.id = r.task_id
    JOIN pathway_activity a ON a.code = t.activity_id
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    JOIN pathway_site s ON s.id = p.site_id
    LEFT JOIN pathway_siteactivity o ON o.site_id = p.site_id AND o.activity_id = t.activity_id
    WHERE r.id = ANY(%(reminders)s)
), candidates AS (
    SELECT k.id, k.patient_id, k.site_id, k.today, c.user_id, c.role,
           m.role = %(coordinator)s AS coordinates, x.deputy_id,
           coalesce(k.today BETWEEN x.absent_from AND x.absent_until, false) AS is_away,
           CASE WHEN c.user_id = k.assignee_id THEN 0
                WHEN c.role = k.to_role AND m.role = k.to_role THEN 1
                WHEN c.role = %(coordinator)s AND m.role = %(coordinator)s THEN 2
                WHEN m.role = %(coordinator)s THEN 3 END AS tier
    FROM taken k
    JOIN pathway_careteammember c ON c.patient_id = k.patient_id
         AND c.since <= %(at)s AND (c.until IS NULL OR c.until > %(at)s)
    JOIN pathway_membership m ON m.user_id = c.user_id AND m.site_id = k.site_id AND m.is_active
    JOIN pathway_user u ON u.id = c.user_id AND u.is_active
    LEFT JOIN pathway_messagesettings x ON x.person_id = c.user_id
), nearest AS (
    SELECT *, min(tier) OVER (PARTITION BY id) AS best FROM candidates WHERE tier IS NOT NULL
), told AS (
    SELECT * FROM nearest WHERE tier = best
), deputies AS (
    SELECT DISTINCT t.id, t.deputy_id AS user_id FROM told t
    JOIN pathway_user u ON u.id = t.deputy_id AND u.is_active
    JOIN pathway_membership m ON m.user_id = t.deputy_id AND m.site_id = t.site_id AND m.is_active AND m.role = t.role
    LEFT JOIN pathway_messagesettings x ON x.person_id = t.deputy_id
    WHERE t.is_away AND NOT coalesce(t.today BETWEEN x.absent_from AND x.absent_until, false)
          AND (EXISTS (
                   SELECT FROM pathway_careteammember c
                   WHERE c.patient_id = t.patient_id AND c.user_id = t.deputy_id
                         AND c.since <= %(at)s AND (c.until IS NULL OR c.until > %(at)s))
               OR EXISTS (
                   SELECT FROM pathway_cover v
                   WHERE v.user_id = t.deputy_id AND v.site_id = t.site_id AND v.role = t.role
                         AND v.since <= %(at)s AND v.until > %(at)s
                         AND (v.stands_in_for_id IS NULL OR v.stands_in_for_id = t.user_id)))
), unattended AS (
    SELECT id FROM told GROUP BY id HAVING bool_and(is_away) EXCEPT SELECT id FROM deputies
), everybody AS (
    SELECT id, user_id, '' AS note, 0 AS nearness FROM told
    UNION ALL SELECT id, user_id, %(stands_in)s::text, 1 FROM deputies
    UNION ALL SELECT c.id, c.user_id, %(next_tier)s::text, 2 FROM candidates c JOIN unattended USING (id)
              WHERE c.coordinates AND NOT c.is_away
), persons AS (
    SELECT DISTINCT ON (id, user_id) id, user_id, note FROM everybody ORDER BY id, user_id, nearness
)
SELECT k.id, k.task_id, k.due_on, k.rung, k.urgency, p.user_id, p.note, ways.channel
FROM persons p JOIN taken k USING (id)
CROSS JOIN LATERAL (
    SELECT %(inbox)s::text AS channel
    UNION ALL
    SELECT %(email)s::text FROM pathway_user u LEFT JOIN pathway_messagesettings x ON x.person_id = u.id
    WHERE u.id = p.user_id AND u.email <> '' AND coalesce(x.by_email, true)
    UNION ALL
    SELECT h.channel FROM pathway_personalchannel h
    WHERE h.person_id = p.user_id AND h.channel = ANY(%(offered)s::text[])
) ways
ORDER BY k.urgency DESC, k.due_on, k.id, p.user_id, ways.channel
"""


def resolve(*, at: datetime, offered: Collection[str] = (), limit: int = BATCH) -> tuple[int, int]:
    """Lay out the deliveries of one batch of reminders: (reminders resolved, deliveries queued).

    `offered` are the channels besides inbox and e-mail that the operator has configured.
    """
    unresolved = Reminder.objects.filter(resolved_at=None).order_by("created_at", "pk")
    taken = list(unresolved.select_for_update(skip_locked=True).values_list("pk", "task_id")[:limit])
    if not taken:
        return 0, 0
    reminders = [pk for pk, _task in taken]
    values: dict[str, Any] = {
        "reminders": reminders,
        "tasks": [task for _pk, task in taken],
        "at": at,
        "coordinator": str(COORDINATOR),
        "routine": int(Urgency.ROUTINE),
        "escalated": int(Urgency.ESCALATED),
        "pressing": int(Urgency.PRESSING),
        "stands_in": STANDS_IN,
        "next_tier": NEXT_TIER,
        "inbox": INBOX,
        "email": EMAIL,
        "offered": list(offered),
    }
    with connection.cursor() as cursor:
        cursor.execute(_PERSONS, values)
        found = cursor.fetchall()
    rows = [
        Delivery(
            reminder_id=reminder,
            person_id=person,
            channel=channel,
            key=delivery_key(task, due_on.isoformat(), rung, person, channel),
            reason=note,
            urgency=urgency,
            queued_at=at,
        )
        for reminder, task, due_on, rung, urgency, person, note, channel in found
    ]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    Reminder.objects.filter(pk__in=reminders).update(resolved_at=at)
    return len(reminders), len(rows)
