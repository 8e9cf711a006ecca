"""How a person wants to be told, as it stands; and who could stand in for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time

from django.db.models import F, QuerySet

from pathway.models import DIGEST_HOUR, Membership, MessageSettings, PersonalChannel, User
from pathway.vocabulary import NO_CARE, Role

Choice = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Wishes:
    """`channels` maps those that the person chose to where they are found on each."""

    by_email: bool = True
    digest_hour: int = DIGEST_HOUR
    quiet: tuple[time, time] | None = None
    away: tuple[date, date] | None = None  # both included
    deputy: int | None = None
    channels: Mapping[str, str] = field(default_factory=dict)


def present(person: User) -> Wishes:
    """What holds for who has never chosen anything is what a new row would say."""
    row = MessageSettings.objects.filter(person=person).first() or MessageSettings(person=person)
    begin, end, first, last = row.quiet_from, row.quiet_until, row.absent_from, row.absent_until
    return Wishes(
        by_email=row.by_email,
        digest_hour=row.digest_hour,
        quiet=(begin, end) if begin is not None and end is not None else None,
        away=(first, last) if first is not None and last is not None else None,
        deputy=row.deputy_id,
        channels=dict(PersonalChannel.objects.filter(person=person).values_list("channel", "address")),
    )


def colleagues(person: User) -> QuerySet[User]:
    """Who works in the same role at the same site."""
    own = Membership.objects.filter(user=person, is_active=True).exclude(role__in=NO_CARE)
    same = Membership.objects.filter(
        is_active=True, site__memberships__in=own, role=F("site__memberships__role"), user__is_active=True
    )
    return User.objects.filter(pk__in=same.exclude(user=person).values("user"))


def deputies(person: User) -> list[Choice]:
    """Colleagues by name, each with the roles that they hold."""
    found = colleagues(person).prefetch_related("memberships").order_by("last_name", "username")
    return [
        (
            str(one.pk),
            f"{one.display_name}, "
            + ", ".join(sorted({str(Role(row.role).label) for row in one.memberships.all() if row.is_active})),
        )
        for one in found
    ]
