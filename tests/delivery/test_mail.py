"""What is mailed to whom: a digest a day, urgent things at once, and nothing of anybody."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import override_settings

from pathway import flow
from pathway.models import (
    Alert,
    CareTask,
    Delivery,
    Dispatch,
    Episode,
    MessageSettings,
    PersonalChannel,
    Reminder,
    Rule,
    TaskGround,
    User,
    digest_key,
)
from pathway.selectors.preferences import Wishes
from pathway.services import preferences
from tests import builders
from tests.builders import Clinic
from tests.delivery.conftest import mail_of

MINUTE = timedelta(minutes=1)
FIRST = 28  # Monday, 5 February 2024
DUE = builders.at(FIRST)
ESCALATED = builders.at(FIRST + 28)  # a Monday too


def sweep(at: datetime = DUE) -> None:
    """Two sweeps with the time between them that a digest gathers."""
    flow.sweep(at=at, trigger="test")
    flow.sweep(at=at + 2 * MINUTE, trigger="test")


def sent_to(clinic: Clinic, role: str) -> list[Any]:
    return [one for one in mail.outbox if one.to == [mail_of(clinic, role)]]


def lines(message: Any) -> list[str]:
    return [line.strip() for line in message.body.splitlines() if line.startswith("  ")]


def test_what_is_due_comes_in_one_digest_that_says_how_much(clinic: Clinic) -> None:
    sweep()
    (message,) = sent_to(clinic, "dietitian")
    told = Delivery.objects.filter(person=clinic.people["dietitian"], channel="email")
    assert told.count() == Delivery.objects.filter(person=clinic.people["dietitian"], channel="inbox").count() > 0
    assert set(told.values_list("status", flat=True)) == {"sent"}
    assert message.subject == "Harbour Clinic: 1 item waits for you"
    assert lines(message) == ["1 due today"]
    assert "http://localhost:8000/inbox/" in message.body
    key = digest_key(clinic.people["dietitian"].pk, "email", "2024-02-05")
    assert message.extra_headers["Message-ID"] == f"<{key}@localhost>"


def test_a_digest_gathers_for_a_minute_and_leaves_once_a_day(clinic: Clinic) -> None:
    flow.sweep(at=DUE, trigger="test")
    assert mail.outbox == []
    assert Delivery.objects.filter(channel="inbox", status="sent").exists()
    sweep()
    before = len(mail.outbox)
    assert before > 0
    sweep(DUE + timedelta(hours=3))
    assert len(mail.outbox) == before
    addressees = [one.to[0] for one in mail.outbox]
    assert len(addressees) == len(set(addressees))


def test_what_comes_after_the_digest_of_a_day_is_in_that_of_the_next_working_day(clinic: Clinic) -> None:
    friday = builders.at(FIRST + 4)
    sweep(friday)
    CareTask.objects.filter(pk=clinic.task("physio-review").pk).update(
        due_on=friday.date(), due_set_on=builders.on(), next_rung_at=friday
    )
    flow.remind(at=friday + timedelta(hours=2))
    flow.deliver(at=friday + timedelta(hours=2))
    late = Dispatch.objects.filter(is_open=True, person=clinic.people["physiotherapist"]).get()
    assert (late.day, late.status) == (date(2024, 2, 12), "queued")


def test_the_reminder_stands_on_its_day_whatever_hours_the_person_keeps(clinic: Clinic) -> None:
    preferences.save(clinic.people["dietitian"], Wishes(quiet=(time(6), time(18))), offered={})
    sweep()
    assert sent_to(clinic, "dietitian") == []
    reminder = Reminder.objects.get(task=clinic.task("dietitian-review"))
    assert (reminder.on, reminder.created_at) == (DUE.date(), DUE)
    inbox = Delivery.objects.get(reminder=reminder, channel="inbox", person=clinic.people["dietitian"])
    assert (inbox.status, inbox.sent_at) == ("sent", DUE)
    flow.deliver(at=builders.at(FIRST, hour=18, minute=2))
    assert len(sent_to(clinic, "dietitian")) == 1


@pytest.mark.parametrize("columns", [{"clinic_weekdays": "1,2,3"}, {"holiday_country": "JP"}])
def test_a_day_off_of_the_site_delays_the_mail_alone(loaded: None, columns: dict[str, str]) -> None:
    clinic = builders.clinic(**columns)
    dietitian = clinic.people["dietitian"]
    User.objects.filter(pk=dietitian.pk).update(email="dietitian@clinic.example")
    day = FIRST if "clinic_weekdays" in columns else FIRST + 7  # 12 February is a holiday in Japan
    sweep(builders.at(day))
    assert mail.outbox == []
    assert Delivery.objects.filter(person=dietitian, channel="inbox", status="sent").exists()
    flow.deliver(at=builders.at(day + 1, hour=8, minute=2))
    assert [one.to for one in mail.outbox] == [["dietitian@clinic.example"]]


def test_the_last_rung_leaves_at_once_and_by_itself(clinic: Clinic) -> None:
    CareTask.objects.exclude(activity="dietitian-review").update(next_rung_at=None)
    flow.sweep(at=ESCALATED, trigger="test")
    (message,) = sent_to(clinic, "neurologist")
    assert message.subject == "Urgent – Harbour Clinic: 1 item waits for you"
    assert lines(message) == ["1 urgent"]
    delivery = Delivery.objects.get(channel="email", person=clinic.people["neurologist"])
    assert message.extra_headers["Message-ID"] == f"<{delivery.key}@localhost>"


def press(clinic: Clinic, activity: str, *, severity: str = "urgent") -> Episode:
    """A rule of this severity asks for the task."""
    rule = Rule.objects.filter(severity=severity).first()
    assert rule is not None
    episode = Episode.objects.create(
        enrollment=clinic.enrollment, patient=clinic.patient, rule=rule, key=rule.code,
        began_at=builders.START, began_on=builders.on(), since=builders.on(),
    )  # fmt: skip
    TaskGround.objects.create(task=clinic.task(activity), episode=episode)
    return episode


def test_a_task_that_an_urgent_alert_asks_for_is_told_at_once(clinic: Clinic) -> None:
    press(clinic, "dietitian-review")
    press(clinic, "physio-review", severity="warning")
    flow.sweep(at=DUE, trigger="test")
    assert len(sent_to(clinic, "dietitian")) == 1
    assert sent_to(clinic, "physiotherapist") == []
    assert not Alert.objects.filter(severity="urgent").exists()


def test_an_urgent_alert_that_is_over_does_not_press(clinic: Clinic) -> None:
    episode = press(clinic, "dietitian-review")
    episode.ended_at = DUE - MINUTE
    episode.save()
    flow.sweep(at=DUE, trigger="test")
    assert mail.outbox == []


@override_settings(SINGLE_MESSAGES_PER_HOUR=2)
def test_more_than_so_many_single_messages_an_hour_go_into_the_digest_the_most_pressing_first(clinic: Clinic) -> None:
    activities = [task.activity_id for task in clinic.tasks(due_on=DUE.date())]
    assert len(activities) > 3
    press(clinic, activities[-1])
    flow.sweep(at=ESCALATED, trigger="test")
    neurologist = clinic.people["neurologist"]
    singles = Dispatch.objects.filter(person=neurologist, kind="single")
    assert singles.count() == len(sent_to(clinic, "neurologist")) == 2
    carried = Delivery.objects.filter(dispatch__in=singles).values_list("reminder__task__activity", flat=True)
    assert activities[-1] in carried
    flow.deliver(at=ESCALATED + 2 * MINUTE)
    *_, digest = sent_to(clinic, "neurologist")
    assert len(sent_to(clinic, "neurologist")) == 3
    rest = Delivery.objects.filter(person=neurologist, channel="email").count() - 2
    assert lines(digest)[0] == f"{rest} urgent"


def test_after_weeks_of_silence_there_is_one_reminder_per_task_and_one_digest_per_person(clinic: Clinic) -> None:
    sweep(builders.at(FIRST + 21))
    for task in clinic.tasks(due_on=builders.on(FIRST)):
        assert [one.rung for one in task.reminders.all()] == ["overdue"]
    assert len(sent_to(clinic, "nurse-coordinator")) == 1


def test_what_was_done_in_the_meantime_is_not_counted_and_an_empty_digest_stays_here(clinic: Clinic) -> None:
    flow.sweep(at=DUE, trigger="test")
    flow.complete(clinic.task("dietitian-review").pk, at=DUE, by=None)
    flow.deliver(at=DUE + 2 * MINUTE)
    assert sent_to(clinic, "dietitian") == []
    dispatch = Dispatch.objects.get(person=clinic.people["dietitian"])
    assert (dispatch.status, dispatch.reason) == ("cancelled", "nothing is left to tell")
    delivery = Delivery.objects.get(dispatch=dispatch)
    assert (delivery.status, delivery.reason, delivery.sent_at) == ("cancelled", "the task is closed", None)


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.patient.team.filter(role="dietitian").update(until=DUE),
        lambda c: User.objects.filter(pk=c.people["dietitian"].pk).update(is_active=False),
        lambda c: c.people["dietitian"].memberships.update(is_active=False),
        lambda c: flow.hold(c.enrollment.pk, reason="abroad", at=DUE, by=None),
        lambda c: flow.record_death(c.enrollment.pk, at=DUE, by=None),
        lambda c: User.objects.filter(pk=c.people["dietitian"].pk).update(email=""),
        lambda c: preferences.save(c.people["dietitian"], Wishes(by_email=False), offered={}),
    ],
)
def test_what_is_asked_again_before_sending_keeps_the_mail_back(clinic: Clinic, change: Any) -> None:
    address = mail_of(clinic, "dietitian")
    flow.sweep(at=DUE, trigger="test")
    change(clinic)
    flow.deliver(at=DUE + 2 * MINUTE)
    assert [one for one in mail.outbox if address in one.to] == []
    assert Dispatch.objects.get(person=clinic.people["dietitian"]).status == "cancelled"


def test_who_wants_no_mail_or_has_no_address_has_their_inbox(clinic: Clinic) -> None:
    preferences.save(clinic.people["dietitian"], Wishes(by_email=False), offered={})
    User.objects.filter(pk=clinic.people["physiotherapist"].pk).update(email="")
    sweep()
    for role in ("dietitian", "physiotherapist"):
        assert set(Delivery.objects.filter(person=clinic.people[role]).values_list("channel", flat=True)) == {"inbox"}


CANARIES = {
    "given_name": "Zebulonia",
    "family_name": "Quagglethorpe",
    "identifier": "CANARY-77-81",
}


def test_no_message_has_anything_of_the_patient_in_it(loaded: None, caplog: pytest.LogCaptureFixture) -> None:
    site = builders.site(name="Harbour Clinic")
    patient = builders.patient(site, **CANARIES)
    person = builders.user(site, "neurologist", email="who@clinic.example")
    builders.join(patient, person, "neurologist")
    enrollment = builders.enroll(patient)
    flow.sweep(at=ESCALATED, trigger="test")
    flow.deliver(at=ESCALATED + 2 * MINUTE)
    assert len(mail.outbox) >= 2
    strings = [
        *CANARIES.values(), str(patient.uuid), "ZQ", "als-limb", "ALS", "1964",
        *CareTask.objects.filter(enrollment=enrollment).values_list("activity__title", flat=True),
        *CareTask.objects.filter(enrollment=enrollment).values_list("activity", flat=True),
    ]  # fmt: skip
    for message in mail.outbox:
        whole = message.message().as_string()
        plain = message.subject + message.body
        for canary in strings:
            assert canary not in plain
            assert canary.lower() not in whole.lower() or canary in ("ALS", "ZQ", "1964")
    assert not [canary for canary in CANARIES.values() if canary in caplog.text]


@pytest.fixture
def pushes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """What is handed over to the services: address, title, text."""
    found: list[tuple[str, str, str]] = []

    class Apprise:
        def __init__(self, asset: Any = None) -> None:
            self.address = ""

        def add(self, address: str) -> bool:
            self.address = address
            return True

        def notify(self, body: str, title: str) -> bool:
            found.append((self.address, title, body))
            return True

    monkeypatch.setattr("apprise.Apprise", Apprise)
    return found


OFFERED = {"push": "ntfys://push.example.org/{address}?id={key}", "board": "jsons://board.example.org/room"}


@override_settings(MESSAGE_CHANNELS=OFFERED)
def test_further_channels_carry_the_same(clinic: Clinic, pushes: list[tuple[str, str, str]]) -> None:
    person = clinic.people["dietitian"]
    wishes = Wishes(by_email=False, channels={"push": "me@ward", "board": ""})
    preferences.save(person, wishes, offered=OFFERED)
    sweep()
    key = digest_key(person.pk, "push", "2024-02-05")
    assert sorted(pushes) == [
        ("jsons://board.example.org/room", "Harbour Clinic: 1 item waits for you", pushes[0][2]),
        (f"ntfys://push.example.org/me%40ward?id={key}", "Harbour Clinic: 1 item waits for you",
         pushes[0][2]),
    ]  # fmt: skip
    assert sent_to(clinic, "dietitian") == []


@override_settings(MESSAGE_CHANNELS={})
def test_a_channel_that_the_operator_took_away_gets_nothing_new(
    clinic: Clinic, pushes: list[tuple[str, str, str]]
) -> None:
    PersonalChannel.objects.create(person=clinic.people["dietitian"], channel="push", address="me")
    sweep()
    assert pushes == []
    assert not Delivery.objects.filter(channel="push").exists()
    assert not MessageSettings.objects.exists()


def test_laying_out_costs_the_same_for_one_patient_and_for_many(
    loaded: None, django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        person_clinic = builders.clinic()
        User.objects.filter(memberships__site=person_clinic.site).update(email=f"p{number}@clinic.example")
    with django_assert_max_num_queries(60):
        flow.deliver(at=DUE)  # nothing yet
    flow.remind(at=DUE)
    assert Reminder.objects.count() > 20
    with django_assert_max_num_queries(45):
        flow.deliver(at=DUE)
    assert Dispatch.objects.count() > 10
