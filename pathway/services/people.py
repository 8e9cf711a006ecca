"""Patients are registered, care teams are set, and people read their messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, connection, transaction

from pathway import audit, errors
from pathway.engine import schedule
from pathway.models import CareTeamMember, Delivery, Membership, Patient, Site, User
from pathway.vocabulary import NO_CARE, Sex

OLDEST_YEARS = 120


@dataclass(frozen=True, slots=True)
class Details:
    """What is asked when a patient is registered."""

    given_name: str
    family_name: str
    identifier: str
    birth_date: date | None
    sex: str = Sex.UNKNOWN
    birth_date_is_estimated: bool = False


def register(site: Site, details: Details, *, at: datetime, by: User | None) -> Patient:
    """Raises InvalidEntry naming the field at fault, also for a hospital number that the site has already."""
    _check(site, details, at)
    patient = Patient(
        site=site,
        given_name=details.given_name.strip(),
        family_name=details.family_name.strip(),
        identifier=details.identifier.strip(),
        birth_date=details.birth_date,
        birth_date_is_estimated=details.birth_date_is_estimated,
        sex=details.sex,
        created_at=at,
    )
    try:
        with transaction.atomic():
            _insert(patient)
    except IntegrityError as error:
        raise errors.InvalidEntry(
            "not-allowed", "Another patient of this site has this hospital number", "identifier"
        ) from error
    audit.record("patient.registered", by=by, patient=patient, subject=patient)
    return patient


def set_team(patient: Patient, members: Sequence[tuple[int, str]], *, at: datetime, by: User | None) -> None:
    """Make the team exactly this. Raises InvalidEntry for somebody who does not hold that role at the site."""
    wanted = set(members)
    if not wanted:
        raise errors.InvalidEntry("not-allowed", "Somebody must care for the patient", "members")
    _check_members(patient.site_id, wanted)
    # Two people who set the team at once come one after the other. The row of a patient who has no team yet cannot be
    # locked: nobody sees it.
    _take_turn(patient.pk)
    present = {(row.user_id, row.role): row for row in CareTeamMember.objects.filter(patient=patient, until=None)}
    left, come = present.keys() - wanted, sorted(wanted - present.keys())
    # Who leaves the team last may still have changed it.
    CareTeamMember.objects.bulk_create(
        CareTeamMember(patient=patient, user_id=user, role=role, since=at) for user, role in come
    )
    CareTeamMember.objects.filter(pk__in=[present[key].pk for key in left]).update(until=at)
    if left or come:
        audit.record(
            "care-team.set",
            by=by,
            patient=patient,
            subject=patient,
            before={"team": [f"{user}:{role}" for user, role in sorted(present)]},
            after={"team": [f"{user}:{role}" for user, role in sorted(wanted)]},
        )


def mark_read(delivery_ids: Sequence[int], *, at: datetime, by: User) -> int:
    """Only messages of their own."""
    return Delivery.objects.filter(pk__in=delivery_ids, person=by, read_at=None).update(read_at=at)


def _insert(patient: Patient) -> None:
    """Nobody is on the team yet and so nobody may read the row: it is written without asking anything back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('pathway_patient', 'id'))")
        patient.pk = cursor.fetchone()[0]
    rows = Patient._base_manager.get_queryset()
    rows._insert([patient], fields=list(Patient._meta.local_concrete_fields), using=connection.alias)
    patient._state.adding = False


def _take_turn(patient: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('care-team'), %s)", [patient % 2**31])


def _check(site: Site, details: Details, at: datetime) -> None:
    for field in ("given_name", "family_name", "identifier"):
        if not getattr(details, field).strip():
            raise errors.InvalidEntry("not-allowed", "This is needed", field)
    if details.sex not in Sex.values:
        raise errors.InvalidEntry("not-allowed", f"One of: {', '.join(Sex.values)}", "sex")
    today = schedule.local_day(at, site.time_zone)
    birth = details.birth_date
    if birth is not None and not today.year - OLDEST_YEARS <= birth.year <= today.year:
        raise errors.InvalidEntry("implausible", "Nobody under care was born in that year", "birth_date")
    if birth is not None and birth > today:
        raise errors.InvalidEntry("implausible", "The birth date lies ahead", "birth_date")


def _check_members(site_id: int, members: set[tuple[int, str]]) -> None:
    held = set(Membership.objects.filter(site=site_id, is_active=True).values_list("user_id", "role"))
    for user, role in members:
        if role in NO_CARE or (user, role) not in held:
            raise errors.InvalidEntry("not-allowed", "Somebody on the list does not hold that role here", "members")
