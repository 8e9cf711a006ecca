"""The queue of unusual access: what somebody should look into, each entry with why. Computed from the audit.

An entry leaves the queue when somebody has marked it; what is to be followed up stays in a list of its own until it
is fine. Emergency access has its own queue (`selectors.emergencies`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _

from pathway import errors
from pathway.models import AccessReview, Site, User
from pathway.selectors import access_reports, shown
from pathway.selectors.access_reports import as_the_audit

WINDOW = timedelta(days=30)
MOST = 200  # entries of one kind

_OPENED = """
FROM pathway_auditevent e JOIN pathway_patient p ON p.id = e.patient_id
WHERE e.at >= %(since)s AND e.actor_id IS NOT NULL AND p.site_id = %(site)s AND e.action LIKE '%%read'
    AND e.purpose <> 'audit'
"""
_MANY = f"""
SELECT e.actor_id, date_trunc('hour', e.at AT TIME ZONE %(zone)s), count(DISTINCT e.patient_id), NULL, NULL, false
{_OPENED} GROUP BY 1, 2 HAVING count(DISTINCT e.patient_id) > %(limit)s
"""
_COVERED = f"""
SELECT e.actor_id, date_trunc('day', e.at AT TIME ZONE %(zone)s), count(DISTINCT e.patient_id), NULL, NULL, false
{_OPENED} AND e.ways = 'cover' GROUP BY 1, 2 HAVING count(DISTINCT e.patient_id) > %(limit)s
"""
_NOT_FOUND = """
SELECT e.actor_id, date_trunc('hour', e.at AT TIME ZONE %(zone)s), count(*), NULL, NULL, false
FROM pathway_auditevent e
WHERE e.at >= %(since)s AND e.action = 'access.not-found'
    AND EXISTS (SELECT FROM pathway_membership m WHERE m.user_id = e.actor_id AND m.site_id = %(site)s)
GROUP BY 1, 2 HAVING count(*) > %(limit)s
"""
# An address names a patient whom the person does not see. Who has seen them before has left the team since.
_DENIED = """
SELECT e.actor_id, date_trunc('day', e.at AT TIME ZONE %(zone)s), count(*), p.id, p.identifier,
    bool_or(EXISTS (SELECT FROM pathway_auditevent b
                    WHERE b.actor_id = e.actor_id AND b.patient_id = p.id AND b.at < e.at AND b.ways <> ''))
FROM pathway_auditevent e
JOIN pathway_patient p ON p.uuid = CASE WHEN e.subject ~ '^patient:[0-9a-f-]{36}$' THEN substr(e.subject, 9)::uuid END
WHERE e.at >= %(since)s AND e.action = 'access.not-found' AND e.actor_id IS NOT NULL AND p.site_id = %(site)s
GROUP BY 1, 2, 4, 5
"""
_NAMESAKES = """
SELECT n.person, NULL::timestamp, 1, p.id, p.identifier, false
FROM pathway_namesakes(%(since)s) n JOIN pathway_patient p ON p.id = n.patient WHERE p.site_id = %(site)s
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """`key` names it for ever: the same access is the same entry. `patient_pk` is None where it is about many."""

    key: str
    person: int
    who: str
    when: str
    why: str
    is_own: bool
    patient_pk: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    waiting: Sequence[Entry]
    followed_up: Sequence[Entry]

    @property
    def patient_pks(self) -> list[int]:
        return sorted({one.patient_pk for one in self.waiting if one.patient_pk is not None})


@dataclass(frozen=True, slots=True)
class _Found:
    """A row of each of the questions."""

    person: int
    hour: datetime | None
    count: int
    patient_pk: int | None
    number: str | None
    has_seen: bool


@dataclass(frozen=True, slots=True)
class Kind:
    """`limit` is the setting above which it is unusual; "" where a single one is."""

    code: str
    question: str
    why: Callable[[_Found], str]
    limit: str = ""


