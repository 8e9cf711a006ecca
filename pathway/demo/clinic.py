"""The demo clinic as a whole: its site, its people, and its patients one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, transaction

from pathway import audit, errors, flow
from pathway.demo import accounts, casting, player
from pathway.demo.accounts import Account, Keep
from pathway.demo.casting import Part, Script
from pathway.engine import schedule
from pathway.models import Patient, Site, User
from pathway.services import definitions

SLUG, NAME, ZONE, COUNTRY = "demo", "Demo clinic", "Europe/London", "GB"
ACTIVE, SHADOW = ("core", "nice-ng42"), ("aan-2009",)
SMALL_TEAM = "small-"
LOCK = 7_278_002  # with the patient's number: two runs at once do not make one patient twice

Progress = Callable[[int, int], None]  # how many patients are there, of how many


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for; the same order makes the same patients. `now` is the present to which they are played."""

    patients: int
    months: int
    seed: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Clinic:
    """The site with its two teams by role, and the accounts that this run made."""

    script: Script
    site: Site
    team: Mapping[str, User]
    small_team: Mapping[str, User]
    new_accounts: list[Account]


@transaction.atomic
def open_clinic(folder: Path, *, file: Path, keep: Keep) -> Clinic:
    """Make what is missing of the site and its people; what `fixtures/demo/` says is in `folder`."""
    script = casting.read(folder)
    site = ensure_site()
    team, new = accounts.ensure(site, script.names.staff, path=file, keep=keep)
    small, more = accounts.ensure(site, script.names.small_team, prefix=SMALL_TEAM, path=file, keep=keep)
    return Clinic(script, site, team, small, [*new, *more])


def play(clinic: Clinic, order: Order, *, progress: Progress, share: tuple[int, int] = (0, 1)) -> int:
    """Add the patients that are missing, one transaction each: a run that was ended goes on here. Returns how many.

    `share` (0, 2) takes every second patient, (1, 2) the others.
    """
    today = schedule.local_day(order.now, clinic.site.time_zone)
    parts = casting.cast(clinic.script, patients=order.patients, months=order.months, seed=order.seed, today=today)
    Site.objects.filter(pk=clinic.site.pk).update(demo_patients=len(parts))  # so that pages can tell how far it is
    index, of = share
    added = 0
    for part in parts[index::of]:
        added += _add(clinic, part, order)
        progress(Patient.objects.unscoped("demo").filter(site=clinic.site).count(), len(parts))
    return added


def settle(*, now: datetime) -> None:
    """Deliver the reminders of the last days into the inboxes."""
    flow.deliver(at=now)


def ensure_site(slug: str = SLUG, name: str = NAME) -> Site:
    """The site, flagged as invented, with its rule sets. Raises NotAllowed when a real one has that name."""
    site, is_new = Site.objects.get_or_create(
        slug=slug,
        defaults={"name": name, "time_zone": ZONE, "holiday_country": COUNTRY, "is_demo": True, "requires_mfa": False},
    )
    if not site.is_demo:
        raise errors.NotAllowed(
            "not-allowed", f"The site {slug!r} is a real one; invented patients have no place there"
        )
    if is_new:
        definitions.follow_rule_sets(site, active=ACTIVE, shadow=SHADOW)
    return site


@transaction.atomic
def _add(clinic: Clinic, part: Part, order: Order) -> bool:
    """True when the patient was not there yet."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, part.number])
    if Patient.objects.unscoped("demo").filter(site=clinic.site, identifier=part.identifier).exists():
        return False
    team = clinic.small_team if part.is_small_teams else clinic.team
    with audit.gathered():
        player.play(part, clinic.site, team, seed=order.seed, now=order.now)
    return True
