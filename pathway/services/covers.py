"""Standing in for a colleague, and being on call for a whole site: for a time, with a reason, by a coordinator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from pathway import audit, errors
from pathway.models import Cover, Membership, Site, User
from pathway.vocabulary import NO_CARE

LONGEST = timedelta(days=90)
LONGEST_ON_CALL = timedelta(days=7)
FARTHEST_AHEAD = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class NewCover:
    """`instead_of` None: on call for the site. `since` None: from now on."""

    person: int
    role: str
    instead_of: int | None
    since: datetime | None
    until: datetime
    reason: str


def give(site: Site, new: NewCover, *, at: datetime, by: User) -> Cover:
    """Raises InvalidEntry naming the field at fault."""
    since = new.since if new.since is not None and new.since > at else at
    _check_times(new, since, at)
    _check_people(site, new, by)
    # Two coordinators of a site who give the same come one after the other.
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    _check_need(site, new, since)
    cover = Cover.objects.create(
        site=site,
        user_id=new.person,
        role=new.role,
        stands_in_for_id=new.instead_of,
        since=since,
        until=new.until,
        reason=new.reason.strip(),
        granted_by=by,
    )
    audit.record("cover.given", by=by, subject=cover, reason=cover.reason, after=_told(cover))
    return cover


def end(cover: int, site: Site, *, at: datetime, by: User) -> None:
    """Early: what runs ends now, what has not begun never will. Raises NotFound for one that is over."""
    row = Cover.objects.select_for_update().filter(pk=cover, site=site, until__gt=at).first()
    if row is None:
        raise errors.NotFound("not-found", "There is nothing here")
    before = _told(row)
    row.until = max(row.since, at)
    row.save(update_fields=["until"])
    audit.record("cover.ended", by=by, subject=row, before=before, after=_told(row))


def _told(cover: Cover) -> dict[str, object]:
    return {
        "user": cover.user_id,
        "role": cover.role,
        "instead_of": cover.stands_in_for_id,
        "since": cover.since.isoformat(),
        "until": cover.until.isoformat(),
    }


def _check_times(new: NewCover, since: datetime, at: datetime) -> None:
    if not new.reason.strip():
        raise errors.InvalidEntry("not-allowed", "Say why", "reason")
    if since > at + FARTHEST_AHEAD:
        raise errors.InvalidEntry("not-allowed", "It may begin within a year", "since")
    if new.until <= since:
        raise errors.InvalidEntry("not-allowed", "It ends before it begins", "until")
    longest = LONGEST if new.instead_of is not None else LONGEST_ON_CALL
    if new.until - since > longest:
        what = "Standing in" if new.instead_of is not None else "Being on call"
        raise errors.InvalidEntry("not-allowed", f"{what} lasts {longest.days} days at most", "until")


def _check_people(site: Site, new: NewCover, by: User) -> None:
    held = Membership.objects.filter(site=site, is_active=True, user__is_active=True, role=new.role)
    if new.role in NO_CARE or not held.filter(user=new.person).exists():
        raise errors.InvalidEntry("not-allowed", "This person does not hold that role here", "person")
    if new.person == by.pk:
        raise errors.InvalidEntry("not-allowed", "Nobody lets themselves in: another coordinator has to", "person")
    if new.instead_of == new.person:
        raise errors.InvalidEntry("not-allowed", "Nobody stands in for themselves", "instead_of")
    # Who is away may have been deactivated already, and their patients still need somebody.
    if (
        new.instead_of is not None
        and not Membership.objects.filter(site=site, role=new.role, user=new.instead_of).exists()
    ):
        raise errors.InvalidEntry(
            "not-allowed",
            "Somebody stands in for a person of the same role: this one does not hold it here",
            "instead_of",
        )


def _check_need(site: Site, new: NewCover, since: datetime) -> None:
    rows = Cover.objects.filter(site=site, user=new.person, role=new.role, until__gt=since, since__lt=new.until)
    if rows.filter(stands_in_for=new.instead_of).exists():
        raise errors.InvalidEntry(
            "not-allowed", "This person does so already at that time: end the other one first", "person"
        )
    whole_time = Q(stands_in_for=None, since__lte=since, until__gte=new.until)
    if new.instead_of is not None and rows.filter(whole_time).exists():
        raise errors.InvalidEntry(
            "not-allowed", "This is not needed: the person is on call for the whole site at that time", "person"
        )
