"""What must always hold, as questions to the database: each answers with the rows that break a promise.

The numbers are those of the promises in `docs/architecture.md`. Constraints and triggers refuse most
of this when it is written; these questions find what came past them: a restored backup, psql, a bug.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from pathway.engine import records
from pathway.models import Delivery, PathwayVersion, Patient, RuleSetVersion, User, VersionStatus, delivery_key
from pathway.selectors import walls
from pathway.vocabulary import BEREAVEMENT, CLOSED_STAGE, OVERALL_TRACK


@dataclass(frozen=True, slots=True)
class Promise:
    """`sql` selects what breaks it, as text: the id and what is wrong. It may use `at`, `bereavement`, `closed`."""

    number: int
    text: str
    sql: str


@dataclass(frozen=True, slots=True)
class Violation:
    number: int
    promise: str
    offenders: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.number}. {self.promise}: {', '.join(self.offenders)}"


LIVE = "('active', 'on-hold')"
OPEN = "('open', 'in-progress')"
# Since when a patient has been dead or gone, for each enrollment that has ended. The minute is for what was on
# its way while somebody recorded the end: the moments of both were taken before either had its locks.
ENDED = """
    SELECT e.id, e.status, coalesce(e.ended_at, (
        SELECT max(s.entered_at) FROM pathway_stay s
        WHERE s.enrollment_id = e.id AND s.how = 'death' AND NOT s.annulled)) + interval '1 minute' AS since
    FROM pathway_enrollment e WHERE e.status IN ('deceased', 'withdrawn', 'completed')
