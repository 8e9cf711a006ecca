"""An activity has another ladder at a site: open tasks go on with the rungs that are still to come."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from pathway.models import OWN_LADDER

# In the order in which everybody takes them. Whoever is at one of these patients is waited for, and what they open
# meanwhile is reckoned too.
_LOCK = """
SELECT e.id FROM pathway_enrollment e JOIN pathway_patient p ON p.id = e.patient_id
WHERE p.site_id = ANY(%(sites)s) AND (%(enrollment)s::bigint IS NULL OR e.id = %(enrollment)s)
ORDER BY e.id FOR NO KEY UPDATE OF e
"""
# A rung is to come when its day lies after all that were told for this due date, and after what keeps a task silent.
# One whose moment has come without a sweep yet waits on for it; one that had passed before is not made up for.
_THESE = """p.site_id = ANY(%(sites)s)
          AND (%(activities)s::text[] IS NULL OR t.activity_id = ANY(%(activities)s))
          AND (%(enrollment)s::bigint IS NULL OR t.enrollment_id = %(enrollment)s)"""
_RECKON = f"""
WITH rungs AS (
    SELECT t.id, t.next_rung_at, ((t.due_on + g.offset_days) + s.reminder_time) AT TIME ZONE s.time_zone AS instant
    FROM pathway_caretask t
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    JOIN pathway_site s ON s.id = p.site_id
    JOIN pathway_activity a ON a.code = t.activity_id
    LEFT JOIN pathway_siteactivity o ON o.site_id = p.site_id AND o.activity_id = t.activity_id
    JOIN pathway_rung g ON g.ladder_id = coalesce(o.ladder_id, a.ladder_id)
    WHERE t.status IN ('open', 'in-progress') AND {_THESE}
          AND t.due_on + g.offset_days > greatest(t.due_set_on, e.quiet_until, (
              SELECT max(r."on") FROM pathway_reminder r WHERE r.task_id = t.id AND r.due_on = t.due_on))
          AND (t.snoozed_until IS NULL OR t.due_on + g.offset_days >= t.snoozed_until)
), coming AS (
    SELECT t.id, CASE WHEN t.next_rung_at <= %(at)s AND bool_or(r.instant <= %(at)s) THEN t.next_rung_at
                      ELSE min(r.instant) FILTER (WHERE r.instant > %(at)s) END AS instant
    FROM pathway_caretask t
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    LEFT JOIN rungs r ON r.id = t.id
    WHERE t.status IN ('open', 'in-progress') AND {_THESE}
    GROUP BY t.id, t.next_rung_at
)
UPDATE pathway_caretask t SET next_rung_at = coming.instant
FROM coming WHERE t.id = coming.id AND t.next_rung_at IS DISTINCT FROM coming.instant
"""


def code_of(title_slug: str, taken: Collection[str]) -> str:
    """The code of a ladder that a site adds, from its title; a release never has such a one."""
    wanted = f"{OWN_LADDER}{title_slug}"[:40].rstrip("-")
    numbers = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(code for code in numbers if code not in taken)


def rung_code(offset_days: int) -> str:
    """Of a rung of such a ladder: its day is its name, so a rung on another day is another rung."""
    if offset_days == 0:
        return "on-day"
    return f"before-{-offset_days}" if offset_days < 0 else f"after-{offset_days}"


def reckon(
    sites: Collection[int],
    activities: Collection[str] | None = None,
    *,
    at: datetime,
    enrollment_id: int | None = None,
) -> int:
    """Set anew when the next rung of each open task comes, of all activities where none are named.

    Returns how many came to another moment.
    """
    named = None if activities is None else list(activities)
    given: dict[str, Any] = {"sites": list(sites), "activities": named, "enrollment": enrollment_id, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, given)
        cursor.execute(_RECKON, given)
        return int(cursor.rowcount)
