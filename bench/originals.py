"""Patients with a year of history, played through `flow`: what every copy in a bench database is a copy of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pathway import flow
from pathway.models import CareTeamMember, Membership, Patient, Site, User
from pathway.services import definitions
from pathway.services.observations import NewObservation
from pathway.vocabulary import Role

START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)
ACTIVE, SHADOW = ("core", "nice-ng42"), ("aan-2009", "us-rad")
VISITS = (0, 28, 91, 182, 273, 364)  # days after the enrollment
MEASURED_ON = 392  # the day of the measured action; the daily judge has been there
TEAM = (Role.NEUROLOGIST, Role.RESPIRATORY_PHYSIO, Role.DIETITIAN, Role.PHYSIOTHERAPIST, Role.NURSE_COORDINATOR)
ALSFRS_ITEMS = ("1", "2", "3", "4", "5a", "6", "7", "8", "9", "10", "11", "12")
HEIGHT = 175  # cm

# Percent of the usual weight, and FVC in % of predicted, at each visit. The steady lose little;
# the waiting have lost 6 % and fallen below half at the last visit, so two stages wait for a decision.
STEADY = ((99.5, 99.3, 99.1, 98.9, 98.7, 98.5), (96, 95, 94, 93, 92, 91))
WAITING = ((99.5, 98.9, 98.2, 97.4, 96.6, 94.0), (94, 90, 87, 84, 81, 46))


@dataclass(frozen=True)
class Original:
    """One played patient. `usual_weight` in kg."""

    enrollment: int
    is_waiting: bool
    usual_weight: int


@dataclass(frozen=True)
class Clinic:
    """The one site of a bench database, who acts, and the patients to copy."""

    site: Site
    by: User
    originals: tuple[Original, ...]

    @property
    def moment(self) -> datetime:
        """When every measured action happens."""
        return START + timedelta(days=MEASURED_ON)


def play(count: int) -> Clinic:
    """A clinic with `count` patients, half of them steady, half waiting. Needs the content to be loaded."""
    site = Site.objects.create(slug="bench", name="Bench")
    definitions.follow_rule_sets(site, active=ACTIVE, shadow=SHADOW)
    team = [_member(site, role) for role in TEAM]
    originals = tuple(_play_one(site, team, number) for number in range(count))
    return Clinic(site, team[0], originals)


def found() -> Clinic:
    """The clinic that `play` made in this database."""
    site = Site.objects.get(slug="bench")
    # Copies have a hyphen.
    rows = Patient.objects.unscoped("bench").filter(site=site).exclude(identifier__contains="-").order_by("pk")
    originals = tuple(
        Original(patient.enrollments.get().pk, number % 2 == 1, _usual_weight(number))
        for number, patient in enumerate(rows)
    )
    return Clinic(site, User.objects.get(username=f"bench-{TEAM[0]}"), originals)


def _member(site: Site, role: str) -> User:
    user: User = User.objects.create_user(username=f"bench-{role}")
    Membership.objects.create(user=user, site=site, role=role)
    return user


def _play_one(site: Site, team: Sequence[User], number: int) -> Original:
    patient = Patient.objects.create(
        site=site,
        given_name="Bench",
        family_name=f"Original{number}",
        identifier=f"B{number}",
        birth_date=date(1950 + number, 3, 1),
        sex="female" if number % 4 < 2 else "male",
        created_at=START,
    )
    for user, role in zip(team, TEAM, strict=True):
        CareTeamMember.objects.create(patient=patient, user=user, role=role, since=START)
    usual = _usual_weight(number)
    facts = (NewObservation("height", HEIGHT, "cm"), NewObservation("usual-weight", usual, "kg"))
    enrollment = flow.enroll(patient, "als-limb", at=START, by=team[0], facts=facts)
    weights, capacities = WAITING if number % 2 else STEADY
    for visit, day in enumerate(VISITS):
        at = START + timedelta(days=day)
        form = _form(visit, usual * weights[visit] / 100, capacities[visit])
        flow.record(enrollment.pk, form, at=at, by=team[visit % len(team)])
    flow.pass_day(enrollment.pk, at=START + timedelta(days=MEASURED_ON, hours=-3))
    return Original(enrollment.pk, number % 2 == 1, usual)


def _usual_weight(number: int) -> int:
    return 70 + 2 * (number % 8)


def _form(visit: int, weight: float, capacity: int) -> tuple[NewObservation, ...]:
    items: dict[object, object] = {**dict.fromkeys(ALSFRS_ITEMS, 4), "4": 4 - visit // 3, "6": 4 - visit // 3, "8": 3}
    return (
        NewObservation("weight", f"{weight:.1f}", "kg"),
        NewObservation("fvc-pct", capacity, "%", context={"posture": "sitting", "reference": "device"}),
        NewObservation("snip", 70 - visit, "cm[H2O]"),
        NewObservation("eat-10", 1),
        NewObservation("respiratory-symptoms", []),
        NewObservation("alsfrs-r", items=items),
    )