"""

# By other channels than the inbox a message is asked about when it is claimed, and sent within a minute.
CLAIMED = "CASE d.channel WHEN 'inbox' THEN interval '0' ELSE interval '1 minute' END"

PROMISES = (
    Promise(
        1,
        "one open stay per live enrollment and track",
        f"""
        SELECT 'enrollment ' || e.id || ' ' || t.code || ': ' || count(s.id) || ' open stays'
        FROM pathway_enrollment e
        JOIN pathway_track t ON t.version_id = e.version_id
             AND EXISTS (SELECT 1 FROM pathway_stage g WHERE g.track_id = t.id AND g.is_initial)
        LEFT JOIN pathway_stay s ON s.enrollment_id = e.id AND s.track = t.code AND s.left_at IS NULL AND NOT s.annulled
        WHERE e.status IN {LIVE}
        GROUP BY e.id, t.code HAVING count(s.id) <> 1
        """,
    ),
    Promise(
        1,
        "one enrollment per patient that has not ended",
        f"""
        SELECT 'patient ' || patient_id || ': enrollments ' || string_agg(id::text, '+' ORDER BY id)
        FROM pathway_enrollment WHERE status IN {LIVE} GROUP BY patient_id HAVING count(*) > 1
        """,
    ),
    Promise(
        1,
        "no open stay after the end of an enrollment, but overall in the closed stage",
        f"""
        SELECT 'stay ' || s.id || ' of enrollment ' || e.id
        FROM pathway_stay s JOIN pathway_enrollment e ON e.id = s.enrollment_id
        JOIN pathway_stage g ON g.id = s.stage_id
        WHERE e.status NOT IN {LIVE} AND s.left_at IS NULL AND NOT s.annulled
              AND (s.track <> %(overall)s OR g.code <> %(closed)s)
        """,
    ),
    Promise(
        1,
        "every stay is in a stage of its track and of the version of its enrollment",
        """
        SELECT 'stay ' || s.id
        FROM pathway_stay s JOIN pathway_enrollment e ON e.id = s.enrollment_id
        JOIN pathway_stage g ON g.id = s.stage_id JOIN pathway_track t ON t.id = g.track_id
        WHERE t.code <> s.track OR t.version_id <> e.version_id
        """,
    ),
    Promise(
        1,
        "the history of a track begins with the enrollment and has no gaps or overlaps",
        """
        SELECT 'stay ' || id || ' of enrollment ' || enrollment_id || ' ' || track
        FROM (
            SELECT s.*, e.enrolled_at, lag(s.left_at) OVER track AS before, row_number() OVER track AS position
            FROM pathway_stay s JOIN pathway_enrollment e ON e.id = s.enrollment_id
            WHERE NOT s.annulled
            WINDOW track AS (PARTITION BY s.enrollment_id, s.track ORDER BY s.entered_at, s.id)
        ) history
        WHERE entered_at IS DISTINCT FROM CASE WHEN position = 1 THEN enrolled_at ELSE before END
        """,
    ),
    Promise(
        3,
        "each recurring activity in force has exactly one open task",
        f"""
        SELECT 'enrollment ' || e.id || ' ' || r.activity_id || ': ' || count(t.id) || ' open tasks'
        FROM pathway_enrollment e
        JOIN pathway_stageactivity r ON r.id = ANY(e.rows_in_force) AND r.mode = 'recurring' AND r.every <> ''
        LEFT JOIN pathway_caretask t
             ON t.enrollment_id = e.id AND t.activity_id = r.activity_id AND t.status IN {OPEN}
        WHERE e.status IN {LIVE}
        GROUP BY e.id, r.activity_id HAVING count(t.id) <> 1
        """,
    ),
    Promise(
        3,
        "the rows in force belong to the version of the enrollment",
        """
        SELECT 'enrollment ' || e.id || ' row ' || f.row
        FROM pathway_enrollment e CROSS JOIN LATERAL unnest(e.rows_in_force) AS f(row)
        LEFT JOIN pathway_stageactivity r ON r.id = f.row AND r.version_id = e.version_id
        WHERE e.status IN ('active', 'on-hold') AND r.id IS NULL
        """,
    ),
    Promise(
        4,
        "one reminder per task, due date and rung, one delivery per reminder, person and channel",
        """
        SELECT 'reminders ' || string_agg(id::text, '+') FROM pathway_reminder
        GROUP BY task_id, due_on, rung HAVING count(*) > 1
        UNION ALL
        SELECT 'deliveries ' || string_agg(id::text, '+') FROM pathway_delivery
        GROUP BY reminder_id, person_id, channel HAVING count(*) > 1
        """,
    ),
    Promise(
        4,
        "no rung of an open task is forgotten",
        f"""
        SELECT 'task ' || t.id || ' ' || t.activity_id || ': nothing planned for ' || min(t.due_on + g.offset_days)
        FROM pathway_caretask t
        JOIN pathway_enrollment e ON e.id = t.enrollment_id AND e.status = 'active'
        JOIN pathway_patient p ON p.id = e.patient_id
        JOIN pathway_site s ON s.id = p.site_id
        JOIN pathway_activity a ON a.code = t.activity_id
        LEFT JOIN pathway_siteactivity o ON o.site_id = p.site_id AND o.activity_id = t.activity_id
        JOIN pathway_rung g ON g.ladder_id = coalesce(o.ladder_id, a.ladder_id)
        WHERE t.status IN {OPEN}
              AND t.due_on + g.offset_days > greatest(
                  (%(at)s AT TIME ZONE s.time_zone)::date, t.due_set_on, e.quiet_until)
              AND (t.snoozed_until IS NULL OR t.due_on + g.offset_days >= t.snoozed_until)
        GROUP BY t.id
        HAVING t.next_rung_at IS NULL
               OR t.next_rung_at > min(((t.due_on + g.offset_days) + s.reminder_time) AT TIME ZONE s.time_zone)
        """,
    ),
    Promise(
        3,
        "the row of an open task belongs to the version of its enrollment",
        f"""
        SELECT 'task ' || t.id || ' row ' || t.row_id
        FROM pathway_caretask t JOIN pathway_enrollment e ON e.id = t.enrollment_id
        JOIN pathway_stageactivity r ON r.id = t.row_id
        WHERE t.status IN {OPEN} AND (r.version_id <> e.version_id OR r.activity_id <> t.activity_id)
        """,
    ),
    Promise(
        3,
        "somebody or something asks for every open task, and a rule by an episode of its patient",
        f"""
        SELECT 'task ' || t.id || ' ' || t.activity_id FROM pathway_caretask t
        WHERE t.status IN {OPEN}
              AND NOT (t.asked_by_stage OR t.asked_by_rule OR t.asked_by_person OR t.asked_by_plan_id IS NOT NULL)
        UNION ALL
        SELECT 'task ' || t.id || ' episode ' || p.id
        FROM pathway_caretask t JOIN pathway_taskground k ON k.task_id = t.id
        JOIN pathway_episode p ON p.id = k.episode_id JOIN pathway_enrollment e ON e.id = t.enrollment_id
        JOIN pathway_enrollment o ON o.id = p.enrollment_id
        WHERE t.status IN {OPEN} AND o.patient_id <> e.patient_id
        """,
    ),
    Promise(
        4,
        "a finished sweep leaves no rung behind",
        # The next one takes what somebody held locked at that moment, so two of them have to have passed it by.
        f"""
        SELECT 'task ' || t.id || ' ' || t.activity_id || ': due since ' || t.next_rung_at
        FROM pathway_caretask t
        WHERE t.status IN {OPEN} AND t.next_rung_at < (
            SELECT w.started_at FROM pathway_sweeprun w WHERE w.finished_at IS NOT NULL
            ORDER BY w.id DESC OFFSET 1 LIMIT 1) - make_interval(secs => 2 * %(interval)s)
        """,
    ),
    Promise(
        4,
        "a finished sweep leaves no reminder without its persons",
        """
        SELECT 'reminder ' || r.id FROM pathway_reminder r
        WHERE r.resolved_at IS NULL AND r.created_at < (
            SELECT w.started_at FROM pathway_sweeprun w WHERE w.finished_at IS NOT NULL
            ORDER BY w.id DESC OFFSET 1 LIMIT 1) - make_interval(secs => 2 * %(interval)s)
        """,
    ),
    Promise(
        4,
        "no reminder is written for the dead, the withdrawn and the completed",
        f"""
        SELECT 'reminder ' || r.id || ' of enrollment ' || t.enrollment_id
        FROM pathway_reminder r JOIN pathway_caretask t ON t.id = r.task_id
        JOIN ({ENDED}) ended ON ended.id = t.enrollment_id
        WHERE r.created_at > ended.since AND NOT (ended.status = 'deceased' AND t.activity_id = %(bereavement)s)
        """,
    ),
    Promise(
        4,
        "nothing is delivered for the dead, the withdrawn and the completed",
        f"""
        SELECT 'delivery ' || d.id || ' of enrollment ' || t.enrollment_id
        FROM pathway_delivery d JOIN pathway_reminder r ON r.id = d.reminder_id
        JOIN pathway_caretask t ON t.id = r.task_id
        JOIN ({ENDED}) ended ON ended.id = t.enrollment_id
        WHERE d.sent_at > ended.since AND NOT (ended.status = 'deceased' AND t.activity_id = %(bereavement)s)
        """,
    ),
    Promise(
        4,
        "nothing is delivered to someone who was not on the team then",
        f"""
        SELECT 'delivery ' || d.id || ' to user ' || d.person_id
        FROM pathway_delivery d JOIN pathway_reminder r ON r.id = d.reminder_id
        JOIN pathway_caretask t ON t.id = r.task_id JOIN pathway_enrollment e ON e.id = t.enrollment_id
        WHERE d.sent_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM pathway_careteammember c
            WHERE c.patient_id = e.patient_id AND c.user_id = d.person_id
                  AND c.since <= d.sent_at AND (c.until IS NULL OR c.until > d.sent_at - {CLAIMED}))
        AND NOT EXISTS (
            -- A deputy who stood in for one of the team, or was on call.
            SELECT 1 FROM pathway_cover v
            WHERE v.user_id = d.person_id AND v.since <= d.sent_at AND v.until > d.sent_at - {CLAIMED}
                  AND (v.stands_in_for_id IS NULL OR EXISTS (
                      SELECT 1 FROM pathway_careteammember c
                      WHERE c.patient_id = e.patient_id AND c.user_id = v.stands_in_for_id
                            AND c.since <= d.sent_at AND (c.until IS NULL OR c.until > d.sent_at - {CLAIMED}))))
        AND NOT EXISTS (
            -- While records were merged, the team of one was the team of both.
            SELECT 1 FROM pathway_merge m JOIN pathway_careteammember c ON c.patient_id IN (m.source_id, m.survivor_id)
            WHERE e.patient_id IN (m.source_id, m.survivor_id) AND m.status IN ('confirmed', 'undone')
                  AND c.user_id = d.person_id AND c.since <= d.sent_at
                  AND (c.until IS NULL OR c.until > d.sent_at - {CLAIMED}))
        """,
    ),
    Promise(
        5,
        "every stay but the first says by whom or why",
        """
        SELECT 'stay ' || id FROM pathway_stay
        WHERE how NOT IN ('enrollment', 'death') AND by_id IS NULL AND reason = ''
        """,
    ),
    Promise(
        5,
        "every move of a stage is in the audit",
        """
        SELECT 'enrollment ' || s.enrollment_id || ' ' || g.code
        FROM pathway_stay s JOIN pathway_stage g ON g.id = s.stage_id
        JOIN pathway_enrollment e ON e.id = s.enrollment_id
        WHERE s.how IN ('proposal', 'move', 'intervention')
        GROUP BY s.enrollment_id, e.patient_id, s.track, g.code
        HAVING count(*) > (
            SELECT count(*) FROM pathway_auditevent v
            WHERE v.patient_id IN (
                      SELECT e.patient_id UNION ALL
                      SELECT unnest(ARRAY[m.source_id, m.survivor_id]) FROM pathway_merge m
                      WHERE e.patient_id IN (m.source_id, m.survivor_id) AND m.status IN ('confirmed', 'undone'))
                  AND v.action = 'stage.changed'
                  AND v.subject = 'enrollment:' || s.enrollment_id
                  AND v.after->>'track' = s.track AND v.after->>'stage' = g.code)
        """,
    ),
    Promise(
        5,
        "every decision says when, every refusal why",
        """
        SELECT 'alert ' || id FROM pathway_alert
        WHERE status = 'closed' AND (closed_at IS NULL OR close_reason = '')
        UNION ALL
        SELECT 'proposal ' || id FROM pathway_proposal
        WHERE status IN ('accepted', 'declined') AND (decided_at IS NULL OR (status = 'declined' AND reason = ''))
        UNION ALL
        SELECT 'task ' || id FROM pathway_caretask
        WHERE status NOT IN ('open', 'in-progress')
              AND (closed_at IS NULL OR (status = 'skipped' AND skip_reason = '')
                   OR (status = 'cancelled' AND close_reason = ''))
        UNION ALL
        SELECT 'observation ' || id FROM pathway_observation
        WHERE status = 'voided' AND (voided_at IS NULL OR void_reason = '')
        UNION ALL
        SELECT 'delivery ' || id FROM pathway_delivery
        WHERE (status = 'sent') <> (sent_at IS NOT NULL) OR (status = 'cancelled' AND reason = '')
        """,
    ),
    Promise(
        5,
        "every status is one that its kind can have",
        """
        SELECT 'enrollment ' || id || ' ' || status FROM pathway_enrollment
        WHERE status NOT IN ('active', 'on-hold', 'completed', 'withdrawn', 'deceased')
        UNION ALL
        SELECT 'task ' || id || ' ' || status FROM pathway_caretask
        WHERE status NOT IN ('open', 'in-progress', 'completed', 'skipped', 'cancelled')
        UNION ALL
        SELECT 'proposal ' || id || ' ' || status FROM pathway_proposal
        WHERE status NOT IN ('open', 'accepted', 'declined', 'superseded', 'withdrawn')
        UNION ALL
        SELECT 'delivery ' || id || ' ' || status FROM pathway_delivery
        WHERE status NOT IN ('queued', 'in-flight', 'sent', 'cancelled', 'failed')
        """,
    ),
    Promise(
        8,
        "no present verdict of a live enrollment rests on a result that was voided or is held",
        f"""
        SELECT DISTINCT 'judgement ' || j.id || ' observation ' || o.id
        FROM pathway_judgement j JOIN pathway_enrollment e ON e.id = j.enrollment_id AND e.status IN {LIVE}
        JOIN pathway_observation o ON o.id = ANY (j.evidence)
        WHERE o.status <> 'final'
        """,
    ),
    Promise(
        7,
        "a verdict that is not known says what is missing",
        """
        SELECT 'judgement ' || id FROM pathway_judgement WHERE verdict = 'unknown' AND missing = '{}'
        """,
    ),
    Promise(
        9,
        "nothing stays open after a death, a withdrawal or a change of pathway",
        f"""
        SELECT kind || ' ' || rows.id || ' of enrollment ' || e.id
        FROM (
            SELECT 'task' AS kind, id, enrollment_id, activity_id AS code FROM pathway_caretask WHERE status IN {OPEN}
            UNION ALL SELECT 'alert', id, enrollment_id, '' FROM pathway_alert WHERE status = 'open'
            UNION ALL SELECT 'proposal', id, enrollment_id, '' FROM pathway_proposal WHERE status = 'open'
        ) rows JOIN pathway_enrollment e ON e.id = rows.enrollment_id
        WHERE e.status NOT IN {LIVE} AND NOT (e.status = 'deceased' AND rows.code = %(bereavement)s)
        """,
    ),
    Promise(
        9,
        "a death is recorded at the patient and at the enrollment, or at neither",
        f"""
        SELECT 'enrollment ' || e.id || ' of patient ' || p.id
        FROM pathway_enrollment e JOIN pathway_patient p ON p.id = e.patient_id
        WHERE (e.status = 'deceased' AND p.died_on IS NULL) OR (e.status IN {LIVE} AND p.died_on IS NOT NULL)
        """,
    ),
    Promise(
        9,
        "nothing goes on at a record that was merged into another",
        f"""
        SELECT 'enrollment ' || e.id || ' of patient ' || p.id
        FROM pathway_enrollment e JOIN pathway_patient p ON p.id = e.patient_id AND p.merged_into_id IS NOT NULL
        WHERE e.status IN {LIVE}
        UNION ALL
        SELECT 'task ' || t.id || ' of patient ' || p.id
        FROM pathway_caretask t JOIN pathway_enrollment e ON e.id = t.enrollment_id
        JOIN pathway_patient p ON p.id = e.patient_id AND p.merged_into_id IS NOT NULL
        WHERE t.status IN {OPEN}
        """,
    ),
)
FROZEN = "a published version says what it said when it was published"
CHILDREN = "a published version has the stages, rows and rules of its record"
KEYS = "a delivery has the key that is made of what it delivers to whom"
WALL = "row-level security is on for every table with rows of patients"
BOTH_WALLS = "who sees whom is the same for the program and for the database"
KEYS_ASKED = 1000  # of the newest deliveries
SEERS = 50


def violations(at: datetime) -> list[Violation]:
    """Every promise that is broken now, with what breaks it; an empty list is what everybody wants."""
    found = [Violation(one.number, one.text, _ask(one, at)) for one in PROMISES]
    found += [Violation(number, text, tuple(find(at))) for number, text, find in _CHECKS]
    return sorted((one for one in found if one.offenders), key=lambda one: (one.number, one.promise))


def texts() -> set[str]:
    """What is promised, in words."""
    return {one.text for one in PROMISES} | {text for _number, text, _find in _CHECKS}


def count() -> int:
    """How many promises are checked."""
    return len(PROMISES) + len(_CHECKS)


def _ask(promise: Promise, at: datetime) -> tuple[str, ...]:
    known: dict[str, Any] = {
        "at": at,
        "bereavement": BEREAVEMENT,
        "closed": CLOSED_STAGE,
        "overall": OVERALL_TRACK,
        "interval": settings.SWEEP_SECONDS,
    }
    with connection.cursor() as cursor:
        cursor.execute(promise.sql, known)
        return tuple(sorted(row[0] for row in cursor.fetchall()))


def _changed(_at: datetime) -> Iterator[str]:
    for model in (PathwayVersion, RuleSetVersion):
        for version in _frozen(model):
            plain = {key: value for key, value in version.record.items() if key != "version"}
            if records.digest(plain) != version.digest:
                yield f"{model._meta.model_name} {version.pk} ({version})"


def _incomplete(_at: datetime) -> Iterator[str]:
    for version in _frozen(PathwayVersion):
        told = version.record
        stages = sorted(stage["code"] for track in told["tracks"] for stage in track["stages"])
        rows = [row["activity"] for row in told["rows"]]
        stored = sorted(version.tracks.values_list("stages__code", flat=True))
        if stages != stored or rows != list(version.rows.order_by("position").values_list("activity", flat=True)):
            yield f"pathwayversion {version.pk} ({version})"
    for rule_set in _frozen(RuleSetVersion):
        known = sorted(rule["code"] for rule in rule_set.record["rules"])
        if known != sorted(rule_set.rules.values_list("code", flat=True)):
            yield f"rulesetversion {rule_set.pk} ({rule_set})"


def _frozen(model: Any) -> list[Any]:
    return list(model.objects.filter(status__in=(VersionStatus.PUBLISHED, VersionStatus.RETIRED)).order_by("pk"))


def _other_keys(_at: datetime) -> Iterator[str]:
    rows = Delivery.objects.select_related("reminder").order_by("-pk")[:KEYS_ASKED]
    for row in rows:
        told = row.reminder
        if row.key != delivery_key(told.task_id, told.due_on.isoformat(), told.rung, row.person_id, row.channel):
            yield f"delivery {row.pk}"


def _wall_gaps(_at: datetime) -> Iterator[str]:
    yield from walls.gaps(serving=False)


def _seen_differently(at: datetime) -> Iterator[str]:
    """Some people, picked by chance, and for each the patients that one wall shows and the other does not."""
    for user in User.objects.filter(is_active=True).order_by("?")[:SEERS]:
        by_program = set(Patient.objects.visible_to(user, at).values_list("pk", flat=True))
        for patient in sorted(by_program ^ _shown_by_database(user.pk, at)):
            wall = "program" if patient in by_program else "database"
            yield f"user {user.pk} sees patient {patient} by the {wall} alone"


def _shown_by_database(person: int, at: datetime) -> set[int]:
    """What an unfiltered question gives the web for this person; the role ends with the savepoint."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE pathway_web")
            cursor.execute(
                "SELECT set_config('pathway.person', %s, true), set_config('pathway.purpose', '', true),"
                " set_config('pathway.at', %s, true)",
                [str(person), at.isoformat()],
            )
            cursor.execute("SELECT id FROM pathway_patient")
            shown = {row[0] for row in cursor.fetchall()}
        transaction.set_rollback(True)
    return shown


_CHECKS: tuple[tuple[int, str, Callable[[datetime], Iterator[str]]], ...] = (
    (2, FROZEN, _changed),
    (2, CHILDREN, _incomplete),
    (4, KEYS, _other_keys),
    (6, WALL, _wall_gaps),
    (6, BOTH_WALLS, _seen_differently),
)
