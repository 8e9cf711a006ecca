"""What has fallen silent: everything that should move and that nothing will move unless somebody looks.

One statement finds all of it, for the patients that the coordinator sees; the same statement counts what is there of
everybody at the site, so that a gap nobody sees is a number at least. It is asked as a service, since asking the second
wall about every row of a site takes long; names are read as the person, behind both walls. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy

from pathway import access, actor
from pathway.access import Permit
from pathway.actor import Service
from pathway.models import Patient, Site, User
from pathway.selectors import definitions, shown
from pathway.vocabulary import COORDINATOR, Role

# A proposal is answered as soon as a task that a rule asks for is due at the latest.
ANSWERED_WITHIN = timedelta(days=14)
JUDGED_BY = timedelta(hours=3)  # after the site's midnight
SHOWN = 200

KINDS = {
    "failed-judging": gettext_lazy("The rules could not be judged: the daily judge fails for this patient"),
    "not-judged": gettext_lazy("Not judged today: alerts and due dates may be missing"),
    "no-task": gettext_lazy("An activity of an open stage has no open task, so nothing will remind of it"),
    "dead-end": gettext_lazy("No way leads out of a stage that is not the last one"),
    "untold": gettext_lazy("A reminder has reached nobody: nobody on the team has the role"),
    "failed-message": gettext_lazy("A message could not be delivered"),
    "unanswered": gettext_lazy("A proposal has waited for a decision for more than 14 days"),
    "missing-value": gettext_lazy("A value is missing, its task is overdue, and a rule cannot be judged without it"),
}

# Each part says: kind, patient, site, what it is about, since when. `%(sites)s` are the sites, `%(seer)s` the person.
_FOUND = """
WITH live AS (
    SELECT e.*, p.site_id, s.time_zone, (%(at)s AT TIME ZONE s.time_zone)::date AS today,
           ((%(at)s::timestamptz - %(judged_by)s::interval) AT TIME ZONE s.time_zone)::date AS judged_today
    FROM pathway_enrollment e JOIN pathway_patient p ON p.id = e.patient_id JOIN pathway_site s ON s.id = p.site_id
    WHERE e.status IN ('active', 'on-hold') AND p.site_id = ANY (%(sites)s::bigint[]) AND {seen}
), stays AS (
    SELECT e.id AS enrollment_id, e.patient_id, e.site_id, e.version_id, y.entered_at, g.*
    FROM live e JOIN pathway_stay y ON y.enrollment_id = e.id AND y.left_at IS NULL AND NOT y.annulled
    JOIN pathway_stage g ON g.id = y.stage_id
), tasks AS (
    SELECT t.*, e.patient_id, e.site_id, e.time_zone, e.today, a.title
    FROM live e JOIN pathway_caretask t ON t.enrollment_id = e.id AND t.status IN ('open', 'in-progress')
    JOIN pathway_activity a ON a.code = t.activity_id
), found AS (
    SELECT 'failed-judging' AS kind, e.patient_id, e.site_id, '' AS about, e.judge_failed_at AS since
    FROM live e WHERE e.judge_failed_at IS NOT NULL
    UNION ALL
    SELECT 'not-judged', e.patient_id, e.site_id, '',
           coalesce(e.judged_on, e.enrolled_on)::timestamp AT TIME ZONE e.time_zone
    FROM live e WHERE e.judge_failed_at IS NULL AND coalesce(e.judged_on, e.enrolled_on) < e.judged_today
    UNION ALL
    -- By the rows that hold, and, in case just these are wrong, by the rows of its stage that hold on no condition.
    SELECT DISTINCT 'no-task', w.patient_id, w.site_id, a.title, NULL::timestamptz
    FROM (
        SELECT e.id, e.patient_id, e.site_id, r.activity_id
        FROM live e JOIN pathway_stageactivity r ON r.id = ANY (e.rows_in_force)
        WHERE r.mode = 'recurring' AND r.every <> ''
        UNION ALL
        SELECT y.enrollment_id, y.patient_id, y.site_id, r.activity_id
        FROM stays y JOIN pathway_stageactivity r ON r.version_id = y.version_id AND r.track_id = y.track_id
        JOIN pathway_stage f ON f.id = r.first_stage_id JOIN pathway_stage l ON l.id = r.last_stage_id
        WHERE r.mode = 'recurring' AND r.every <> '' AND r."when" = '' AND y.rank BETWEEN f.rank AND l.rank
    ) w JOIN pathway_activity a ON a.code = w.activity_id
    WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.enrollment_id = w.id AND t.activity_id = w.activity_id)
    UNION ALL
    SELECT 'dead-end', y.patient_id, y.site_id, y.title, y.entered_at
    FROM stays y
    WHERE NOT y.is_terminal AND NOT EXISTS (SELECT FROM pathway_route x WHERE x.source_id = y.id)
          AND EXISTS (SELECT FROM pathway_stage o WHERE o.track_id = y.track_id AND o.rank > y.rank)
    UNION ALL
    SELECT 'untold', t.patient_id, t.site_id, t.title, min(r.created_at)
    FROM tasks t JOIN pathway_reminder r ON r.task_id = t.id AND r.resolved_at IS NOT NULL
    WHERE NOT EXISTS (SELECT FROM pathway_delivery d WHERE d.reminder_id = r.id AND d.status <> 'cancelled')
    GROUP BY t.id, t.patient_id, t.site_id, t.title
    UNION ALL
    SELECT 'failed-message', t.patient_id, t.site_id, t.title, min(d.queued_at)
    FROM tasks t JOIN pathway_reminder r ON r.task_id = t.id JOIN pathway_delivery d ON d.reminder_id = r.id
    WHERE d.status = 'failed'
    GROUP BY t.id, t.patient_id, t.site_id, t.title
    UNION ALL
    SELECT 'unanswered', e.patient_id, e.site_id, coalesce(g.title, q.code), q.opened_at
    FROM live e JOIN pathway_proposal q ON q.enrollment_id = e.id AND q.status = 'open'
    LEFT JOIN pathway_stage g ON g.id = q.stage_id
    WHERE q.opened_at < %(at)s::timestamptz - %(answered_within)s::interval
    UNION ALL
    SELECT 'missing-value', t.patient_id, t.site_id, t.title, t.due_on::timestamp AT TIME ZONE t.time_zone
    FROM tasks t
    WHERE t.due_on < t.today AND EXISTS (
        SELECT FROM unnest(%(activities)s::text[], %(values)s::text[]) AS k(activity, value)
        JOIN pathway_judgement j ON j.enrollment_id = t.enrollment_id AND j.verdict = 'unknown'
             AND k.value = ANY (j.missing)
        WHERE k.activity = t.activity_id
    )
)
"""
_SEEN = """EXISTS (
        SELECT FROM pathway_sight i WHERE i.patient_id = p.id AND i.user_id = %(seer)s::bigint
               AND i.since <= %(at)s AND (i.until IS NULL OR i.until > %(at)s)
    )"""
_LIST = """
SELECT kind, patient_id, site_id, about, since, count(*) OVER (PARTITION BY kind)
FROM found ORDER BY array_position(%(kinds)s::text[], kind), since NULLS FIRST, patient_id LIMIT %(limit)s
"""
_COUNT = "SELECT site_id, kind, count(*) FROM found GROUP BY 1, 2"
_ALONE = """
SELECT s.id, s.name, count(DISTINCT p.id) FROM pathway_site s JOIN pathway_patient p ON p.site_id = s.id
JOIN pathway_enrollment e ON e.patient_id = p.id AND e.status IN ('active', 'on-hold')
WHERE (%(sites)s::bigint[] IS NULL OR s.id = ANY (%(sites)s::bigint[])) AND NOT EXISTS (
    SELECT FROM pathway_membership m JOIN pathway_user u ON u.id = m.user_id
    WHERE m.site_id = s.id AND m.role = %(coordinator)s AND m.is_active AND u.is_active)
