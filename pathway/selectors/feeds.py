"""What a calendar feed shows: what its owner sees at this moment, without a name.

A feed is read outside of Pathway, on telephones and by calendar services, so it says what is to be done and when, and
leads to the patient's page, which asks for the sign-in. Whoever sees a patient no more has lost them here too.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from pathway import access
from pathway.models import CalendarFeed, CareTask, Intervention, Membership, Patient, Site, User
from pathway.selectors import definitions, equipment, worklists
from pathway.vocabulary import COORDINATOR, NO_CARE

AHEAD = timedelta(days=366)
MOST = 1000  # tasks of one feed, and reviews; the earliest


@dataclass(frozen=True, slots=True)
class Entry:
    """One day in a calendar. `uid` is the same for as long as the task is, and says nothing about the patient."""

    uid: str
    day: date
    title: str
    patient: UUID


@dataclass(frozen=True, slots=True)
class Feed:
    title: str
    entries: Sequence[Entry]
    patient_pks: Sequence[int]


@dataclass(frozen=True, slots=True)
class Offer:
    """One calendar that a person may have. `site` None: their own."""

    site: int | None
    title: str
    what: str
    made: datetime | None
    used: datetime | None


def digest(secret: str) -> str:
    """As which a secret is stored and looked for: nothing of it can be learned from how long that takes."""
    return hashlib.sha256(secret.encode()).hexdigest()


def live(secret: str) -> CalendarFeed | None:
    """The feed of this secret while its owner works and sees patients; for a site, while they coordinate it."""
    held = Membership.objects.filter(user=OuterRef("person"), is_active=True).exclude(role__in=NO_CARE)
    rows = CalendarFeed.objects.filter(
        Q(site=None) & Exists(held) | Exists(held.filter(site=OuterRef("site"), role=COORDINATOR)),
        digest=digest(secret),
        revoked_at=None,
        person__is_active=True,
        session_epoch=F("person__session_epoch"),
    )
    return rows.select_related("person", "site").first()


def read(feed: CalendarFeed, at: datetime) -> Feed:
    """Only in a transaction that says that it is for the owner of the feed."""
    visible, until = access.patients(feed.person, at), (at + AHEAD).date()
    if feed.site is not None:
        visible = visible.filter(site=feed.site)
    tasks = _tasks(feed, visible).filter(due_on__lte=until)
    related = tasks.select_related("enrollment__patient__site", "activity").order_by("due_on", "pk")[:MOST]
    lines = [(_of_task(task), task.enrollment.patient) for task in related]
    lines += [(_of_review(row), row.patient) for row in _reviews(feed, visible, until)]
    return Feed(
        _("Pathway: %(site)s") % {"site": feed.site.name} if feed.site else _("Pathway: my tasks"),
        _told_apart(lines),
        sorted({patient.pk for _entry, patient in lines}),
    )


def offers(user: User) -> list[Offer]:
    """The calendars that somebody may have, with the addresses that are alive."""
    held = Membership.objects.filter(user=user, is_active=True).exclude(role__in=NO_CARE)
    if not held.exists():
        return []
    made = {
        row.site_id: row
        for row in CalendarFeed.objects.filter(person=user, revoked_at=None, session_epoch=user.session_epoch)
    }
    coordinated = Site.objects.filter(memberships__in=held.filter(role=COORDINATOR)).distinct().order_by("name", "pk")
    mine = _("What waits for you and for your roles; doses and reviews of your patients.")
    all_of_it = _("What is open there for every role, of the patients you see.")
    found = [_offer(None, _("My tasks"), mine, made.get(None))]
    return found + [_offer(site.pk, site.name, all_of_it, made.get(site.pk)) for site in coordinated]


def _offer(site: int | None, title: str, what: str, made: CalendarFeed | None) -> Offer:
    return Offer(site, title, what, made.created_at if made else None, made.last_used_at if made else None)


def site_or_none(user: User, pk: int) -> Site | None:
    """A site that the person coordinates."""
    return Site.objects.filter(
        pk=pk, memberships__user=user, memberships__is_active=True, memberships__role=COORDINATOR
    ).first()


def _tasks(feed: CalendarFeed, visible: QuerySet[Patient]) -> QuerySet[CareTask]:
    found: QuerySet[CareTask] = CareTask.objects.live().filter(enrollment__patient__in=visible)
    if feed.site is not None:
        return found
    own = Q(assignee=feed.person) | Q(activity__in=_dose_activities())
    for desk in worklists.desks(feed.person):
        own |= Q(owner=desk.role, enrollment__patient__site=desk.site)
    mine: QuerySet[CareTask] = found.filter(own)
    return mine


def _dose_activities() -> list[str]:
    kinds = definitions.vocabulary().interventions.values()
    return [kind.series.task for kind in kinds if kind.series is not None]


def _reviews(feed: CalendarFeed, visible: QuerySet[Patient], until: date) -> Iterable[Intervention]:
    """Of equipment, as on the worklists: the concern of the roles that the person has at each site."""
    found: dict[int, Intervention] = {}
    for desk in worklists.desks(feed.person):
        only = None if desk.sees_all_roles else equipment.concern_of(desk.role)
        for row in equipment.due(visible.filter(site=desk.site), until, MOST, only):
            found[row.pk] = row
    return found.values()


def _of_task(task: CareTask) -> Entry:
    return _entry(f"task-{task.pk}", task.due_on, task.activity.title, task.enrollment.patient)


def _of_review(row: Intervention) -> Entry:
    assert row.review_on is not None  # by the selection
    return _entry(f"review-{row.pk}", row.review_on, _("Review: %(what)s") % {"what": row.kind.title}, row.patient)


def _entry(name: str, day: date, title: str, patient: Patient) -> Entry:
    if patient.site.feed_shows_initials:
        title = f"{title} ({_initials(patient)})"
    return Entry(f"{name}@pathway", day, title, patient.uuid)


def _initials(patient: Patient) -> str:
    return "".join(f"{name.strip()[:1].upper()}." for name in (patient.given_name, patient.family_name) if name.strip())


def _told_apart(lines: Iterable[tuple[Entry, Patient]]) -> list[Entry]:
    """Without names several of a kind on one day look like one that was entered twice: they are counted."""
    entries = sorted((entry for entry, _patient in lines), key=lambda one: (one.day, one.title, one.uid))
    of_a_kind = Counter((one.day, one.title) for one in entries)
    seen: Counter[tuple[date, str]] = Counter()
    told = []
    for one in entries:
        kind = (one.day, one.title)
        seen[kind] += 1
        count = {"title": one.title, "number": seen[kind], "all": of_a_kind[kind]}
        told.append(replace(one, title=_("%(title)s, %(number)d of %(all)d") % count) if of_a_kind[kind] > 1 else one)
    return told
