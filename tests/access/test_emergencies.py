"""Break-glass: who opens whose record, how long, who is told, and who says whether it was right."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test import Client
from django.urls import reverse

from pathway import access, actor, clock, errors, office
from pathway.access import Permit
from pathway.models import AuditEvent, EmergencyGrant, Membership, Notice, Patient, Sight, Site, User
from pathway.selectors import inbox
from pathway.services.emergencies import Asked
from pathway.vocabulary import Role
from pathway.web.recent import PROOFS
from tests import builders
from tests.web.cast import Cast, signed_in

BORN = date(1964, 1, 1)


def just_signed_in(user: User, *, ago: float = 0) -> Client:
    client = signed_in(user)
    session = client.session
    session[PROOFS] = [{"method": "password", "at": time.time() - ago}]
    session.save()
    return client


def asked(cast: Cast, **changed: Any) -> Asked:
    plain = {"site": cast.site, "number": cast.patient.identifier, "birth_date": BORN, "code": "emergency"}
    return Asked(**{**plain, "reason": "Brought in unconscious", **changed})


def opened(cast: Cast, by: User, **changed: Any) -> EmergencyGrant:
    found = office.break_glass(asked(cast, **changed), at=clock.now(), by=by)
    assert isinstance(found, Patient)
    return EmergencyGrant.objects.filter(patient=found, user=by).latest("pk")


def form(cast: Cast, **changed: str) -> dict[str, str]:
    plain = {
        "number": cast.patient.identifier,
        "birth_date": "1964-01-01",
        "code": "emergency",
        "reason": "Unconscious",
    }
    return {**plain, **changed}


# opening


def test_two_clicks_and_a_reason_open_one_patient_for_four_hours(cast: Cast) -> None:
    other = builders.patient(cast.site)
    client = just_signed_in(cast.colleague)
    assert reverse("emergency") in client.get("/patients/").content.decode()
    answer = client.post(reverse("emergency"), form(cast))
    assert answer.headers["Location"] == reverse("patient", args=[cast.patient.uuid])
    grant = EmergencyGrant.objects.get(user=cast.colleague)
    assert grant.until - grant.since == timedelta(hours=4)
    page = client.get(answer.headers["Location"]).content.decode()
    assert "Emergency access until" in page and reverse("emergency-give-back", args=[grant.pk]) in page
    assert client.get(reverse("patient", args=[other.uuid])).status_code == 404
    event = AuditEvent.objects.get(action="emergency.started")
    assert (event.actor, event.patient) == (cast.colleague, cast.patient) and "Unconscious" in event.reason


def test_access_ends_to_the_moment_and_needs_an_active_role_all_the_time(cast: Cast) -> None:
    grant = opened(cast, cast.colleague)
    seen = access.patients(cast.colleague, grant.until - timedelta(microseconds=1))
    assert list(seen) == [cast.patient]
    assert not access.patients(cast.colleague, grant.until).exists()
    Membership.objects.filter(user=cast.colleague).update(is_active=False)
    assert not access.patients(cast.colleague, clock.now()).exists()


@pytest.mark.parametrize("who", ["stranger", "inactive_member", "admin", "superuser"])
def test_only_who_cares_for_patients_at_the_site_gets_in(cast: Cast, who: str) -> None:
    user = cast.outsiders[who]
    assert isinstance(office.break_glass(asked(cast), at=clock.now(), by=user), errors.NotAllowed)
    just_signed_in(user).post(reverse("emergency"), {**form(cast), "site": str(cast.site.pk)})
    assert not EmergencyGrant.objects.exists() and not Notice.objects.exists()


def test_missing_elsewhere_and_another_birth_date_get_the_same_answer_and_go_on_record(cast: Cast) -> None:
    elsewhere = builders.patient(Site.objects.exclude(pk=cast.site.pk).get())
    client = just_signed_in(cast.colleague)
    answers = []
    for changed in (
        {"number": "NONE"},
        {"number": elsewhere.identifier},
        {"birth_date": "1964-01-02"},
        {"birth_date": ""},
    ):
        answer = client.post(reverse("emergency"), form(cast, **changed))
        text = answer.content.decode()
        assert answer.status_code == 422
        answers.append(text[text.index("There is a problem") : text.index("</ul>", text.index("There is a problem"))])
    assert len(set(answers)) == 1
    events = AuditEvent.objects.filter(action="emergency.refused", actor=cast.colleague)
    assert events.count() == 4 and not events.exclude(patient=None).exists()
    assert not EmergencyGrant.objects.exists()


def test_attempts_are_throttled_even_with_the_right_number(cast: Cast) -> None:
    for _ in range(5):
        assert isinstance(
            office.break_glass(asked(cast, number="NONE"), at=clock.now(), by=cast.colleague), errors.Refused
        )
    refused = office.break_glass(asked(cast), at=clock.now(), by=cast.colleague)
    assert isinstance(refused, errors.Refused) and "coordinator" in refused.reason
    assert not EmergencyGrant.objects.exists()
    assert AuditEvent.objects.filter(action="emergency.throttled").count() == 1
    # Another person is not held up by it.
    opened(cast, cast.removed)


def test_the_sixth_time_within_a_day_a_coordinator_has_to_help(cast: Cast) -> None:
    for _ in range(5):
        opened(cast, cast.colleague)
        opened(cast, cast.colleague)  # pressed twice: it is open already
        grant = EmergencyGrant.objects.latest("pk")
        office.end_emergency(grant.pk, at=clock.now(), by=cast.colleague)
    assert EmergencyGrant.objects.filter(user=cast.colleague).count() == 5
    refused = office.break_glass(asked(cast), at=clock.now(), by=cast.colleague)
    assert isinstance(refused, errors.Refused) and "coordinator" in refused.reason
    later = clock.now() + timedelta(hours=24, minutes=1)
    # A day that the caller names does not pass by itself.
    assert isinstance(office.break_glass(asked(cast), at=later, by=cast.colleague), errors.Refused)
    day = timedelta(hours=24, minutes=1)
    EmergencyGrant.objects.update(since=F("since") - day, until=F("until") - day)
    assert isinstance(office.break_glass(asked(cast), at=clock.now(), by=cast.colleague), Patient)


@pytest.mark.parametrize(("field", "value"), [("reason", "  "), ("code", ""), ("code", "curiosity"), ("number", "")])
def test_without_a_reason_or_a_number_nothing_opens(cast: Cast, field: str, value: str) -> None:
    answer = just_signed_in(cast.colleague).post(reverse("emergency"), form(cast, **{field: value}))
    assert answer.status_code == 422
    assert not EmergencyGrant.objects.exists()


def test_who_sees_the_patient_already_gets_there_without_an_emergency(cast: Cast) -> None:
    answer = just_signed_in(cast.member).post(reverse("emergency"), form(cast))
    assert answer.status_code == 302 and not EmergencyGrant.objects.exists()


def test_the_old_number_of_a_joined_record_and_an_estimated_birth_date_lead_to_the_patient(cast: Cast) -> None:
    old = builders.patient(cast.site, merged_into=cast.patient, identifier="OLD1")
    assert opened(cast, cast.colleague, number=old.identifier).patient == cast.patient
    vague = builders.patient(cast.site, birth_date=date(1963, 6, 1), birth_date_is_estimated=True)
    assert opened(cast, cast.colleague, number=vague.identifier).patient == vague
    unknown = builders.patient(cast.site, birth_date=None)
    assert opened(cast, cast.colleague, number=unknown.identifier, birth_date=None).patient == unknown
    refused = office.break_glass(asked(cast, number=unknown.identifier), at=clock.now(), by=cast.colleague)
    assert isinstance(refused, errors.Refused)


# proving who it is


@pytest.mark.parametrize("ago", [None, 16 * 60])
def test_after_a_quarter_of_an_hour_the_password_is_asked_again(cast: Cast, ago: float | None) -> None:
    client = signed_in(cast.colleague) if ago is None else just_signed_in(cast.colleague, ago=ago)
    assert 'type="password"' in client.get(reverse("emergency")).content.decode()
    for password in ("", "wrong"):
        assert client.post(reverse("emergency"), form(cast, password=password)).status_code == 422
    assert not EmergencyGrant.objects.exists()
    assert AuditEvent.objects.filter(action="emergency.refused").count() == 1  # the wrong one
    assert client.post(reverse("emergency"), form(cast, password="correct horse")).status_code == 302
    assert 'type="password"' not in client.get(reverse("emergency")).content.decode()


def test_passwords_cannot_be_guessed_here(cast: Cast) -> None:
    client = signed_in(cast.colleague)
    for _ in range(5):
        client.post(reverse("emergency"), form(cast, password="wrong"))
    answer = client.post(reverse("emergency"), form(cast, password="correct horse"))
    assert answer.status_code == 422 and "tried too often" in answer.content.decode()
    assert not EmergencyGrant.objects.exists()


# what it allows


def test_an_emergency_gives_clinical_work_and_nothing_else(cast: Cast) -> None:
    nurse = builders.user(cast.site, Role.NURSE_COORDINATOR)
    opened(cast, nurse)
    permits = access.permits_for(nurse, cast.patient, clock.now())
    assert permits == access.CLINICAL
    for permit in (Permit.EXPORT, Permit.SET_TEAM, Permit.COVER, Permit.MERGE, Permit.TRANSFER, Permit.ENROLL):
        with pytest.raises(access.Forbidden):
            access.require(nurse, permit, cast.patient, clock.now())
    client = signed_in(nurse)
    assert client.get(reverse("team", args=[cast.patient.uuid])).status_code == 403
    assert client.get(reverse("enroll", args=[cast.patient.uuid])).status_code == 403


def test_it_is_given_back_early_and_only_by_the_person(cast: Cast) -> None:
    grant = opened(cast, cast.colleague)
    address = reverse("emergency-give-back", args=[grant.pk])
    for other in (cast.member, cast.coordinator, cast.stranger):
        assert (
            signed_in(other).post(address).content
            == signed_in(other).post(address.replace(str(grant.pk), "99999999")).content
        )
    assert access.patients(cast.colleague, clock.now()).exists()
    client = signed_in(cast.colleague)
    assert client.post(address).status_code == 302
    assert client.get(reverse("patient", args=[cast.patient.uuid])).status_code == 404
    assert client.post(address).status_code == 404  # once
    assert AuditEvent.objects.filter(action="emergency.ended", patient=cast.patient).count() == 1


# who is told


def test_the_team_is_told_at_once_and_nobody_else(cast: Cast) -> None:
    opened(cast, cast.colleague)
    told = set(Notice.objects.values_list("person", flat=True))
    assert told == {cast.member.pk, cast.coordinator.pk, cast.dietitian.pk, cast.inactive_member.pk}
    client = signed_in(cast.member)
    page = client.get(reverse("inbox")).content.decode()
    assert "opened the record in an emergency" in page and "Brought in unconscious" in page
    notice = Notice.objects.get(person=cast.member)
    before = inbox.unread(cast.member, clock.now())
    client.post(reverse("mark-read"), {"notice": str(notice.pk)})
    assert inbox.unread(cast.member, clock.now()) == before - 1
    # Not of somebody else, nor of who does not see the patient any more.
    signed_in(cast.dietitian).post(
        reverse("mark-read"), {"notice": str(Notice.objects.get(person=cast.coordinator).pk)}
    )
    assert Notice.objects.get(person=cast.coordinator).read_at is None
    assert not inbox.messages(cast.inactive_member, clock.now()).notices
    assert cast.patient.family_name not in signed_in(cast.inactive_member).get(reverse("inbox")).content.decode()


def test_the_team_sees_it_on_the_patients_pages_until_it_is_reviewed(cast: Cast) -> None:
    grant = opened(cast, cast.colleague)
    client = signed_in(cast.member)
    for name in ("patient", "why", "results"):
        page = client.get(reverse(name, args=[cast.patient.uuid])).content.decode()
        assert "opened this record in an emergency" in page and "Emergency access until" not in page
    office.review_emergency(grant.pk, justified=True, note="", at=clock.now(), by=cast.coordinator)
    assert "in an emergency" not in client.get(reverse("patient", args=[cast.patient.uuid])).content.decode()
    # The person is reminded while it lasts.
    page = signed_in(cast.colleague).get(reverse("patient", args=[cast.patient.uuid])).content.decode()
    assert "Emergency access until" in page


# reviews


def test_reviewers_of_the_site_get_it_by_number_and_nobody_else(cast: Cast) -> None:
    grant = opened(cast, cast.colleague)
    auditor = builders.user(cast.site, Role.AUDITOR)
    other_nurse = builders.user(cast.site, Role.NURSE_COORDINATOR)
    for reviewer in (auditor, other_nurse):
        page = signed_in(reviewer).get(reverse("emergency-reviews")).content.decode()
        assert cast.patient.identifier in page and cast.patient.family_name not in page
    foreign = builders.user(Site.objects.exclude(pk=cast.site.pk).get(), Role.NURSE_COORDINATOR)
    assert cast.patient.identifier not in signed_in(foreign).get(reverse("emergency-reviews")).content.decode()
    for outsider in (cast.member, cast.admin, cast.superuser, cast.stranger):
        assert signed_in(outsider).get(reverse("emergency-reviews")).status_code == 403
    for outsider in (foreign, cast.member, cast.admin, cast.superuser, cast.stranger):
        client = signed_in(outsider)
        hidden = client.get(reverse("emergency-review", args=[grant.pk]))
        missing = client.get(reverse("emergency-review", args=[99999999]))
        assert hidden.status_code == 404 and hidden.content == missing.content
        with pytest.raises(errors.NotFound):
            office.review_emergency(grant.pk, justified=True, note="", at=clock.now(), by=outsider)


def test_what_was_not_justified_ends_and_is_said_why(cast: Cast) -> None:
    grant = opened(cast, cast.colleague)
    client = signed_in(cast.coordinator)
    address = reverse("emergency-review", args=[grant.pk])
    assert client.post(address, {"justified": "no", "note": ""}).status_code == 422
    assert access.patients(cast.colleague, clock.now()).exists()
    assert client.post(address, {"justified": "no", "note": "A neighbor of hers"}).status_code == 302
    assert not access.patients(cast.colleague, clock.now()).exists()
    assert client.post(address, {"justified": "yes", "note": ""}).status_code == 409
    grant.refresh_from_db()
    assert grant.was_justified is False and grant.reviewed_by == cast.coordinator
    event = AuditEvent.objects.get(action="emergency.reviewed")
    assert (event.patient, event.reason) == (cast.patient, "A neighbor of hers")


def test_nobody_reviews_their_own(cast: Cast) -> None:
    nurse = builders.user(cast.site, Role.NURSE_COORDINATOR)
    grant = opened(cast, nurse)
    client = signed_in(nurse)
    assert "somebody else reviews it" in client.get(reverse("emergency-reviews")).content.decode()
    assert client.post(reverse("emergency-review", args=[grant.pk]), {"justified": "yes"}).status_code == 422
    grant.refresh_from_db()
    assert grant.reviewed_at is None


def test_a_review_that_waits_longer_than_three_days_is_marked(cast: Cast) -> None:
    with clock.simulated(clock.now() - timedelta(hours=71)):
        opened(cast, cast.colleague)
    assert "pw-overdue" not in signed_in(cast.coordinator).get(reverse("emergency-reviews")).content.decode()
    with clock.simulated(clock.now() - timedelta(hours=73)):
        opened(cast, cast.colleague)
    page = signed_in(cast.coordinator).get(reverse("emergency-reviews")).content.decode()
    assert page.count("pw-overdue") == 1
    home = signed_in(cast.coordinator).get("/").content.decode()
    assert "<strong>2</strong> emergency access to review" in home


# the second wall


def test_the_webs_role_neither_makes_nor_changes_grants_and_notices_by_itself(cast: Cast) -> None:
    grant = opened(cast, cast.colleague)
    attempts = (
        f"INSERT INTO pathway_emergencygrant (patient_id, user_id, reason_code, reason, since, until, review_note)"
        f" VALUES ({cast.patient.pk}, {cast.stranger.pk}, 'other', 'x', now(), now() + interval '1 day', '')",
        f"UPDATE pathway_emergencygrant SET until = now() + interval '1 year' WHERE id = {grant.pk}",
        f"DELETE FROM pathway_emergencygrant WHERE id = {grant.pk}",
        f"DELETE FROM pathway_notice WHERE emergency_id = {grant.pk}",
        f"INSERT INTO pathway_notice (person_id, patient_id, kind, emergency_id, at)"
        f" VALUES ({cast.stranger.pk}, {cast.patient.pk}, 'emergency', {grant.pk}, now())",
        f"UPDATE pathway_notice SET person_id = {cast.stranger.pk} WHERE emergency_id = {grant.pk}",
    )
    for attempt in attempts:
        with (
            pytest.raises(DatabaseError),
            actor.acting(actor.person(cast.colleague.pk)),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SET LOCAL ROLE pathway_web")
            cursor.execute(attempt)
    assert Sight.objects.filter(user=cast.stranger).count() == 0


def test_the_functions_answer_nobody_whom_no_transaction_names(cast: Cast) -> None:
    for call in (
        f"pathway_break_glass({cast.site.pk}, 'x', NULL, 'other', 'x', now(), now() + interval '1 hour')",
        "pathway_give_back(1, now())",
        f"pathway_emergencies({cast.site.pk})",
        "pathway_review_emergency(1, true, '', now())",
        f"pathway_unsteered({cast.site.pk}, now())",
        f"pathway_adopt('{cast.patient.uuid}', now())",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {call}")


def test_the_database_itself_refuses_more_than_four_hours(cast: Cast) -> None:
    with (
        pytest.raises(DatabaseError),
        actor.acting(actor.person(cast.colleague.pk)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "SELECT pathway_break_glass(%s, %s, '1964-01-01', 'other', 'x', now(), now() + interval '5 hours')",
            [cast.site.pk, cast.patient.identifier],
        )
