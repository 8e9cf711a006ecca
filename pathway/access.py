"""Who may see whom, and who may do what: the one guard that every door asks.

Relation decides *whose*: a patient is visible to who works at the patient's site and is on the care team now, stands
in for somebody who is, is on call there, or has an emergency grant (`models.grants.Sight`).
Role decides *what*: a role counts for a patient only where the user holds it both in that relation and at that site.
What is missing and what is not visible raise the same NotFound, so that nobody learns which of the two it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from pathway import errors, origin
from pathway.models import (
    Alert,
    CareTask,
    Enrollment,
    LegalHold,
    Membership,
    Merge,
    MergeStatus,
    Observation,
    Patient,
    Proposal,
    Sight,
    Site,
    Transfer,
    TransferStatus,
    User,
    guarded,
)
from pathway.vocabulary import NO_CARE, Role

# For doors, which pass rows on and touch no models.
Person = User
Someone = User | AnonymousUser
Subject = Patient
Clinic = Site
Fact = Observation
Joining = Merge
Row = TypeVar("Row")


class Permit(StrEnum):
    """What a role may do to a patient that the user may see."""

    OBSERVE = "observe"  # record, void and correct observations
    RELEASE = "release"  # confirm a held observation
    DECIDE = "decide"  # accept and decline proposals
    MOVE = "move"  # move a stage by hand
    WORK = "work"  # complete, skip, snooze and reassign tasks
    CLOSE_ALERT = "close-alert"
    TREAT = "treat"  # start and stop interventions, give doses, prescribe exercise
    RECORD_DEATH = "record-death"
    STEER = "steer"  # hold, resume, withdraw, change of pathway
    REGISTER = "register"  # a new patient at the site
    ENROLL = "enroll"
    SET_TEAM = "set-team"
    COVER = "cover"  # let somebody stand in, or be on call, at the site
    EXPORT = "export"  # take a patient's whole record out of the system
    MERGE = "merge"  # two records of one person, and apart again
    TRANSFER = "transfer"  # to another site
    HOLD_RECORD = "hold-record"  # keep a record from being erased
    REVIEW_ACCESS = "review-access"  # look at emergency and unusual access
    SEE_ACCESS = "see-access"  # who looked at this patient
    READ_AUDIT = "read-audit"  # who looked at which patient, by number and not by name


class Forbidden(errors.NotAllowed):
    """The person sees the patient, and their role there does not allow this."""


CLINICAL = frozenset(
    {Permit.OBSERVE, Permit.DECIDE, Permit.MOVE, Permit.WORK, Permit.CLOSE_ALERT, Permit.TREAT, Permit.RECORD_DEATH}
)
COORDINATION = CLINICAL | {
    Permit.STEER,
    Permit.RELEASE,
    Permit.REGISTER,
    Permit.ENROLL,
    Permit.SET_TEAM,
    Permit.COVER,
    Permit.EXPORT,
    Permit.MERGE,
    Permit.TRANSFER,
    Permit.HOLD_RECORD,
    Permit.REVIEW_ACCESS,
    Permit.SEE_ACCESS,
}

GRANTS: Mapping[Role, frozenset[Permit]] = {
    **dict.fromkeys(Role, CLINICAL),
    Role.NEUROLOGIST: CLINICAL | {Permit.STEER, Permit.EXPORT, Permit.SEE_ACCESS},
    Role.NURSE_COORDINATOR: COORDINATION,
    Role.ADMIN: frozenset(),
    Role.AUDITOR: frozenset({Permit.READ_AUDIT, Permit.REVIEW_ACCESS}),
}

# Who accepts, declines and moves where, and completes what: those who answer for the whole course, and beside them
# those whose track, or whose task, it is.
EVERYWHERE = frozenset({Role.NEUROLOGIST, Role.NURSE_COORDINATOR})
DECIDERS: Mapping[str, frozenset[Role]] = {
    "overall": frozenset({Role.PALLIATIVE}),
    "respiratory": frozenset({Role.RESPIRATORY_PHYSICIAN, Role.RESPIRATORY_PHYSIO}),
    "cough": frozenset({Role.RESPIRATORY_PHYSICIAN, Role.RESPIRATORY_PHYSIO, Role.PHYSIOTHERAPIST}),
    "nutrition": frozenset({Role.DIETITIAN, Role.GASTROENTEROLOGY}),
    "mobility": frozenset({Role.PHYSIOTHERAPIST, Role.OCCUPATIONAL_THERAPIST}),
    "musculoskeletal": frozenset({Role.PHYSIOTHERAPIST, Role.OCCUPATIONAL_THERAPIST, Role.ORTHOPAEDICS}),
    "bulbar": frozenset({Role.SPEECH_THERAPIST, Role.DIETITIAN}),
    "treatment": frozenset(),
    "supportive": frozenset({Role.PALLIATIVE, Role.PSYCHOSOCIAL}),
}


# what a user may see: the row, or NotFound


def patients(user: Someone, at: datetime) -> QuerySet[Patient]:
    """All that this user may see now; empty for one who is not signed in."""
    if not isinstance(user, User):
        return Patient.objects.none()
    return Patient.objects.visible_to(user, at)


def patient_or_not_found(user: Someone, uuid: UUID, at: datetime) -> Patient:
    return _found(patients(user, at).select_related("site").filter(uuid=uuid).first())


def enrollment_or_not_found(user: Someone, pk: int, at: datetime) -> Enrollment:
    rows = Enrollment.objects.filter(patient__in=patients(user, at), pk=pk)
    row: Enrollment | None = rows.select_related("patient__site", "version__pathway").first()
    return _found(row)


def observation_or_not_found(user: Someone, pk: int, at: datetime) -> Observation:
    rows = Observation.objects.filter(patient__in=patients(user, at), pk=pk)
    return _found(rows.select_related("patient__site", "kind").first())


def proposal_or_not_found(user: Someone, pk: int, at: datetime) -> Proposal:
    rows = Proposal.objects.filter(enrollment__patient__in=patients(user, at), pk=pk)
    row: Proposal | None = rows.select_related("enrollment__patient__site", "stage__track", "decided_by").first()
    return _found(row)


def task_or_not_found(user: Someone, pk: int, at: datetime) -> CareTask:
    rows = CareTask.objects.filter(enrollment__patient__in=patients(user, at), pk=pk)
    row: CareTask | None = rows.select_related("enrollment__patient__site", "activity", "closed_by").first()
    return _found(row)


def alert_or_not_found(user: Someone, pk: int, at: datetime) -> Alert:
    """Alerts of shadow rule sets are for reports, and not found by anybody."""
    rows = Alert.objects.filter(enrollment__patient__in=patients(user, at), pk=pk, episode__is_shadow=False)
    row: Alert | None = rows.select_related("enrollment__patient__site", "episode__rule", "closed_by").first()
    return _found(row)


def site_or_not_found(user: Someone, pk: int) -> Site:
    """A site at which the user works in any role but that of an administrator."""
    memberships = _memberships(user).exclude(role__in=NO_CARE)
    return _found(Site.objects.filter(pk=pk, memberships__in=memberships).distinct().first())


def merge_or_not_found(user: Someone, pk: int, at: datetime) -> Merge:
    """Of a merge that is done what came of it has to be visible, of any other one both records."""
    seen = patients(user, at)
    rows = Merge.objects.filter(pk=pk, survivor__in=seen).filter(Q(status=MergeStatus.CONFIRMED) | Q(source__in=seen))
    return _found(rows.select_related("survivor__site").first())


def offer_or_not_found(user: Someone, pk: int) -> Transfer:
    """A patient offered to a site at which the user may take patients over. The patient is not in it."""
    sites = sites_with(user, Permit.TRANSFER)
    rows = Transfer.objects.filter(pk=pk, to_site__in=sites, status=TransferStatus.OFFERED)
    return _found(rows.select_related("from_site", "to_site").first())


def own_offer_or_not_found(user: Someone, pk: int, at: datetime) -> Transfer:
    """A patient whom the user sees, offered to another site."""
    rows = Transfer.objects.filter(patient__in=patients(user, at), pk=pk, status=TransferStatus.OFFERED)
    return _found(rows.select_related("patient__site").first())


def hold_or_not_found(user: Someone, pk: int, at: datetime) -> LegalHold:
    """A legal hold that stands."""
    rows = LegalHold.objects.filter(patient__in=patients(user, at), pk=pk, released_at=None)
    return _found(rows.select_related("patient__site").first())


def successor(user: Someone, uuid: UUID) -> UUID | None:
    """The record that goes on in place of a closed one, for who was on the team of that one and sees this one."""
    if not isinstance(user, User):
        return None
    found: UUID | None = guarded.ask("SELECT pathway_successor(%s)", [uuid], by=user)[0][0]
    return found


# what a user may do


def roles_for(user: Someone, patient: Patient, at: datetime) -> frozenset[Role]:
    """In which roles the user sees this patient now, on whichever way; they hold each of them at the site."""
    if not isinstance(user, User):
        return frozenset()
    rows = Sight.objects.current(at).filter(user=user, patient=patient).exclude(role=None)
    return frozenset(Role(role) for role in rows.values_list("role", flat=True).distinct() if role)


@dataclass(frozen=True, slots=True)
class Standing:
    """In which roles a user sees a patient now, and what these let them do: what to offer on a page."""

    roles: frozenset[Role]
    permits: frozenset[Permit]

    @property
    def tracks(self) -> frozenset[str]:
        """Tracks about whose stages they decide, and "" for questions of no track."""
        return frozenset(track for track in ("", *DECIDERS) if decides(self.roles, track))

    @property
    def owners(self) -> frozenset[str]:
        """Roles whose tasks they close."""
        return frozenset(role.value for role in Role if role not in NO_CARE and completes(self.roles, role.value))


NO_STANDING = Standing(frozenset(), frozenset())


def permits_for(user: Someone, patient: Patient, at: datetime) -> frozenset[Permit]:
    """What the user may do to this patient."""
    return standing(user, patient, at).permits


def standing(user: Someone, patient: Patient, at: datetime) -> Standing:
    """In an emergency a person cares for the patient, and does not take the record out or change who sees it."""
    if not isinstance(user, User):
        return NO_STANDING
    rows = Sight.objects.current(at).filter(user=user, patient=patient)
    pairs = list(rows.values_list("role", "way").distinct())
    # What is done or read in this request is audited with the way that it was seen on.
    origin.remember_ways(user.pk, patient.pk, frozenset(way for _role, way in pairs))
    found: frozenset[Permit] = frozenset()
    for role, way in pairs:
        if role is not None:
            found |= GRANTS[Role(role)] & CLINICAL if way == Sight.Way.EMERGENCY else GRANTS[Role(role)]
    return Standing(frozenset(Role(role) for role, _way in pairs if role is not None), found)


def ways_for(user: Someone, patient: Patient, at: datetime) -> frozenset[str]:
    """On which ways the user sees the patient now: team, cover, emergency."""
    if not isinstance(user, User):
        return frozenset()
    rows = Sight.objects.current(at).filter(user=user, patient=patient)
    return frozenset(rows.values_list("way", flat=True).distinct())


def granted(roles: Iterable[Role]) -> frozenset[Permit]:
    return frozenset(permit for role in roles for permit in GRANTS[role])


def require(user: Someone, permit: Permit, patient: Patient, at: datetime) -> None:
    """Raises Forbidden unless one of the user's roles for this patient has the permit."""
    if permit not in permits_for(user, patient, at):
        raise Forbidden("not-allowed", "Your role in this patient's care team does not allow this")


