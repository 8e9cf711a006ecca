"""The demo clinic as a whole: its site, its people, and its patients one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.db import transaction

from pathway import audit, errors, flow
from pathway.demo import accounts, casting, player
from pathway.demo.accounts import Account, Keep
from pathway.engine import schedule
from pathway.models import Patient, Site, User
from pathway.services import definitions

SLUG, NAME, ZONE, COUNTRY = "demo", "Demo clinic", "Europe/London", "GB"
ACTIVE, SHADOW = ("core", "nice-ng42"), ("aan-2009",)
SMALL_TEAM = "small-"

Progress = Callable[[int, int], None]  # how many patients are there, of how many


@dataclass(slots=True)
class Seeded:
    """What one run added."""

    accounts: list[Account] = field(default_factory=list)
    patients: int = 0


def seed(
    folder: Path, *, patients: int, months: int, seed: int, now: datetime, file: Path, keep: Keep, progress: Progress
) -> Seeded:
    """Make what is missing of the demo clinic. Each patient is one transaction: a run that was ended goes on here."""
    script = casting.read(folder)
    seeded = Seeded()
    with transaction.atomic():
        site = ensure_site()
        team, new = accounts.ensure(site, script.names.staff, path=file, keep=keep)
        small, more = accounts.ensure(site, script.names.small_team, prefix=SMALL_TEAM, path=file, keep=keep)
        seeded.accounts = [*new, *more]
    parts = casting.cast(
        script, patients=patients, months=months, seed=seed, today=schedule.local_day(now, site.time_zone)
    )
    present = set(Patient.objects.filter(site=site).values_list("identifier", flat=True))
    for part in parts:
        if part.identifier not in present:
            _add(part, site, small if part.is_small_teams else team, seed, now)
            seeded.patients += 1
        progress(part.number, len(parts))
    flow.deliver(at=now)
    return seeded


def ensure_site(slug: str = SLUG, name: str = NAME) -> Site:
    """The site, flagged as invented, with its rule sets. Raises NotAllowed when a real one has that name."""
    site, is_new = Site.objects.get_or_create(
        slug=slug, defaults={"name": name, "time_zone": ZONE, "holiday_country": COUNTRY, "is_demo": True}
    )
    if not site.is_demo:
        raise errors.NotAllowed(
            "not-allowed", f"The site {slug!r} is a real one; invented patients have no place there"
        )
    if is_new:
        definitions.follow_rule_sets(site, active=ACTIVE, shadow=SHADOW)
    return site


def _add(part: casting.Part, site: Site, team: Mapping[str, User], seed: int, now: datetime) -> None:
    with transaction.atomic(), audit.gathered():
        player.play(part, site, team, seed=seed, now=now)
