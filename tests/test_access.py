"""Who may see whom, and what a role may do."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser

from pathway import access, clock, errors
from pathway.access import Permit
from pathway.models import Alert, CareTask, CareTeamMember, Membership, Proposal, User
from pathway.vocabulary import NO_CARE, Role
from tests import builders
from tests.web.cast import Cast, assemble


@pytest.fixture
def cast(loaded: None) -> Cast:
    return assemble()


def rows(cast: Cast) -> list[tuple[str, int]]:
    proposal = Proposal.objects.filter(enrollment=cast.enrollment).first()
    alert = Alert.objects.filter(enrollment=cast.enrollment).first()
    task = CareTask.objects.filter(enrollment=cast.enrollment).first()
    observation = cast.patient.observations.first()
    assert proposal is not None and alert is not None and task is not None and observation is not None
    return [
        ("enrollment", cast.enrollment.pk),
        ("observation", observation.pk),
        ("proposal", proposal.pk),
        ("task", task.pk),
        ("alert", alert.pk),
    ]


def find(kind: str, user: User, pk: int) -> object:
    return getattr(access, f"{kind}_or_not_found")(user, pk, clock.now())


def test_a_member_of_the_team_finds_the_patient_and_every_row(cast: Cast) -> None:
    assert access.patient_or_not_found(cast.member, cast.patient.uuid, clock.now()) == cast.patient
    for kind, pk in rows(cast):
        assert find(kind, cast.member, pk) is not None


@pytest.mark.parametrize("who", ["colleague", "stranger", "removed", "inactive_member", "admin", "superuser"])
def test_nobody_else_finds_anything_and_cannot_tell_it_from_what_is_missing(cast: Cast, who: str) -> None:
    user = cast.outsiders[who]
    with pytest.raises(errors.NotFound) as hidden:
        access.patient_or_not_found(user, cast.patient.uuid, clock.now())
    with pytest.raises(errors.NotFound) as missing:
        access.patient_or_not_found(user, uuid4(), clock.now())
    assert hidden.value.args == missing.value.args
    for kind, pk in rows(cast):
        with pytest.raises(errors.NotFound) as hidden:
            find(kind, user, pk)
        assert hidden.value.args == missing.value.args
    assert not access.patients(user, clock.now()).exists()


def test_one_who_is_not_signed_in_sees_nobody(cast: Cast) -> None:
    assert not access.patients(AnonymousUser(), clock.now()).exists()
    assert access.permits_for(AnonymousUser(), cast.patient, clock.now()) == frozenset()


def test_a_deactivated_account_sees_nobody(cast: Cast) -> None:
    User.objects.filter(pk=cast.member.pk).update(is_active=False)
    user = User.objects.get(pk=cast.member.pk)
    assert not access.patients(user, clock.now()).exists()


def test_membership_of_a_team_begins_and_ends_to_the_moment(cast: Cast) -> None:
    place = CareTeamMember.objects.get(patient=cast.patient, user=cast.removed)
    assert place.until is not None
    before = place.until - timedelta(microseconds=1)
    assert access.patients(cast.removed, before).filter(pk=cast.patient.pk).exists()
    assert not access.patients(cast.removed, place.until).filter(pk=cast.patient.pk).exists()


def test_alerts_of_shadow_rule_sets_are_not_found(cast: Cast) -> None:
    alert = Alert.objects.filter(enrollment=cast.enrollment).select_related("episode").first()
    assert alert is not None
    alert.episode.is_shadow = True
    alert.episode.save(update_fields=["is_shadow"])
    with pytest.raises(errors.NotFound):
        find("alert", cast.member, alert.pk)


@pytest.mark.parametrize("role", [role for role in Role if role not in NO_CARE])
def test_every_clinical_role_may_do_clinical_work(role: Role) -> None:
    assert access.CLINICAL <= access.GRANTS[role]


def test_an_administrator_may_do_nothing_to_a_patient() -> None:
    assert access.GRANTS[Role.ADMIN] == frozenset()


@pytest.mark.parametrize("permit", [Permit.REGISTER, Permit.ENROLL, Permit.SET_TEAM, Permit.RELEASE])
def test_only_the_nurse_coordinator_coordinates(permit: Permit) -> None:
    assert [role for role in Role if permit in access.GRANTS[role]] == [Role.NURSE_COORDINATOR]


def test_every_permit_is_granted_to_somebody() -> None:
    assert access.granted(Role) == frozenset(Permit)


def test_a_role_counts_only_where_it_is_held_on_the_team_and_at_the_site(cast: Cast) -> None:
    at = clock.now()
    # Coordinator at the site, but a neurologist for this patient.
    Membership.objects.create(user=cast.member, site=cast.site, role=Role.NURSE_COORDINATOR)
    assert access.roles_for(cast.member, cast.patient, at) == {Role.NEUROLOGIST}
    with pytest.raises(access.Forbidden):
        access.require(cast.member, Permit.ENROLL, cast.patient, at)
    # Coordinator on the team, but without that role at the site.
    builders.join(cast.patient, cast.dietitian, Role.NURSE_COORDINATOR)
    assert access.roles_for(cast.dietitian, cast.patient, at) == {Role.DIETITIAN}


def test_registering_is_asked_of_the_role_at_the_site(cast: Cast) -> None:
    access.require_at_site(cast.coordinator, Permit.REGISTER, cast.site)
    for user in (cast.member, cast.admin, cast.superuser, cast.stranger):
        with pytest.raises(access.Forbidden):
            access.require_at_site(user, Permit.REGISTER, cast.site)


def test_an_administrator_finds_no_site_to_work_at(cast: Cast) -> None:
    assert access.site_or_not_found(cast.member, cast.site.pk) == cast.site
    for user in (cast.admin, cast.superuser, cast.stranger, cast.inactive_member):
        with pytest.raises(errors.NotFound):
            access.site_or_not_found(user, cast.site.pk)
