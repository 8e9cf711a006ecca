"""The people of the tests of pages: who may see Ada, and who may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.test import Client

from pathway import clock
from pathway.models import CareTeamMember, Enrollment, Membership, Patient, Site, User
from pathway.vocabulary import Role
from tests import builders


@dataclass
class Cast:
    """Everybody but `member`, `coordinator` and `dietitian` must not learn that the patient exists."""

    site: Site
    patient: Patient
    enrollment: Enrollment
    member: User  # neurologist of the patient
    coordinator: User
    dietitian: User
    colleague: User  # same site and role, not on the team
    stranger: User  # another site
    removed: User  # left the team a moment ago
    inactive_member: User  # on the team, membership at the site ended
    admin: User
    superuser: User

    @property
    def outsiders(self) -> dict[str, User]:
        names = ("colleague", "stranger", "removed", "inactive_member", "admin", "superuser")
        return {name: getattr(self, name) for name in names}


def assemble(**columns: Any) -> Cast:
    """A clinic with one enrolled patient, at the real time: pages ask the clock themselves."""
    now = clock.now() - timedelta(minutes=10)
    site, elsewhere = builders.site(), builders.site()
    patient = builders.patient(site, **columns)
    people = {
        "member": builders.user(site, Role.NEUROLOGIST),
        "coordinator": builders.user(site, Role.NURSE_COORDINATOR),
        "dietitian": builders.user(site, Role.DIETITIAN),
        "colleague": builders.user(site, Role.NEUROLOGIST),
        "stranger": builders.user(elsewhere, Role.NEUROLOGIST),
        "removed": builders.user(site, Role.NEUROLOGIST),
        "inactive_member": builders.user(site, Role.NEUROLOGIST),
        "admin": builders.user(site, Role.ADMIN),
        "superuser": User.objects.create_superuser(f"root-{patient.pk}", password="correct horse"),
    }
    builders.join(patient, people["member"], Role.NEUROLOGIST)
    builders.join(patient, people["coordinator"], Role.NURSE_COORDINATOR)
    builders.join(patient, people["dietitian"], Role.DIETITIAN)
    left = builders.join(patient, people["removed"], Role.NEUROLOGIST)
    CareTeamMember.objects.filter(pk=left.pk).update(until=now)
    builders.join(patient, people["inactive_member"], Role.NEUROLOGIST)
    Membership.objects.filter(user=people["inactive_member"]).update(is_active=False)
    enrollment = builders.enroll(patient, moment=now - timedelta(days=40), facts=facts(now - timedelta(days=40)))
    return Cast(site, patient, enrollment, **people)


def facts(moment: Any) -> list[Any]:
    """Enough for alerts and proposals: weight lost, breathing weak."""
    day = moment.date()
    return [
        builders.result("height", "170", "cm", effective=day),
        builders.result("usual-weight", "80", "kg", effective=day),
        builders.result("weight", "68", "kg", effective=day),
        builders.result("fvc-pct", "48", "%", effective=day),
    ]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