def _many(row: _Found) -> str:
    return _("opened the records of %(n)d patients within an hour") % {"n": row.count}


def _covered(row: _Found) -> str:
    return _("on cover, opened the records of %(n)d patients in a day") % {"n": row.count}


def _not_found(row: _Found) -> str:
    return _("asked %(n)d times within an hour for what is missing or not theirs to see") % {"n": row.count}


def _denied(row: _Found) -> str:
    told = {"number": row.number, "n": row.count}
    if row.has_seen:
        return _("tried %(n)d times to open patient %(number)s, whom they saw before and do not see now") % told
    return _("tried %(n)d times to open patient %(number)s, whom they do not see") % told


def _namesake(row: _Found) -> str:
    return _("opened the record of patient %(number)s, who has their own family name") % {"number": row.number}


KINDS = (
    Kind("many", _MANY, _many, "UNUSUAL_PATIENTS_PER_HOUR"),
    Kind("denied", _DENIED, _denied),
    Kind("not-found", _NOT_FOUND, _not_found, "UNUSUAL_NOT_FOUND_PER_HOUR"),
    Kind("namesake", _NAMESAKES, _namesake),
    Kind("covered", _COVERED, _covered, "UNUSUAL_COVERED_PER_DAY"),
)


def queue(site: Site, user: User, at: datetime) -> Queue:
    """What nobody has looked into yet, of the last 30 days; and what is to be followed up, of all times."""
    with as_the_audit():
        marks = _marks(site)
        found = [(kind, row) for kind in KINDS for row in _ask(kind, site, at)]
        names = access_reports.people(
            [*(row.person for _kind, row in found), *(one.person_id for one in marks.values())]
        )
    waiting = [_entry(kind, row, site, names, user) for kind, row in found if _key(kind, row) not in marks]
    followed = [
        _marked(mark, site, names, user) for mark in marks.values() if mark.verdict == AccessReview.Verdict.FOLLOW_UP
    ]
    return Queue(waiting, followed)


def entry_or_not_found(site: Site, user: User, key: str, at: datetime) -> Entry:
    """One that waits, or is to be followed up."""
    found = queue(site, user, at)
    entry = next((one for one in (*found.waiting, *found.followed_up) if one.key == key), None)
    if entry is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return entry


def _marks(site: Site) -> Mapping[str, AccessReview]:
    """The newest mark of each key."""
    return {mark.key: mark for mark in AccessReview.objects.filter(site=site).order_by("at", "pk")}


def _ask(kind: Kind, site: Site, at: datetime) -> list[_Found]:
    told: dict[str, Any] = {"since": at - WINDOW, "site": site.pk, "zone": site.time_zone}
    if kind.limit:
        told["limit"] = getattr(settings, kind.limit)
    with connection.cursor() as cursor:
        cursor.execute(f"{kind.question} ORDER BY 2 DESC NULLS LAST, 1 LIMIT {MOST}", told)
        return [_Found(*row) for row in cursor.fetchall()]


def _key(kind: Kind, row: _Found) -> str:
    parts = [kind.code, str(row.person)]
    if row.patient_pk is not None:
        parts.append(str(row.patient_pk))
    if row.hour is not None:
        parts.append(f"{row.hour:%Y-%m-%dT%H}")
    return ":".join(parts)


def _entry(kind: Kind, row: _Found, site: Site, names: Mapping[int, str], user: User) -> Entry:
    when = "" if row.hour is None else f"{shown.day(row.hour.date())} {row.hour:%H:%M}".removesuffix(" 00:00")
    own = row.person == user.pk
    return Entry(_key(kind, row), row.person, names[row.person], when, kind.why(row), own, row.patient_pk)


def _marked(mark: AccessReview, site: Site, names: Mapping[int, str], user: User) -> Entry:
    when, own = shown.moment(mark.at, site), mark.person_id == user.pk
    return Entry(mark.key, mark.person_id, names[mark.person_id], when, mark.what, own, note=mark.reason)
