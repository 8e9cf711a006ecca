"""Patients are registered, care teams are set, and people read their messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F

from pathway import audit, errors
from pathway.access import GRANTS, Permit
from pathway.engine import schedule
from pathway.models import CareTeamMember, Delivery, Membership, Notice, Patient, Site, User, guarded
from pathway.vocabulary import COORDINATOR, NO_CARE, Role, Sex

OLDEST_YEARS = 120
Place = tuple[int, str]  # a user, in a role
NO_ENDS: Mapping[Place, datetime] = MappingProxyType({})


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


def set_team(
    patient: Patient,
    members: Sequence[Place],
    *,
    ends: Mapping[Place, datetime] = NO_ENDS,
    at: datetime,
    by: User | None,
) -> None:
    """Make the team exactly this. `ends`: until when somebody has their place; the others keep it.

    Raises InvalidEntry for somebody who does not hold that role at the site, and for a team that nobody could ever
    change again, not even an administrator.
    """
    wanted = {member: ends.get(member) for member in members}
    if not wanted:
        raise errors.InvalidEntry("not-allowed", "Somebody must care for the patient", "members")
    _check_members(patient.site_id, wanted.keys())
    _check_steered(wanted)
    if any(end is not None and end <= at for end in wanted.values()):
        raise errors.InvalidEntry("not-allowed", "A place ends after it begins", "guest_until")
    # Two people who set the team at once come one after the other. The row of a patient who has no team yet cannot be
    # locked: nobody sees it.
    _take_turn(patient.pk)
    # Of two places in one role the longer one counts.
    rows = CareTeamMember.objects.current(at).filter(patient=patient).order_by(F("until").asc(nulls_last=True))
    present = {(row.user_id, row.role): row for row in rows}
    before, after = _told({key: row.until for key, row in present.items()}), _told(wanted)
    if before == after:
        return
    for key in present.keys() & wanted.keys():
        if present[key].until != wanted[key]:
            CareTeamMember.objects.filter(pk=present[key].pk).update(until=wanted[key])
    CareTeamMember.objects.bulk_create(
        CareTeamMember(patient=patient, user_id=user, role=role, since=at, until=wanted[user, role])
        for user, role in sorted(wanted.keys() - present.keys())
    )
    # Last, for it may be the person's own place, without which they could not change the others.
    left = [row.pk for row in rows if (row.user_id, row.role) not in wanted]
    CareTeamMember.objects.filter(pk__in=left).update(until=at)
    audit.record(
        "care-team.set", by=by, patient=patient, subject=patient, before={"team": before}, after={"team": after}
    )


def adopt(patient: UUID, *, at: datetime, by: User) -> Patient:
    """A coordinator of the site takes over a patient whose team nobody can change any more.

    Raises NotFound for everybody else, and where somebody can.
    """
    ((found,),) = guarded.ask("SELECT pathway_adopt(%s, %s::timestamptz)", [patient, at], by=by)
    if found is None:
        raise errors.NotFound("not-found", "There is nothing here")
    taken = Patient(pk=found, uuid=patient)
    audit.record("care-team.adopted", by=by, patient=taken, subject=taken, after={"team": f"{by.pk}:{COORDINATOR}"})
    return taken


def mark_read(delivery_ids: Sequence[int], notice_ids: Sequence[int], *, at: datetime, by: User) -> int:
    """Only messages of their own."""
    messages = Delivery.objects.filter(pk__in=delivery_ids, person=by, read_at=None).update(read_at=at)
    notices = Notice.objects.filter(pk__in=notice_ids, person=by, read_at=None).update(read_at=at)
    if messages or notices:
        audit.record("inbox.marked-read", by=by, after={"messages": list(delivery_ids), "notices": list(notice_ids)})
    return messages + notices


def _insert(patient: Patient) -> None:
    """Nobody is on the team yet and so nobody may read the row: it is written without asking anything back."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('pathway_patient', 'id'))")
        patient.pk = cursor.fetchone()[0]
        fields = Patient._meta.local_concrete_fields
        names, places = ", ".join(f'"{field.column}"' for field in fields), ", ".join(["%s"] * len(fields))
        values = [field.get_db_prep_save(getattr(patient, field.attname), connection) for field in fields]
        cursor.execute(f"INSERT INTO pathway_patient ({names}) VALUES ({places})", values)
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


def _check_members(site_id: int, members: Iterable[Place]) -> None:
    held = set(Membership.objects.filter(site=site_id, is_active=True).values_list("user_id", "role"))
    for user, role in members:
        if role in NO_CARE or (user, role) not in held:
            raise errors.InvalidEntry("not-allowed", "Somebody on the list does not hold that role here", "members")


def _check_steered(members: Mapping[Place, datetime | None]) -> None:
    if not any(Permit.SET_TEAM in GRANTS[Role(role)] and end is None for (_user, role), end in members.items()):
        reason = "Somebody on the team must stay able to change it: tick a nurse coordinator"
        raise errors.InvalidEntry("not-allowed", reason, "members")


def _told(members: Mapping[Place, datetime | None]) -> list[str]:
    return [
        f"{user}:{role}" + (f" until {end.isoformat()}" if end is not None else "")
        for (user, role), end in sorted(members.items(), key=lambda one: one[0])
    ]