def decides(roles: Iterable[Role], track: str) -> bool:
    """Whether one of these roles decides about stages of this track; about what has no track, every role."""
    return not track or bool((EVERYWHERE | DECIDERS.get(track, frozenset())) & set(roles))


def completes(roles: Iterable[Role], owner: str) -> bool:
    """Whether one of these roles closes tasks of this owner."""
    return bool((EVERYWHERE | {Role(owner)}) & set(roles))


def require_decision(user: Someone, patient: Patient, track: str, at: datetime) -> None:
    """Raises Forbidden where the track is another role's to decide about."""
    if not decides(roles_for(user, patient, at), track):
        raise Forbidden("not-allowed", "Another role of this patient's care team decides about this")


def require_completion(user: Someone, task: CareTask, at: datetime) -> None:
    """Raises Forbidden where the task is another role's, and was not given to this person."""
    is_theirs = isinstance(user, User) and task.assignee_id == user.pk
    if not is_theirs and not completes(roles_for(user, task.enrollment.patient, at), task.owner):
        raise Forbidden("not-allowed", "This task is another role's of this patient's care team")


def require_at_site(user: Someone, permit: Permit, site: Site) -> None:
    """For what concerns no patient yet: the role at the site decides. Raises Forbidden."""
    roles = _memberships(user).filter(site=site).values_list("role", flat=True)
    if permit not in granted(Role(role) for role in roles):
        raise Forbidden("not-allowed", "Your role at this site does not allow this")


def sites_with(user: Someone, permit: Permit) -> list[Site]:
    """Sites where one of the user's roles has the permit, by name."""
    rows = _memberships(user).select_related("site").order_by("site__name", "site")
    return list({row.site_id: row.site for row in rows if permit in GRANTS[Role(row.role)]}.values())


def require_content(user: Someone) -> None:
    """Statements and pathways concern no patient: whoever has a role anywhere reads them. Raises Forbidden."""
    if not is_administrator(user) and not _memberships(user).exists():
        raise Forbidden("not-allowed", "Your account has no role at any site")


def is_administrator(user: Someone) -> bool:
    """Who looks after the content: the administration, or the role of an administrator at a site."""
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_staff or _memberships(user).filter(role=Role.ADMIN).exists()


def _memberships(user: Someone) -> QuerySet[Membership]:
    if not isinstance(user, User) or not user.is_active:
        return Membership.objects.none()
    return Membership.objects.filter(user=user, is_active=True)


def _found(row: Row | None) -> Row:
    if row is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return row
