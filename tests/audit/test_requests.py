"""What an event says about the request: from where, on which way, what for; and that a refusal leaves one too."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.urls import reverse

from pathway import clock, origin
from pathway.models import AuditEvent, Cover, Delivery, EmergencyGrant, User
from pathway.vocabulary import Role
from tests import builders
from tests.web import cast as people
from tests.web.cast import Cast


def newest() -> AuditEvent:
    found = AuditEvent.objects.order_by("-pk").first()
    assert found is not None
    return found


def opened(user: User, cast: Cast, **extra: Any) -> AuditEvent:
    assert people.signed_in(user).get(reverse("patient", args=[cast.patient.uuid]), **extra).status_code == 200
    event = newest()
    assert event.action == "patient.read"
    return event


def emergency(cast: Cast, user: User) -> None:
    now = clock.now()
    EmergencyGrant.objects.create(
        patient=cast.patient,
        user=user,
        reason_code="emergency",
        reason="fell",
        since=now - timedelta(minutes=1),
        until=now + timedelta(hours=4),
    )


def test_a_read_says_from_where_on_which_way_and_what_for(cast: Cast) -> None:
    event = opened(cast.member, cast, REMOTE_ADDR="192.0.2.7")
    assert (event.address, event.ways, event.purpose) == ("192.0.2.7", "team", "treatment")
    assert event.request is not None
    assert event.patients == [cast.patient.pk]


def test_who_covers_is_told_from_who_is_on_the_team(cast: Cast) -> None:
    now = clock.now()
    Cover.objects.create(
        site=cast.site,
        user=cast.colleague,
        role=Role.NEUROLOGIST,
        stands_in_for=cast.member,
        since=now - timedelta(hours=1),
        until=now + timedelta(hours=1),
        reason="leave",
    )
    assert opened(cast.colleague, cast).ways == "cover"


def test_an_emergency_is_told_as_the_purpose(cast: Cast) -> None:
    emergency(cast, cast.colleague)
    event = opened(cast.colleague, cast)
    assert (event.ways, event.purpose) == ("emergency", "emergency")


def test_who_is_on_the_team_is_so_in_an_emergency_too(cast: Cast) -> None:
    emergency(cast, cast.member)
    event = opened(cast.member, cast)
    assert (event.ways, event.purpose) == ("team", "treatment")


def test_a_list_says_on_which_ways_its_patients_were_seen(cast: Cast) -> None:
    other = builders.patient(cast.site)
    builders.join(other, cast.member, Role.NEUROLOGIST)
    client = people.signed_in(cast.member)
    client.post(reverse("search"), {"text": ""})
    event = newest()
    assert (event.action, event.ways, set(event.patients or [])) == (
        "patients.listed",
        "team",
        {cast.patient.pk, other.pk},
    )


def test_the_searched_name_is_nowhere_in_the_audit(cast: Cast) -> None:
    people.signed_in(cast.member).post(reverse("search"), {"text": "Xyzzyname"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pathway_auditevent e WHERE e::text ILIKE %s", ["%xyzzyname%"])
        assert cursor.fetchone() == (0,)


def test_what_one_request_changed_carries_its_number(cast: Cast) -> None:
    before = newest().pk
    url = reverse("enrollments-hold", args=[cast.enrollment.pk])
    people.signed_in(cast.coordinator).post(url, {"reason": "away", "revision": cast.enrollment.revision})
    events = AuditEvent.objects.filter(pk__gt=before, actor=cast.coordinator)
    assert {event.ways for event in events if event.patient_id} == {"team"}
    assert len({event.request for event in events}) == 1
    assert None not in {event.request for event in events}


def test_outside_of_a_request_nothing_is_made_up(loaded: None) -> None:
    clinic = builders.clinic()
    event = AuditEvent.objects.filter(patient=clinic.patient).first()
    assert event is not None
    assert (event.address, event.request, event.ways, event.purpose) == (None, None, "", "operation")
    assert origin.present() is None


@pytest.mark.parametrize("name", ["patient", "why", "results", "team", "access-of-patient"])
def test_missing_and_invisible_leave_the_same_answer_and_the_same_row(cast: Cast, name: str) -> None:
    client = people.signed_in(cast.colleague)
    answers, events = [], []
    for uuid in (cast.patient.uuid, uuid4()):
        before = newest().pk
        answers.append(client.get(reverse(name, args=[uuid])))
        (event,) = AuditEvent.objects.filter(pk__gt=before)
        assert event.subject == f"patient:{uuid}"
        events.append((event.action, event.actor_id, event.patient_id, event.patients, event.purpose, event.ways))
    assert {answer.status_code for answer in answers} == {404}
    assert answers[0].content == answers[1].content
    assert set(answers[0].headers) == set(answers[1].headers)
    assert events[0] == events[1] == ("access.not-found", cast.colleague.pk, None, None, "treatment", "")


def test_what_the_role_does_not_allow_is_on_record(cast: Cast) -> None:
    assert people.signed_in(cast.member).get(reverse("team", args=[cast.patient.uuid])).status_code == 403
    event = AuditEvent.objects.filter(action="access.refused").get()
    assert (event.subject, event.actor) == (f"patient:{cast.patient.uuid}", cast.member)


def test_nobody_leaves_no_row(cast: Cast) -> None:
    before = newest().pk
    assert Client().get(reverse("patient", args=[cast.patient.uuid])).status_code == 302
    assert newest().pk == before


@pytest.mark.parametrize("name", ["patient", "why", "results", "home", "inbox", "search"])
def test_what_cannot_be_audited_is_not_shown(cast: Cast, name: str) -> None:
    client = people.signed_in(cast.member)
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON pathway_auditevent FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    about = ("patient", "why", "results")
    answer = client.get(reverse(name, args=[cast.patient.uuid] if name in about else []))
    assert answer.status_code == 500
    for told in (cast.patient.family_name, cast.patient.given_name, cast.patient.identifier):
        assert told not in answer.content.decode()


def test_what_cannot_be_audited_is_not_done(cast: Cast) -> None:
    client = people.signed_in(cast.coordinator)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'the disk is full'; END $$;"
            "CREATE TRIGGER refuse BEFORE INSERT ON pathway_auditevent FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    url = reverse("enrollments-hold", args=[cast.enrollment.pk])
    with pytest.raises(DatabaseError, match="the disk is full"):
        client.post(url, {"reason": "away", "revision": cast.enrollment.revision})
    cast.enrollment.refresh_from_db()
    assert cast.enrollment.status == "active"


def test_marking_messages_as_read_is_on_record(cast: Cast) -> None:
    client = people.signed_in(cast.member)
    before = newest().pk
    client.post(reverse("mark-read"), {"message": "999999"})
    assert not AuditEvent.objects.filter(pk__gt=before, action="inbox.marked-read").exists()
    assert Delivery.objects.count() == 0
