"""Registering patients and setting teams, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from pathway import errors, office
from pathway.models import AuditEvent, CareTeamMember, Patient, User
from pathway.services.people import Details
from pathway.vocabulary import Role
from tests import builders

pytestmark = pytest.mark.usefixtures("loaded")


def details(**columns: Any) -> Details:
    plain: dict[str, Any] = {
        "given_name": "Nina",
        "family_name": "New",
        "identifier": "N1",
        "birth_date": date(1961, 2, 3),
        "sex": "female",
    }
    return Details(**{**plain, **columns})


def test_who_registers_is_on_the_team_from_then_on() -> None:
    site = builders.site()
    nurse = builders.user(site, Role.NURSE_COORDINATOR)
    patient = office.register_patient(site, details(family_name="  New "), at=builders.at(), by=nurse)
    assert patient.family_name == "New"
    assert Patient.objects.visible_to(nurse, builders.at()).filter(pk=patient.pk).exists()
    assert AuditEvent.objects.filter(action="patient.registered", patient=patient, actor=nurse).exists()


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"family_name": "  "}, "family_name"),
        ({"given_name": ""}, "given_name"),
        ({"identifier": " "}, "identifier"),
        ({"sex": "x"}, "sex"),
        ({"birth_date": builders.on() + timedelta(days=1)}, "birth_date"),
        ({"birth_date": date(1850, 1, 1)}, "birth_date"),
    ],
)
def test_a_refusal_names_the_field_and_stores_nothing(columns: dict[str, Any], field: str) -> None:
    site = builders.site()
    nurse = builders.user(site, Role.NURSE_COORDINATOR)
    with pytest.raises(errors.InvalidEntry) as refused:
        office.register_patient(site, details(**columns), at=builders.at(), by=nurse)
    assert refused.value.field == field
    assert not Patient.objects.unscoped("test").filter(site=site).exists()


def test_a_hospital_number_is_unique_at_a_site_only() -> None:
    here, there = builders.site(), builders.site()
    for site in (here, there):
        office.register_patient(site, details(), at=builders.at(), by=builders.user(site, Role.NURSE_COORDINATOR))
    with pytest.raises(errors.InvalidEntry) as refused:
        office.register_patient(here, details(), at=builders.at(), by=builders.user(here, Role.NURSE_COORDINATOR))
    assert refused.value.field == "identifier"
    assert Patient.objects.unscoped("test").filter(site=here).count() == 1


def places(patient: Patient) -> set[tuple[int, str]]:
    return set(CareTeamMember.objects.filter(patient=patient, until=None).values_list("user_id", "role"))


def test_setting_a_team_ends_some_places_opens_others_and_leaves_the_rest() -> None:
    clinic = builders.clinic()
    nurse = clinic.people[Role.NURSE_COORDINATOR]
    dietitian = builders.user(clinic.site, Role.DIETITIAN)
    stays = CareTeamMember.objects.get(patient=clinic.patient, user=nurse)
    wanted = [(nurse.pk, str(Role.NURSE_COORDINATOR)), (dietitian.pk, str(Role.DIETITIAN))]
    office.set_care_team(clinic.patient, wanted, at=builders.at(3), by=nurse)
    assert places(clinic.patient) == set(wanted)
    assert CareTeamMember.objects.get(patient=clinic.patient, user=nurse).pk == stays.pk
    neurologist = CareTeamMember.objects.get(patient=clinic.patient, role=Role.NEUROLOGIST)
    assert neurologist.until == builders.at(3)


def test_setting_the_same_team_again_changes_nothing() -> None:
    clinic = builders.clinic()
    nurse = clinic.people[Role.NURSE_COORDINATOR]
    events = AuditEvent.objects.count()
    office.set_care_team(clinic.patient, sorted(places(clinic.patient)), at=builders.at(3), by=nurse)
    assert AuditEvent.objects.count() == events


@pytest.mark.parametrize("role", [Role.DIETITIAN, Role.ADMIN])
def test_a_role_that_somebody_does_not_hold_at_the_site_is_refused(role: Role) -> None:
    clinic = builders.clinic()
    stranger: User = builders.user(builders.site(), Role.DIETITIAN)
    before = places(clinic.patient)
    for wanted in ([], [*before, (stranger.pk, str(role))]):
        with pytest.raises(errors.InvalidEntry):
            office.set_care_team(clinic.patient, wanted, at=builders.at(1), by=None)
    assert places(clinic.patient) == before
