"""Clinics and patients for tests, made by the river itself: whatever is stored here came through `flow`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pathway import flow
from pathway.models import CareTask, CareTeamMember, Enrollment, Membership, Patient, Site, User
from pathway.services import definitions
from pathway.services.observations import NewObservation
from pathway.vocabulary import Role

START = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)  # a Monday; winter, so London's clock is UTC
RULE_SETS = ("core", "nice-ng42")
TEAM_ROLES = (
    Role.NEUROLOGIST,
    Role.RESPIRATORY_PHYSIO,
    Role.DIETITIAN,
    Role.PHYSIOTHERAPIST,
    Role.NURSE_COORDINATOR,
)
_numbers = itertools.count(1)


@dataclass
class Clinic:
    """A site with one person per role, and one patient in their care."""

    site: Site
    people: dict[str, User]
    patient: Patient
    enrollment: Enrollment

    def tasks(self, **wanted: Any) -> list[CareTask]:
        """The open tasks of the patient by due date."""
        return list(CareTask.objects.live().filter(enrollment=self.enrollment, **wanted).order_by("due_on", "pk"))

    def task(self, activity: str) -> CareTask:
        return CareTask.objects.live().get(enrollment=self.enrollment, activity=activity)


def at(day: int = 0, hour: int = 9, minute: int = 0) -> datetime:
    """The instant `day` days after the start."""
    return START.replace(hour=hour, minute=minute) + timedelta(days=day)


def on(day: int = 0) -> date:
    return at(day).date()


def site(*, rule_sets: Sequence[str] = RULE_SETS, shadow: Sequence[str] = (), **columns: Any) -> Site:
    """A site that follows these rule sets. Needs the fixture `loaded`."""
    number = next(_numbers)
    made = Site.objects.create(
        **{"slug": f"clinic-{number}", "name": f"Clinic {number}", "requires_mfa": False, **columns}
    )
    definitions.follow_rule_sets(made, active=rule_sets, shadow=shadow)
    return made


def user(site: Site | None = None, role: str = "", **columns: Any) -> User:
    """Somebody who signs in with the password `correct horse`, with a role at the site when both are given."""
    number = next(_numbers)
    made: User = User.objects.create_user(
        **{"username": f"{role or 'user'}-{number}", "password": "correct horse", **columns}
    )
    if site is not None and role:
        Membership.objects.create(user=made, site=site, role=role)
    return made


def patient(site: Site, **columns: Any) -> Patient:
    """A woman of 60 unless the columns say otherwise."""
    number = next(_numbers)
    plain = {
        "given_name": "Ada",
        "family_name": f"Example{number}",
        "identifier": f"T{number:06d}",
        "birth_date": date(1964, 1, 1),
        "sex": "female",
        "created_at": START,
    }
    return Patient.objects.create(site=site, **{**plain, **columns})


def join(patient: Patient, user: User, role: str, *, since: datetime = START) -> CareTeamMember:
    """The user cares for the patient from then on."""
    return CareTeamMember.objects.create(patient=patient, user=user, role=role, since=since)


def result(kind: str, value: object = None, unit: str | None = None, **more: Any) -> NewObservation:
    return NewObservation(kind, value, unit, **more)


def enroll(
    patient: Patient,
    pathway: str = "als-limb",
    *,
    moment: datetime = START,
    by: User | None = None,
    start: Mapping[str, str] | None = None,
    facts: Sequence[NewObservation] = (),
) -> Enrollment:
    return flow.enroll(patient, pathway, at=moment, by=by, start=start, facts=facts)


def clinic(
    pathway: str = "als-limb",
    *,
    roles: Sequence[str] = TEAM_ROLES,
    start: Mapping[str, str] | None = None,
    facts: Sequence[NewObservation] = (),
    **columns: Any,
) -> Clinic:
    """A site, one person per role who is on the patient's team, and the patient enrolled at the start."""
    where = site(**columns)
    people = {str(role): user(where, role) for role in roles}
    someone = patient(where)
    for role, person in people.items():
        join(someone, person, role)
    return Clinic(where, people, someone, enroll(someone, pathway, start=start, facts=facts))
