"""A patient goes to another site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from pathway import access, clock, errors, flow
from pathway.models import CareTask, CareTeamMember, Enrollment, Patient, PatientNumber, Site, Transfer, User
from pathway.selectors import choices
from pathway.vocabulary import Role
from tests import builders
from tests.records import cast
from tests.records.cast import NOW, as_person


@dataclass
class Move:
    here: Site
    there: Site
    patient: Patient
    enrollment: Enrollment
    giving: User  # coordinator here
    member: User
    taking: User  # coordinator there
    doctor: User  # there
    stranger: User  # coordinator at a third site

    def offer(self) -> Transfer:
        return flow.offer_transfer(self.patient, self.there, reason="moved house", at=NOW, by=self.giving)

    def accept(self, transfer: Transfer, number: str = "B 77") -> Patient:
        team = [(self.doctor.pk, str(Role.NEUROLOGIST))]
        return flow.accept_transfer(transfer.pk, number=number, team=team, at=NOW, by=self.taking)


@pytest.fixture
def move(loaded: None) -> Move:
    here, there = builders.site(), builders.site(time_zone="America/New_York", rule_sets=["core"])
    patient = builders.patient(here)
    giving, member = builders.user(here, Role.NURSE_COORDINATOR), builders.user(here, Role.NEUROLOGIST)
    builders.join(patient, giving, Role.NURSE_COORDINATOR)
    builders.join(patient, member, Role.NEUROLOGIST)
    enrollment = builders.enroll(patient, moment=cast.BEGUN, by=giving, facts=cast.facts("80", "70"))
    return Move(
        here,
        there,
        patient,
        enrollment,
        giving,
        member,
        builders.user(there, Role.NURSE_COORDINATOR),
        builders.user(there, Role.NEUROLOGIST),
        builders.user(builders.site(), Role.NURSE_COORDINATOR),
    )


def sees(user: User, patient: Patient) -> bool:
    return access.patients(user, clock.now()).filter(pk=patient.pk).exists()


def test_before_it_accepts_the_other_site_sees_the_offer_and_not_the_patient(move: Move) -> None:
    transfer = move.offer()
    assert not sees(move.taking, move.patient)
    assert sees(move.member, move.patient)
    with as_person(move.taking):
        found = access.offer_or_not_found(move.taking, transfer.pk)
        assert (found.number, found.from_site, found.reason) == (move.patient.identifier, move.here, "moved house")
        assert not Patient.objects.unscoped("lock").filter(pk=move.patient.pk).exists()
    for other in (move.stranger, move.doctor, move.giving):
        with as_person(other), pytest.raises(errors.NotFound):
            access.offer_or_not_found(other, transfer.pk)


def test_from_that_moment_the_other_team_cares_and_the_pathway_goes_on(move: Move) -> None:
    due = dict(CareTask.objects.live().filter(enrollment=move.enrollment).values_list("activity", "due_on"))
    transfer = move.offer()
    with as_person(move.taking):
        move.accept(transfer)
    patient = Patient.objects.unscoped("lock").get(pk=move.patient.pk)
    assert (patient.site, patient.identifier) == (move.there, "B 77")
    assert not sees(move.giving, patient)
    assert not sees(move.member, patient)
    assert sees(move.taking, patient)
    assert sees(move.doctor, patient)
    ended = CareTeamMember.objects.filter(patient=patient, user=move.member).get()
    assert ended.until == NOW
    enrollment = Enrollment.objects.get(pk=move.enrollment.pk)
    assert (enrollment.version_id, enrollment.status) == (move.enrollment.version_id, "active")
    assert dict(CareTask.objects.live().filter(enrollment=enrollment).values_list("activity", "due_on")) == due
    assert cast.told("transfer.accepted") == [(patient.pk, move.taking.pk)]
    flow.pass_day(enrollment.pk, at=NOW + timedelta(days=1))
    assert cast.broken() == []


def test_the_old_number_is_still_found(move: Move) -> None:
    old = move.patient.identifier
    move.accept(move.offer())
    assert PatientNumber.objects.get(patient=move.patient).number == old
    assert [one.pk for one in choices.patients(move.taking, old, clock.now())] == [move.patient.pk]
    assert choices.patients(move.giving, old, clock.now()) == []


def test_a_number_that_the_other_site_has_already_is_refused_and_nothing_moves(move: Move) -> None:
    builders.patient(move.there, identifier="b77")
    transfer = move.offer()
    with pytest.raises(errors.InvalidEntry, match="hospital number"):
        move.accept(transfer, " B 77 ")
    assert sees(move.giving, move.patient)
    assert not sees(move.taking, move.patient)
    transfer.refresh_from_db()
    assert transfer.status == "offered"


@pytest.mark.parametrize("who", ["stranger", "doctor", "giving", "member"])
def test_nobody_but_a_coordinator_of_that_site_can_accept(move: Move, who: str) -> None:
    transfer, person = move.offer(), getattr(move, who)
    team = [(person.pk, str(Role.NURSE_COORDINATOR))]
    with as_person(person), pytest.raises((errors.Refused, DatabaseError)), transaction.atomic():
        flow.accept_transfer(transfer.pk, number="X", team=team, at=NOW, by=person)
    assert Patient.objects.unscoped("lock").get(pk=move.patient.pk).site_id == move.here.pk


def test_an_offer_is_declined_withdrawn_and_made_again(move: Move) -> None:
    first = move.offer()
    with pytest.raises(errors.Conflict):
        move.offer()
    with as_person(move.taking):
        flow.decline_transfer(first.pk, reason="no place", at=NOW, by=move.taking)
    second = move.offer()
    flow.withdraw_transfer(second.pk, reason="a mistake", at=NOW, by=move.giving)
    with pytest.raises(errors.Conflict):
        move.accept(second)
    assert not sees(move.taking, move.patient)
    assert [action for action, in cast.AuditEvent.objects.filter(patient=move.patient, action__startswith="transfer")
            .order_by("pk").values_list("action")] == [
        "transfer.offered", "transfer.declined", "transfer.offered", "transfer.withdrawn"]  # fmt: skip
