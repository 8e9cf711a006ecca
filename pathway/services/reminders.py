"""Rungs of open tasks become reminders: set by set, each once, whoever asks how often (CONVENTIONS 31-33)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from pathway.vocabulary import BEREAVEMENT

BATCH = 500
BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), 0)

# One statement: take the tasks with a rung to climb, write the present rung of each that may be
# told, and move every one of them on to its next rung. A rung is told on its own day or, after
# the machinery was down, as the latest one whose day has come; never for a day on hold, snoozed,
# or up to the day on which the due date was set. Whoever runs it again finds nothing to do, and
# the unique key of the reminder stands behind that.
_CLIMB = """
WITH taken AS (
    SELECT t.id, t.due_on, t.owner, t.snoozed_until, t.next_rung_at AS waits_since,
           greatest(t.due_set_on, coalesce(e.quiet_until, t.due_set_on)) AS silent_through,
           e.status, coalesce(o.ladder_id, a.ladder_id) AS ladder_id, t.activity_id, s.time_zone, s.reminder_time
    FROM pathway_caretask t
    JOIN pathway_enrollment e ON e.id = t.enrollment_id
    JOIN pathway_patient p ON p.id = e.patient_id
    JOIN pathway_site s ON s.id = p.site_id
    JOIN pathway_activity a ON a.code = t.activity_id
    LEFT JOIN pathway_siteactivity o ON o.site_id = p.site_id AND o.activity_id = t.activity_id
    {severe}
    WHERE t.status IN ('open', 'in-progress') AND t.next_rung_at <= %(at)s
          AND (t.next_rung_at, t.id) > (%(after)s::timestamptz, %(after_id)s::bigint)
          AND (%(enrollment)s::bigint IS NULL OR t.enrollment_id = %(enrollment)s)
    ORDER BY t.next_rung_at, t.id
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
    ORDER BY recipient = 'owner', waits_since, id
    ON CONFLICT DO NOTHING
    RETURNING 1
), moved AS (
    UPDATE pathway_caretask t
    SET next_rung_at = (SELECT min(r.instant) FROM rungs r WHERE r.id = t.id AND r.instant > %(at)s)
    FROM taken k WHERE t.id = k.id
    RETURNING 1
)
SELECT (SELECT count(*) FROM moved), (SELECT count(*) FROM told), last.waits_since, last.id
FROM (VALUES (1)) one LEFT JOIN LATERAL (
    SELECT k.waits_since, k.id FROM taken k ORDER BY k.waits_since DESC, k.id DESC LIMIT 1
) last ON true
"""
# Tasks that have come to the last rung of their ladder, or to any above whoever has them. A day more or less is no
# matter: it is only about the order.
_SEVERE = """JOIN (
        SELECT ladder_id, {of}(offset_days) AS escalates_after FROM pathway_rung WHERE "to" <> 'owner' GROUP BY 1
    ) above ON above.ladder_id = coalesce(o.ladder_id, a.ladder_id)
        AND t.due_on + above.escalates_after <= (%(at)s AT TIME ZONE 'UTC')::date"""
_CLIMB_TOP, _CLIMB_ABOVE, _CLIMB_ALL = (
    _CLIMB.replace("{severe}", severe) for severe in (_SEVERE.format(of="max"), _SEVERE.format(of="min"), "")
)


def climb(*, at: datetime, enrollment_id: int | None = None, limit: int = BATCH) -> tuple[int, int]:
    """One batch, the oldest first: how many tasks were moved on, how many reminders written. (0, 0): nothing is due."""
    moved, told, _last = _run(_CLIMB_ALL, at, BEFORE_ALL, enrollment_id, limit)
    return moved, told


@dataclass(slots=True)
class Ascent:
    """The way of one sweep through all that is due: the most severe first, and of each the oldest.

    That is what is at the last rung of its ladder, then what has left its owner, then the rest.

    After an outage that is what decides who hears first. It goes through the index once for each of them, and not
    from its beginning for every batch; what others hold locked comes with the next sweep.
    """

    at: datetime
    limit: int = BATCH
    _ways: list[str] = field(default_factory=lambda: [_CLIMB_TOP, _CLIMB_ABOVE, _CLIMB_ALL])
    _after: tuple[datetime, int] = BEFORE_ALL

    def batch(self) -> tuple[int, int]:
        """As `climb`."""
        while self._ways:
            moved, told, last = _run(self._ways[0], self.at, self._after, None, self.limit)
            if last is not None:
                self._after = last
                return moved, told
            self._ways.pop(0)
            self._after = BEFORE_ALL
        return 0, 0


def _run(
    statement: str, at: datetime, after: tuple[datetime, int], enrollment_id: int | None, limit: int
) -> tuple[int, int, tuple[datetime, int] | None]:
    values: dict[str, Any] = {
        "at": at,
        "after": after[0],
        "after_id": after[1],
        "enrollment": enrollment_id,
        "limit": limit,
        "bereavement": BEREAVEMENT,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        moved, told, waits_since, pk = cursor.fetchone()
    return int(moved), int(told), None if pk is None else (waits_since, pk)
