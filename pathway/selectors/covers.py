"""Who stands in for whom, and who is on call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pathway import errors
from pathway.models import CareTeamMember, Cover, Patient, Site, User
from pathway.selectors import shown
from pathway.vocabulary import Role

OVER_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Line:
    pk: int
    who: str
    role: str
    what: str
    since: str
    until: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All of a site."""

    running: Sequence[Line]
    coming: Sequence[Line]
    over: Sequence[Line]


def plan(site: Site, at: datetime) -> Plan:
    rows = _rows(site)
    return Plan(
        [_line(row) for row in _current(site, at).order_by("until", "pk")],
        [_line(row) for row in rows.filter(since__gt=at, until__gt=at).order_by("since", "pk")],
        [_line(row) for row in rows.filter(until__lte=at).order_by("-until", "-pk")[:OVER_SHOWN]],
    )


def site_of(cover: int) -> Site:
    """Raises NotFound for one that is not there."""
    row = Cover.objects.select_related("site").filter(pk=cover).first()
    if row is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return row.site


def duties(user: User, site: Site, at: datetime) -> list[str]:
    """What the person does for others at the site now, in sentences."""
    return [_sentence(row) for row in _current(site, at).filter(user=user).order_by("until", "pk")]


def notes(user: User, patient: Patient, at: datetime) -> list[str]:
    """Those on which the person sees this patient."""
    rows = list(_current(patient.site, at).filter(user=user).order_by("until", "pk"))
    if not rows:
        return []
    team = set(CareTeamMember.objects.current(at).filter(patient=patient).values_list("user_id", "role"))
    if any(person == user.pk for person, _role in team):
        return []
    return [_sentence(row) for row in rows if row.stands_in_for is None or (row.stands_in_for_id, row.role) in team]


def _rows(site: Site) -> QuerySet[Cover]:
    return Cover.objects.filter(site=site).select_related("site", "user", "stands_in_for", "granted_by")


def _current(site: Site, at: datetime) -> QuerySet[Cover]:
    return _rows(site).filter(since__lte=at, until__gt=at)


def _sentence(row: Cover) -> str:
    told = {"role": Role(row.role).label, "until": shown.moment(row.until, row.site), "site": row.site.name}
    if row.stands_in_for is None:
        return _("You are on call for %(site)s (%(role)s) until %(until)s.") % told
    told["who"] = row.stands_in_for.display_name
    return _("You stand in for %(who)s (%(role)s) until %(until)s.") % told


def _line(row: Cover) -> Line:
    what = _("on call for the site")
    if row.stands_in_for is not None:
        what = _("stands in for %(who)s") % {"who": row.stands_in_for.display_name}
    return Line(
        pk=row.pk,
        who=row.user.display_name,
        role=str(Role(row.role).label),
        what=what,
        since=shown.moment(row.since, row.site),
        until=shown.moment(row.until, row.site),
        reason=row.reason,
        by=shown.person(row.granted_by),
    )
