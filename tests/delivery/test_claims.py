"""Claims: nothing is lost when a process dies or freezes, and nobody settles what is not theirs any more."""

from __future__ import annotations

import time
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import override_settings

from pathway import clock, flow, office
from pathway.delivery import outbox, transports
from pathway.delivery.outbox import Claim
from pathway.delivery.parcels import Undelivered
from pathway.models import AuditEvent, CareTask, Delivery, Dispatch, OutboxHold
from pathway.selectors import invariants, undelivered
from pathway.selectors.preferences import Wishes
from pathway.services import preferences
from tests import builders
from tests.builders import Clinic

MINUTE = timedelta(minutes=1)
DUE = builders.at(28)
LATER = DUE + 2 * MINUTE


@pytest.fixture
def waiting(clinic: Clinic) -> Dispatch:
    """One digest that may leave at `LATER`."""
    others = [person for role, person in clinic.people.items() if role != "dietitian"]
    for person in others:
        preferences.save(person, Wishes(by_email=False), offered={})
    flow.sweep(at=DUE, trigger="test")
    return Dispatch.objects.get(status="queued")


def claim_one(at: Any = LATER) -> Claim:
    _taken, (one,) = outbox.claim(at=at)
    return one


def send(one: Claim, at: Any) -> bool:
    return outbox.send(one, at=at, begun=time.monotonic())


def delivery_of(dispatch: Dispatch) -> Delivery:
    return Delivery.objects.get(dispatch=dispatch)


def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(waiting: Dispatch) -> None:
    one = claim_one()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempts, waiting.is_open) == ("in-flight", 1, False)
    assert waiting.lease_until == LATER + outbox.LEASE
    assert outbox.claim(at=LATER + outbox.LEASE - timedelta(seconds=1)) == (0, [])
    again = claim_one(LATER + outbox.LEASE)
    assert again.token != one.token
    assert again.parcel.key == one.parcel.key


def test_nothing_is_marked_as_sent_before_it_was(waiting: Dispatch, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str]] = []

    def hand_over(channel: str, parcel: object) -> None:
        waiting.refresh_from_db()
        seen.append((waiting.status, delivery_of(waiting).status))

    monkeypatch.setattr(transports, "hand_over", hand_over)
    flow.deliver(at=LATER)
    assert seen == [("in-flight", "queued")]
    waiting.refresh_from_db()
    assert (waiting.status, delivery_of(waiting).status) == ("sent", "sent")
    assert waiting.items == 1


def test_who_dies_between_sending_and_settling_is_followed_by_a_repeat_under_the_same_key(waiting: Dispatch) -> None:
    dead = claim_one()
    transports.hand_over(dead.channel, dead.parcel)  # and is never heard of again
    assert len(mail.outbox) == 1
    flow.deliver(at=LATER + MINUTE / 2)
    assert len(mail.outbox) == 1, "while the lease lasts, it may still be at it"
    flow.deliver(at=LATER + 2 * MINUTE)
    first, second = mail.outbox
    assert first.extra_headers["Message-ID"] == second.extra_headers["Message-ID"]
    assert (first.subject, first.body) == (second.subject, second.body)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempts) == ("sent", 2)


def test_who_was_frozen_settles_nothing_over_another(waiting: Dispatch) -> None:
    frozen = claim_one()
    other = claim_one(LATER + 2 * MINUTE)
    assert not outbox.settle(frozen, at=LATER + 3 * MINUTE)
    outbox.settle_failure(frozen, Undelivered(), at=LATER + 3 * MINUTE)
    outbox.give_back(frozen)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.lease_token, waiting.attempts) == ("in-flight", other.token, 2)
    assert (waiting.last_error, delivery_of(waiting).status) == ("", "queued")
    assert outbox.settle(other, at=LATER + 3 * MINUTE)
    sent_at = Dispatch.objects.get().sent_at
    assert not outbox.settle(frozen, at=LATER + 4 * MINUTE)
    assert Dispatch.objects.get().sent_at == sent_at == LATER + 3 * MINUTE


