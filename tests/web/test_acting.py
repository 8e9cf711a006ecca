"""Decisions, tasks, alerts, interventions and the enrollment: done once, by who may, on what they saw."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from pathway import clock
from pathway.engine.schedule import local_day
from pathway.models import (
    Administration,
    Alert,
    AuditEvent,
    CareTask,
    Delivery,
    Intervention,
    Patient,
    Proposal,
    Reminder,
    Stay,
)
from pathway.models.reminders import delivery_key
from tests.web.cast import Cast, signed_in


def day(cast: Cast, away: int = 0) -> str:
    return (local_day(clock.now(), cast.site.time_zone) + timedelta(days=away)).isoformat()


def proposal(cast: Cast, track: str = "respiratory") -> Proposal:
    return Proposal.objects.get(enrollment=cast.enrollment, track=track, status="open")


def task(cast: Cast, activity: str) -> CareTask:
    return CareTask.objects.live().get(enrollment=cast.enrollment, activity=activity)


def do(client: Client, address: str, row: Any, **fields: str) -> Any:
    revision = {"revision": str(row.revision)} if hasattr(row, "revision") else {}
    return client.post(address, {**revision, **fields}, follow=True)


def stage(cast: Cast, track: str) -> str:
    return Stay.objects.open().get(enrollment=cast.enrollment, track=track).stage.code


# proposals


def test_accepting_moves_the_stage_and_shows_it(cast: Cast) -> None:
    row = proposal(cast)
    page = do(signed_in(cast.member), f"/proposals/{row.pk}/accept/", row).content.decode()
    assert row.stage is not None
    assert f"is now: {row.stage.title}" in page and stage(cast, "respiratory") == row.stage.code
    row.refresh_from_db()
    assert (row.status, row.decided_by) == ("accepted", cast.member)


def test_the_second_of_two_is_told_who_was_faster_and_changes_nothing(cast: Cast) -> None:
    seen = proposal(cast)
    do(signed_in(cast.member), f"/proposals/{seen.pk}/accept/", seen)
    stays, events = Stay.objects.count(), AuditEvent.objects.exclude(action="patient.read").count()
    answer = do(signed_in(cast.coordinator), f"/proposals/{seen.pk}/decline/", seen, reason="no")
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Someone was faster" in page and cast.member.display_name in page
    assert Stay.objects.count() == stays
    assert AuditEvent.objects.exclude(action="patient.read").count() == events
    seen.refresh_from_db()
    assert seen.status == "accepted"


def test_a_post_without_the_revision_is_a_conflict(cast: Cast) -> None:
    row = proposal(cast)
    answer = signed_in(cast.member).post(f"/proposals/{row.pk}/accept/")
    assert answer.status_code == 409
    row.refresh_from_db()
    assert row.status == "open"


def test_declining_needs_a_reason_and_may_have_a_day(cast: Cast) -> None:
    row, client = proposal(cast), signed_in(cast.member)
    assert do(client, f"/proposals/{row.pk}/decline/", row, reason="").status_code == 422
    row.refresh_from_db()
    assert row.status == "open"
    until = day(cast, 30)
    do(client, f"/proposals/{row.pk}/decline/", row, reason="wants to think", until=until)
    row.refresh_from_db()
    assert (row.status, row.reason, str(row.until)) == ("declined", "wants to think", until)
    assert "wants to think" in client.get(f"/patients/{cast.patient.uuid}/").content.decode()


# tasks


def test_a_task_is_completed_and_the_next_one_opens(cast: Cast) -> None:
    row = task(cast, "dietitian-review")
    page = do(signed_in(cast.dietitian), f"/tasks/{row.pk}/complete/", row, effective=day(cast)).content.decode()
    assert "Task completed" in page and "New task" in page
    row.refresh_from_db()
    assert (row.status, row.closed_by) == ("completed", cast.dietitian)


def test_a_completion_on_a_day_ahead_is_refused_at_its_field(cast: Cast) -> None:
    row = task(cast, "dietitian-review")
    answer = do(signed_in(cast.dietitian), f"/tasks/{row.pk}/complete/", row, effective=day(cast, 3))
    assert answer.status_code == 422 and 'href="#id_effective"' in answer.content.decode()
    row.refresh_from_db()
    assert row.status == "open"


@pytest.mark.parametrize(
    ("action", "fields", "column", "value"),
    [
        ("skip", {"reason": "unable"}, "status", "skipped"),
        ("snooze", {"reason": "on holiday"}, "snooze_reason", "on holiday"),
        ("reassign", {"to": "neurologist"}, "owner", "neurologist"),
    ],
)
def test_tasks_are_skipped_snoozed_and_reassigned(
    cast: Cast, action: str, fields: dict[str, str], column: str, value: str
) -> None:
    row = task(cast, "dietitian-review")
    more = {"skip": {"effective": day(cast)}, "snooze": {"until": day(cast, 10)}}.get(action, {})
    answer = do(signed_in(cast.dietitian), f"/tasks/{row.pk}/{action}/", row, **fields, **more)
    assert answer.status_code == 200 and "Task " in answer.content.decode()
    row.refresh_from_db()
    assert getattr(row, column) == value


@pytest.mark.parametrize("day_typed", ["2206-01-01", "9999-12-31"])
def test_a_year_typed_wrong_silences_and_plans_nothing(cast: Cast, day_typed: str) -> None:
    client, row = signed_in(cast.coordinator), task(cast, "dietitian-review")
    sent = {"until": day_typed, "reason": "away", "revision": row.revision}
    answers = [client.post(f"/tasks/{row.pk}/snooze/", sent)]
    asked = proposal(cast)
    answers.append(client.post(f"/proposals/{asked.pk}/decline/", {**sent, "revision": asked.revision}))
    answers.append(enrollment_action(cast, client, "start/niv", effective=day_typed))
    for answer in answers:
        assert answer.status_code == 422 and "is the year right?" in answer.content.decode()
    row.refresh_from_db()
    asked.refresh_from_db()
    assert (row.snoozed_until, asked.status) == (None, "open")
    assert not cast.patient.interventions.exists()


def test_an_alert_is_closed_with_a_reason(cast: Cast) -> None:
    row = Alert.objects.filter(enrollment=cast.enrollment, status="open").first()
    assert row is not None
    client = signed_in(cast.member)
    assert do(client, f"/alerts/{row.pk}/close/", row, reason="").status_code == 422
    do(client, f"/alerts/{row.pk}/close/", row, reason="discussed")
    row.refresh_from_db()
    assert (row.status, row.close_reason, row.closed_by) == ("closed", "discussed", cast.member)


# the enrollment and its parts


def enrollment_action(cast: Cast, client: Client, name: str, **fields: str) -> Any:
    cast.enrollment.refresh_from_db()
    return do(client, f"/enrollments/{cast.enrollment.pk}/{name}/", cast.enrollment, **fields)


def test_a_stage_is_moved_by_hand_and_o9_is_not_offered(cast: Cast) -> None:
    client = signed_in(cast.member)
    enrollment_action(cast, client, "move/nutrition", to="N2", reason="seen in clinic")
    assert stage(cast, "nutrition") == "N2"
    page = client.get(f"/enrollments/{cast.enrollment.pk}/move/overall/").content.decode()
    assert 'value="O9"' not in page
    assert enrollment_action(cast, client, "move/overall", to="O9", reason="x").status_code == 422
    assert stage(cast, "overall") != "O9"


def test_an_intervention_is_started_its_dose_given_and_stopped(cast: Cast) -> None:
    client = signed_in(cast.member)
    page = enrollment_action(cast, client, "start/tofersen", effective=day(cast)).content.decode()
    assert "New task" in page
    assert enrollment_action(cast, client, "start/tofersen", effective=day(cast)).status_code == 422
    enrollment_action(cast, client, "give/tofersen", dose="L1", effective=day(cast))
    assert Administration.objects.get().label == "L1"
    enrollment_action(cast, client, "stop/tofersen", effective=day(cast), reason="wish")
    assert str(Intervention.objects.get().stopped_on) == day(cast)


def test_harmful_exercise_is_refused_and_no_rest_day_is_flagged(cast: Cast) -> None:
    client = signed_in(cast.member)
    answer = enrollment_action(cast, client, "prescribe", type="eccentric", load="low")
    assert answer.status_code == 422 and "harms weak muscle" in answer.content.decode()
    assert not cast.patient.exercises.exists()
    page = enrollment_action(cast, client, "prescribe", type="aerobic", load="low", rest_days="0").content.decode()
    assert "exercise without a rest day" in page
    assert f">exercise {cast.patient.exercises.get().pk}<" not in page


def test_hold_resume_death_and_its_reversal(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    enrollment_action(cast, client, "hold", reason="travels")
    assert "on hold" in client.get("/").content.decode()
    enrollment_action(cast, client, "resume")
    page = enrollment_action(cast, client, "death", effective=day(cast)).content.decode()
    assert "everything has stopped" in page and "Died on" in page
    assert not Alert.objects.filter(enrollment=cast.enrollment, status="open").exists()
    enrollment_action(cast, client, "reverse-death", reason="another patient")
    assert Alert.objects.filter(enrollment=cast.enrollment, status="open").exists()
    cast.enrollment.refresh_from_db()
    assert cast.enrollment.status == "active"


def test_a_withdrawal_stops_everything(cast: Cast) -> None:
    enrollment_action(cast, signed_in(cast.coordinator), "withdraw", reason="moves away")
    assert not CareTask.objects.live().filter(enrollment=cast.enrollment).exists()
    page = signed_in(cast.coordinator).get(f"/patients/{cast.patient.uuid}/").content.decode()
    assert "Record a result" not in page and "Enroll again" in page


def test_a_change_of_pathway_keeps_the_stages(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    enrollment_action(cast, client, "move/nutrition", to="N1", reason="")
    enrollment_action(cast, client, "move/nutrition", to="N1", reason="seen")
    enrollment_action(cast, client, "change-pathway", to="als-bulbar", reason="bulbar after all")
    newest = cast.patient.enrollments.latest("pk")
    assert newest.version.pathway.code == "als-bulbar"
    assert Stay.objects.open().get(enrollment=newest, track="nutrition").stage.code == "N1"


@pytest.mark.parametrize("name", ["hold", "withdraw", "change-pathway"])
def test_a_dietitian_does_not_steer(cast: Cast, name: str) -> None:
    answer = enrollment_action(cast, signed_in(cast.dietitian), name, reason="x", to="als-bulbar")
    assert answer.status_code == 403
    cast.enrollment.refresh_from_db()
    assert cast.enrollment.status == "active"


# people


def test_a_patient_is_registered_enrolled_and_given_a_team(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    fields = {
        "site": str(cast.site.pk),
        "family_name": "New",
        "given_name": "Nina",
        "identifier": "N1",
        "birth_date": "1961-02-03",
        "sex": "female",
    }
    answer = client.post("/patients/register/", fields, follow=True)
    made = Patient.objects.unscoped("test").filter(site=cast.site).get(identifier="N1")
    assert answer.redirect_chain[-1][0] == f"/patients/{made.uuid}/enroll/"
    page = client.post(f"/patients/{made.uuid}/enroll/", {"pathway": "als-limb"}, follow=True).content.decode()
    assert "New task" in page
    assert signed_in(cast.member).get(f"/patients/{made.uuid}/").status_code == 404
    seen = f"{cast.coordinator.pk}:nurse-coordinator"
    team = {"seen": seen, "members": [seen, f"{cast.member.pk}:neurologist"]}
    assert client.post(f"/patients/{made.uuid}/team/", team).status_code == 302
    assert signed_in(cast.member).get(f"/patients/{made.uuid}/").status_code == 200
    stale = client.post(f"/patients/{made.uuid}/team/", team)
    assert stale.status_code == 409
    again = client.post("/patients/register/", fields)
    assert again.status_code == 422 and "has this hospital number" in again.content.decode()
    assert Patient.objects.unscoped("test").filter(site=cast.site).filter(identifier="N1").count() == 1


def test_nobody_joins_a_team_in_a_role_that_they_do_not_hold(cast: Cast) -> None:
    seen = " ".join(sorted(f"{row.user_id}:{row.role}" for row in cast.patient.team.filter(until=None)))
    page = f"/patients/{cast.patient.uuid}/team/"
    client = signed_in(cast.coordinator)
    for member in (f"{cast.dietitian.pk}:neurologist", f"{cast.stranger.pk}:neurologist", f"{cast.admin.pk}:admin"):
        assert client.post(page, {"seen": seen, "members": [member]}).status_code == 422
    assert client.post(page, {"seen": seen}).status_code == 422
    assert not cast.patient.team.filter(user__in=[cast.stranger, cast.admin]).exists()


def test_somebody_who_may_change_the_team_stays_on_it(cast: Cast) -> None:
    client, page = signed_in(cast.coordinator), f"/patients/{cast.patient.uuid}/team/"
    seen = " ".join(sorted(f"{row.user_id}:{row.role}" for row in cast.patient.team.filter(until=None)))
    # The place of one whose membership ended is not offered, and cannot be ticked.
    answer = client.post(page, {"seen": seen, "members": [f"{cast.dietitian.pk}:dietitian"]})
    assert answer.status_code == 422 and "must stay able to change it" in answer.content.decode()
    assert client.get(page).status_code == 200
    assert signed_in(cast.member).get(f"/patients/{cast.patient.uuid}/").status_code == 200


def test_search_finds_visible_patients_by_name_and_number_and_is_no_get(cast: Cast) -> None:
    client = signed_in(cast.member)
    for text in (cast.patient.family_name.lower(), cast.patient.identifier, f"ada {cast.patient.identifier}"):
        assert cast.patient.identifier in client.post("/patients/", {"text": text}).content.decode()
    assert cast.patient.identifier not in client.post("/patients/", {"text": "nobody"}).content.decode()


def test_a_search_that_is_none_says_so_and_lists_nobody(cast: Cast) -> None:
    page = signed_in(cast.member).post("/patients/", {"text": "x" * 101}).content.decode()
    assert "at most 100 characters" in page and cast.patient.identifier not in page


# the inbox


def deliver(cast: Cast, user: Any) -> Delivery:
    row, now = task(cast, "dietitian-review"), clock.now()
    reminder = Reminder.objects.create(
        task=row, due_on=row.due_on, rung="due", to_role="dietitian", on=row.due_on, created_at=now, resolved_at=now
    )
    key = delivery_key(row.pk, row.due_on.isoformat(), "due", user.pk, "inbox")
    return Delivery.objects.create(reminder=reminder, person=user, key=key, status="sent", queued_at=now, sent_at=now)


def test_messages_are_counted_shown_and_marked_read(cast: Cast) -> None:
    message = deliver(cast, cast.dietitian)
    client = signed_in(cast.dietitian)
    assert 'class="pw-count"' in client.get("/").content.decode()
    assert cast.patient.family_name in client.get("/inbox/").content.decode()
    # Somebody else cannot mark it.
    signed_in(cast.member).post("/inbox/read/", {"message": str(message.pk)})
    message.refresh_from_db()
    assert message.read_at is None
    client.post("/inbox/read/", {"message": [str(message.pk), "x"]})
    message.refresh_from_db()
    assert message.read_at is not None
    assert 'class="pw-count"' not in client.get("/").content.decode()


def test_a_message_about_a_patient_who_is_not_visible_any_more_is_gone(cast: Cast) -> None:
    deliver(cast, cast.removed)
    client = signed_in(cast.removed)
    page = client.get("/inbox/").content.decode()
    assert cast.patient.family_name not in page and 'class="pw-count"' not in page