GROUP BY 1, 2 ORDER BY 2, 1
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing of one patient that nothing moves. `since` is empty where nobody can know."""

    kind: str
    patient_pk: int
    patient: str
    identifier: str
    birth: str
    uuid: UUID
    about: str
    since: str


@dataclass(frozen=True, slots=True)
class Group:
    """Gaps of one kind; `count` may be more than are listed."""

    kind: str
    title: str
    count: int
    gaps: Sequence[Gap]


@dataclass(frozen=True, slots=True)
class Others:
    """How many gaps of one kind a site has among patients whom the person does not see."""

    site: str
    title: str
    count: int


@dataclass(frozen=True, slots=True)
class Alone:
    """A site with patients on a pathway and nobody who coordinates."""

    site: str
    patients: int


@dataclass(frozen=True, slots=True)
class Overview:
    groups: Sequence[Group]
    others: Sequence[Others]
    alone: Sequence[Alone]

    @property
    def patient_pks(self) -> list[int]:
        return sorted({gap.patient_pk for group in self.groups for gap in group.gaps})


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    patient: int
    site: int
    about: str
    since: datetime | None
    of_kind: int


def coordinated(user: User) -> list[Site]:
    """Sites whose gaps the person looks after."""
    return access.sites_with(user, Permit.SET_TEAM)


def administered(user: User) -> list[Site]:
    """Sites that the person administers: they learn of numbers there, and of no patient."""
    if user.is_staff:
        return list(Site.objects.order_by("name", "pk"))
    held = {"memberships__user": user, "memberships__role": Role.ADMIN, "memberships__is_active": True}
    return list(Site.objects.filter(**held).distinct().order_by("name", "pk"))


def overview(user: User, at: datetime) -> Overview:
    """All that the person should know of: theirs by name, the rest as numbers."""
    sites = {site.pk: site for site in coordinated(user)}
    everywhere = sites | {site.pk: site for site in administered(user)}
    with actor.acting(actor.service(Service.JUDGE)), transaction.atomic(savepoint=False):
        rows = _list(user, list(sites), at)
        seen, of_all = _count(at, list(sites), seer=user), _count(at, list(everywhere))
        alone = _alone(list(everywhere))
    others = [
        Others(everywhere[site].name, str(KINDS[kind]), number - seen.get((site, kind), 0))
        for (site, kind), number in sorted(of_all.items())
        if number > seen.get((site, kind), 0)
    ]
    return Overview(
        _groups(rows, access.patients(user, at).in_bulk({row.patient for row in rows}), sites), others, alone
    )


def count(user: User, site: Site, at: datetime) -> int:
    """How many the person sees at this site."""
    with actor.acting(actor.service(Service.JUDGE)), transaction.atomic(savepoint=False):
        return sum(_count(at, [site.pk], seer=user).values())


def sites_alone() -> list[Alone]:
    """All of them, for those who run the server; asked as a service."""
    return _alone(None)


def _list(user: User, sites: list[int], at: datetime) -> list[_Row]:
    values = _values(at, sites) | {"seer": user.pk, "kinds": list(KINDS), "limit": SHOWN}
    with connection.cursor() as cursor:
        cursor.execute(_FOUND.replace("{seen}", _SEEN) + _LIST, values)
        return [_Row(*row) for row in cursor.fetchall()]


def _count(at: datetime, sites: list[int], seer: User | None = None) -> dict[tuple[int, str], int]:
    values = _values(at, sites) | ({} if seer is None else {"seer": seer.pk})
    with connection.cursor() as cursor:
        cursor.execute(_FOUND.replace("{seen}", "true" if seer is None else _SEEN) + _COUNT, values)
        return {(site, kind): number for site, kind, number in cursor.fetchall()}


def _alone(sites: list[int] | None) -> list[Alone]:
    with connection.cursor() as cursor:
        cursor.execute(_ALONE, {"sites": sites, "coordinator": str(COORDINATOR)})
        return [Alone(name, number) for _pk, name, number in cursor.fetchall()]


def _values(at: datetime, sites: list[int]) -> dict[str, Any]:
    """An activity and what completes it: when that is missing, a rule may wait for the task."""
    known = definitions.vocabulary().activities.values()
    pairs = [(one.code, value) for one in known for value in one.completed_by]
    return {
        "at": at,
        "sites": sites,
        "judged_by": JUDGED_BY,
        "answered_within": ANSWERED_WITHIN,
        "activities": [activity for activity, _value in pairs],
        "values": [value for _activity, value in pairs],
    }


def _groups(rows: Sequence[_Row], known: Mapping[int, Patient], sites: Mapping[int, Site]) -> list[Group]:
    titles = {code: one.title for code, one in definitions.vocabulary().proposals.items()}
    found: dict[str, list[_Row]] = {}
    for row in rows:
        if row.patient in known:
            found.setdefault(row.kind, []).append(row)
    return [
        Group(
            kind,
            str(KINDS[kind]),
            those[0].of_kind,
            [_gap(row, known[row.patient], sites[row.site], titles) for row in those],
        )
        for kind, those in found.items()
    ]


def _gap(row: _Row, patient: Patient, site: Site, titles: Mapping[str, str]) -> Gap:
    return Gap(
        kind=row.kind,
        patient_pk=patient.pk,
        patient=str(patient),
        identifier=patient.identifier,
        birth=shown.day(patient.birth_date),
        uuid=patient.uuid,
        about=titles.get(row.about, row.about),
        since=shown.moment(row.since, site),
    )