def test_who_wakes_up_when_the_lease_is_nearly_over_does_not_begin_to_send(waiting: Dispatch) -> None:
    one = claim_one()
    asleep = time.monotonic() - (outbox.LEASE - outbox.MARGIN).total_seconds() - 1
    assert not outbox.send(one, at=LATER, begun=asleep)
    assert mail.outbox == []
    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempts, waiting.lease_token) == ("queued", 0, None)
    flow.deliver(at=LATER)
    assert len(mail.outbox) == 1


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The way out is blocked; the list has what it would say of itself."""
    said: list[str] = []

    def hand_over(channel: str, parcel: Any) -> None:
        said.append(f"no such user {parcel.address}")
        raise ConnectionRefusedError(said[-1])

    monkeypatch.setattr(transports, "hand_over", hand_over)
    return said


def test_failures_pause_longer_and_longer_and_end_after_twelve(
    waiting: Dispatch, broken: list[str], clinic: Clinic, caplog: pytest.LogCaptureFixture
) -> None:
    at, pauses = LATER, []
    for attempt in range(1, 12):
        flow.deliver(at=at)
        waiting.refresh_from_db()
        assert (waiting.status, waiting.attempts, waiting.last_error) == ("queued", attempt, "ConnectionRefusedError")
        pauses.append((waiting.next_at - at).total_seconds())
        flow.deliver(at=at)
        assert len(broken) == attempt, "not before its time"
        at = waiting.next_at
    assert pauses == pytest.approx([0.2 * 2**n for n in range(1, 12)], abs=0.5)
    flow.deliver(at=at)
    waiting.refresh_from_db()
    assert (waiting.status, waiting.attempts, waiting.reason) == ("failed", 12, "ConnectionRefusedError")
    assert (delivery_of(waiting).status, delivery_of(waiting).reason) == ("failed", "ConnectionRefusedError")
    flow.deliver(at=at + timedelta(days=1))
    assert len(broken) == 12
    (failed,) = undelivered.failed_deliveries(clinic.site)
    assert (failed.who, failed.channel, failed.error, failed.items) == (
        clinic.people["dietitian"].display_name, "email", "ConnectionRefusedError", 1,
    )  # fmt: skip
    assert "clinic.example" not in caplog.text
    assert clinic.task("dietitian-review").status == "open"
    assert Delivery.objects.get(channel="inbox", person=clinic.people["dietitian"]).status == "sent"
    assert list(invariants.violations(at)) == []


def test_pauses_end_at_an_hour() -> None:
    assert outbox.pause(1) == timedelta(seconds=0.4)
    assert outbox.pause(40) == timedelta(hours=1)


def test_a_message_that_kills_whoever_sends_it_ends_too(waiting: Dispatch) -> None:
    at = LATER
    for _ in range(12):
        claim_one(at)
        at += 2 * MINUTE
    assert outbox.claim(at=at) == (1, [])
    waiting.refresh_from_db()
    assert (waiting.status, waiting.last_error, delivery_of(waiting).status) == ("failed", "LeaseExpired", "failed")
    assert outbox.claim(at=at) == (0, [])


def test_a_digest_that_was_begun_takes_in_nothing_more(waiting: Dispatch, broken: list[str], clinic: Clinic) -> None:
    flow.deliver(at=LATER)
    task = clinic.task("dietitian-review")
    type(task).objects.filter(pk=task.pk).update(next_rung_at=LATER, due_on=builders.on(42))
    flow.sweep(at=LATER + MINUTE / 2, trigger="test")
    fresh = Dispatch.objects.get(is_open=True)
    assert fresh.day > waiting.day
    assert waiting.deliveries.count() == 1


def test_what_failed_is_tried_again_when_an_operator_says_so(
    waiting: Dispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    Dispatch.objects.update(status="failed", attempts=12, is_open=False, reason="gaierror", last_error="gaierror")
    Delivery.objects.filter(dispatch=waiting).update(status="failed", reason="gaierror")
    assert office.retry_outbox(at=LATER, run_by="op") == 1
    flow.deliver(at=LATER)
    (message,) = mail.outbox
    assert str(waiting.key) in message.extra_headers["Message-ID"]
    assert delivery_of(waiting).status == "sent"
    assert office.retry_outbox(at=LATER, run_by="op") == 0


def run(*words: str) -> str:
    output = StringIO()
    call_command("outbox", *words, stdout=output)
    return output.getvalue()


def test_while_the_outbox_is_held_inboxes_fill_and_nothing_leaves(clinic: Clinic) -> None:
    with clock.simulated(DUE):
        said = run("hold", "--reason", "restored from a backup")
    assert "Everything is held since 2024-02-05 09:00 UTC" in said and "restored from a backup" in said
    flow.sweep(at=builders.at(56), trigger="test")
    flow.deliver(at=builders.at(56) + 2 * MINUTE)
    assert mail.outbox == []
    assert Delivery.objects.filter(channel="inbox", status="sent").exists()
    assert "Nothing is held" not in run("status")
    assert run("release").startswith("Released.")
    assert run("release").startswith("Nothing was held.")
    flow.deliver(at=builders.at(57))
    assert len(mail.outbox) > 0
    actions = AuditEvent.objects.filter(action__startswith="outbox.").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["outbox.held", "outbox.released"]


@override_settings(SINGLE_MESSAGES_PER_HOUR=2)
def test_when_a_long_hold_ends_nobody_gets_more_single_messages_than_in_any_other_hour(clinic: Clinic) -> None:
    run("hold", "--reason", "restored")
    neurologist = clinic.people["neurologist"]
    tasks = [task.pk for task in clinic.tasks(due_on=builders.on(28))]
    assert len(tasks) > 4
    for hour, task in enumerate(tasks[:4]):
        CareTask.objects.exclude(pk=task).update(next_rung_at=None)
        at = builders.at(56, hour=9 + 2 * hour)
        CareTask.objects.filter(pk=task).update(next_rung_at=at)
        flow.sweep(at=at, trigger="test")
    assert Delivery.objects.filter(person=neurologist, channel="email", urgency=1).count() == 4
    assert Dispatch.objects.filter(person=neurologist, kind="single").count() == 2
    run("release")
    end = builders.at(56, hour=18)
    flow.deliver(at=end)
    CareTask.objects.filter(pk=tasks[4]).update(next_rung_at=end)
    flow.sweep(at=end + MINUTE, trigger="test")
    assert Dispatch.objects.filter(person=neurologist, kind="single", status="sent").count() == 2


def test_a_hold_of_one_site_lets_the_others_go_on(clinic: Clinic) -> None:
    other = builders.site()
    run("hold", "--site", other.slug, "--reason", "move")
    flow.sweep(at=DUE, trigger="test")
    flow.deliver(at=LATER)
    assert len(mail.outbox) > 0
    mail.outbox.clear()
    run("hold", "--site", clinic.site.slug, "--reason", "move")
    run("hold", "--site", clinic.site.slug, "--reason", "asked twice")
    assert OutboxHold.objects.count() == 2
    flow.sweep(at=builders.at(56), trigger="test")
    assert mail.outbox == []


@pytest.mark.django_db
def test_the_command_refuses_what_it_does_not_understand() -> None:
    with pytest.raises(CommandError, match="--reason"):
        run("hold")
    with pytest.raises(CommandError, match="no site"):
        run("hold", "--site", "nowhere", "--reason", "x")


def test_days_of_a_hold_end_in_one_digest(clinic: Clinic) -> None:
    run("hold", "--reason", "restored")
    for day in (28, 29, 42, 43):
        flow.sweep(at=builders.at(day), trigger="test")
    run("release")
    flow.deliver(at=builders.at(43) + 2 * MINUTE)
    addressees = [one.to[0] for one in mail.outbox if not one.subject.startswith("Urgent")]
    assert len(addressees) == len(set(addressees)) > 0


@override_settings(MESSAGE_CHANNELS={})
def test_rows_that_were_restored_without_their_messages_do_not_send_again(waiting: Dispatch) -> None:
    """A delivery that is laid out anew under a key that left already is what that one became."""
    flow.deliver(at=LATER)
    assert len(mail.outbox) == 1
    Delivery.objects.filter(dispatch=waiting).update(status="queued", dispatch=None, sent_at=None)
    Dispatch.objects.filter(pk=waiting.pk).update(kind="single", key=Delivery.objects.get(channel="email").key)
    Delivery.objects.filter(channel="email").update(urgency=1)
    flow.deliver(at=LATER + MINUTE)
    assert len(mail.outbox) == 1
    assert delivery_of(waiting).status == "sent"
