"""Who reads in a bench database: a person with a usual number of patients, and a coordinator with very many.

The team that played the originals is on every patient's team, which nobody is in a clinic.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from bench.originals import START, Clinic
from pathway.models import CareTeamMember, Membership, Patient, User
from pathway.vocabulary import Role

USUAL, HEAVY = 50, 1_000  # patients; 1,000 or so is the largest team that a coordinator keeps


@dataclass(frozen=True)
class Reader:
    """`patients` are those on whose teams they are, in an order that jumps about."""

    title: str
    user: User
    patients: Sequence[UUID]


def found(clinic: Clinic) -> tuple[Reader, Reader]:
    """Both readers of this database; they are made when it has none yet."""
    return (
        _reader(clinic, "usual", Role.RESPIRATORY_PHYSIO, USUAL),
        _reader(clinic, "coordinator", Role.NURSE_COORDINATOR, HEAVY),
    )


def _reader(clinic: Clinic, title: str, role: Role, patients: int) -> Reader:
    user, is_new = User.objects.get_or_create(username=f"bench-reads-{title}", defaults={"first_name": "Bench"})
    if is_new:
        Membership.objects.create(user=user, site=clinic.site, role=role)
        _join(user, role, patients, START)
    mine = Patient.objects.unscoped("bench").filter(team__user=user).order_by("uuid")
    return Reader(title, user, list(mine.values_list("uuid", flat=True)))


def _join(user: User, role: Role, wanted: int, since: datetime) -> None:
    """Patients that lie scattered in the tables: every so many of them."""
    keys = list(Patient.objects.unscoped("bench").order_by("pk").values_list("pk", flat=True))
    chosen = keys[:: max(1, len(keys) // wanted)][:wanted]
    CareTeamMember.objects.bulk_create(
        CareTeamMember(patient_id=pk, user=user, role=role, since=since) for pk in chosen
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE pathway_careteammember")
