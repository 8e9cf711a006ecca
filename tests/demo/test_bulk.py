"""The rows that SQL makes in bulk are those that flow makes, column by column."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import QuerySet

from pathway import errors, flow
from pathway.demo import bulk, clinic
from pathway.engine import schedule
from pathway.models import CareTask, Enrollment, Membership, Observation, Patient, Site, Stay
from pathway.services import reminders

NOW = datetime(2026, 9, 10, 9, 15, tzinfo=UTC)  # rungs lie on both sides of a change of the clock
SPREAD = 20  # every day from 21 August to 9 September: months clamp for the 31st
IDENTITY = {"id", "uuid", "patient_id", "enrollment_id", "site_id", "given_name", "family_name", "name"}

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture
def made(loaded: None) -> Site:
    site = clinic.ensure_site("bulk", "Bulk clinic")
    assert bulk.make(site, 20, now=NOW, progress=lambda done, total: None, spread=SPREAD) == 20
    return site


def twin(patient: Patient, number: int) -> Patient:
    """The same person at another site, enrolled by flow, with the sweep at the present."""
    site = clinic.ensure_site("twins", "Clinic of the twins")
    pathway = next(code for code, digits in bulk.PATHWAYS.items() if number % 10 in digits)
    other = Patient.objects.create(
        site=site,
        identifier=patient.identifier,
        birth_date=patient.birth_date,
        sex=patient.sex,
        created_at=patient.created_at,
    )
    enrolled = patient.created_at
    enrollment = flow.enroll(other, pathway, at=enrolled, by=None, facts=bulk.facts(number, enrolled.date()))
    reminders.climb(at=NOW, enrollment_id=enrollment.pk)
    return other


def columns(rows: QuerySet[Any, Any], *order: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k not in IDENTITY} for row in rows.order_by(*order).values()]


def rows_of(patient: Patient) -> dict[str, list[dict[str, Any]]]:
    mine = {"enrollment__patient": patient}
    return {
        "patient": columns(Patient.objects.unscoped("test").filter(pk=patient.pk), "pk"),
        "enrollment": columns(Enrollment.objects.filter(patient=patient), "pk"),
        "stays": columns(Stay.objects.filter(**mine), "track"),
        "tasks": columns(CareTask.objects.filter(**mine), "activity_id"),
        "observations": columns(Observation.objects.filter(patient=patient), "kind_id"),
    }


def test_twenty_patients_are_those_of_flow(made: Site) -> None:
    patients = list(Patient.objects.unscoped("test").filter(site=made).order_by("identifier"))
    days = {patient.created_at.date() for patient in patients}
    assert len(days) == 20
    for number, patient in enumerate(patients, start=1):
        ours, theirs = rows_of(patient), rows_of(twin(patient, number))
        for what in ours:
            assert ours[what] == theirs[what], f"{patient.identifier}: {what}"


def test_dates_clamp_and_rungs_follow_the_clock_of_the_site(made: Site) -> None:
    tasks = CareTask.objects.filter(enrollment__patient__site=made)
    assert any(task.due_on.day != task.opened_on.day for task in tasks if task.activity_id == "ecas")
    for task in tasks.exclude(next_rung_at=None):
        assert task.next_rung_at is not None
        assert schedule.local_day(task.next_rung_at, made.time_zone) >= NOW.date()
        assert task.next_rung_at > NOW


def test_a_second_run_goes_on_where_the_first_ended(made: Site) -> None:
    assert bulk.make(made, 20, now=NOW, progress=lambda done, total: None) == 0
    assert bulk.make(made, 25, now=NOW, progress=lambda done, total: None) == 5
    assert Patient.objects.unscoped("test").filter(site=made).count() == 25


def test_nothing_is_left_of_the_pattern(made: Site) -> None:
    assert not Patient.objects.unscoped("test").filter(identifier__startswith="PATTERN").exists()


def test_every_patient_has_a_team_at_the_site_in_which_nobody_can_sign_in(made: Site) -> None:
    for patient in Patient.objects.unscoped("test").filter(site=made):
        assert set(patient.team.values_list("role", flat=True)) == {str(role) for role in bulk.TEAM}
    people = Membership.objects.filter(site=made)
    assert len(people) == len(bulk.TEAM)
    assert not any(one.user.has_usable_password() for one in people)


def test_a_real_site_takes_no_invented_patients(loaded: None) -> None:
    Site.objects.create(slug="bulk", name="A real clinic")
    with pytest.raises(errors.NotAllowed, match="real one"):
        clinic.ensure_site("bulk", "Bulk clinic")
