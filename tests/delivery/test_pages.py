"""The page of one's own messages, and the list of what did not arrive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client, override_settings
from django.urls import reverse

from pathway import actor, clock
from pathway.models import AuditEvent, Dispatch, MessageSettings, OutboxHold, PersonalChannel, User
from pathway.selectors import preferences
from tests import builders, walls
from tests.web import cast as people
from tests.web.cast import Cast, signed_in

OFFERED = {"push": "ntfys://push.example.org/{address}", "board": "jsons://board.example.org/room"}
PLAIN = {"by_email": "on", "digest_hour": "8"}


@pytest.fixture(autouse=True)
def served_as_the_web(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    serve = Client.request

    def as_web(client: Client, **request: Any) -> Any:
        with walls.role("pathway_web"):
            return serve(client, **request)

    monkeypatch.setattr(Client, "request", as_web)
    yield


@pytest.fixture
def cast(loaded: None) -> Cast:
    return people.assemble()


def save(user: User, **entries: str) -> Any:
    return signed_in(user).post(reverse("my-messages"), {**PLAIN, **entries})


@override_settings(MESSAGE_CHANNELS=OFFERED)
def test_everything_can_be_set_and_stands_there_again(cast: Cast) -> None:
    answer = save(
        cast.member, by_email="", digest_hour="17", quiet_from="20:00", quiet_until="06:30",
        absent_from="2030-01-02", absent_until="2030-01-09", deputy=str(cast.colleague.pk),
        **{"channel-push": "anna", "channel-board": "on"},
    )  # fmt: skip
    assert answer.status_code == 302
    wishes = preferences.present(cast.member)
    assert wishes.quiet == (time(20), time(6, 30))
    assert (wishes.by_email, wishes.digest_hour, wishes.deputy) == (False, 17, cast.colleague.pk)
    assert wishes.channels == {"push": "anna", "board": ""}
    page = signed_in(cast.member).get(reverse("my-messages")).content.decode()
    for value in ('value="anna"', 'value="20:00"', 'value="2030-01-09"', '<option value="17" selected'):
        assert value in page
    event = AuditEvent.objects.get(action="messages.set")
    assert event.after["channels"] == ["board", "push"]
    assert "anna" not in str(event.after)
    save(cast.member)
    assert not PersonalChannel.objects.exists()
    assert preferences.present(cast.member) == preferences.Wishes()


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ({"quiet_from": "20:00"}, "quiet_until"),
        ({"quiet_from": "20:00", "quiet_until": "20:00"}, "quiet_from"),
        ({"absent_from": "2030-01-02", "absent_until": "2030-01-01"}, "absent_until"),
        ({"absent_from": "2030-01-02", "absent_until": "2032-01-01"}, "absent_until"),
        ({"digest_hour": "24"}, "digest_hour"),
        ({"channel-push": "two words"}, "channel-push"),
        ({"channel-push": "../elsewhere"}, "channel-push"),
    ],
)
@override_settings(MESSAGE_CHANNELS=OFFERED)
def test_what_makes_no_sense_is_refused_at_its_field(cast: Cast, entries: dict[str, str], field: str) -> None:
    answer = save(cast.member, **entries)
    assert answer.status_code == 422
    assert f'href="#id_{field}"' in answer.content.decode()
    assert not MessageSettings.objects.exists()


def test_a_deputy_is_chosen_from_colleagues_alone_and_for_an_absence(cast: Cast) -> None:
    page = signed_in(cast.member).get(reverse("my-messages")).content.decode()
    assert f'value="{cast.colleague.pk}"' in page
    for other in (cast.dietitian, cast.stranger, cast.inactive_member, cast.admin):
        assert f'<option value="{other.pk}"' not in page
        answer = save(cast.member, absent_from="2030-01-02", absent_until="2030-01-03", deputy=str(other.pk))
        assert answer.status_code == 422
    assert save(cast.member, deputy=str(cast.colleague.pk)).status_code == 422


def test_nobody_reads_or_changes_what_another_has_set(cast: Cast) -> None:
    save(cast.member, digest_hour="17")
    with walls.role("pathway_web"), actor.acting(actor.person(cast.colleague.pk)), transaction.atomic():
        assert not MessageSettings.objects.exists()
        assert MessageSettings.objects.update(by_email=False) == 0
    with walls.role("pathway_web"), actor.acting(actor.person(cast.colleague.pk)):
        with pytest.raises(DatabaseError), transaction.atomic():
            PersonalChannel.objects.create(person=cast.member, channel="push", address="mine")
        with pytest.raises(DatabaseError), transaction.atomic():
            Dispatch.objects.update(status="sent")
        with pytest.raises(DatabaseError), transaction.atomic():
            OutboxHold.objects.create(held_at=clock.now(), held_by="me", reason="no")
    assert MessageSettings.objects.get().by_email


def failed(cast: Cast, person: User, **more: Any) -> Dispatch:
    now = clock.now()
    return Dispatch.objects.create(
        **{"person": person, "site": cast.site, "channel": "email", "kind": "digest", "day": now.date(),
           "key": "6f0b3d0a-6d5c-5a0e-9d4f-0c2b1f7d9a12", "status": "failed", "attempts": 12, "items": 3,
           "next_at": now, "created_at": now, "last_error": "SMTPRecipientsRefused", **more}
    )  # fmt: skip


def test_coordinators_see_what_did_not_arrive_at_their_site_and_nobody_else_does(cast: Cast) -> None:
    failed(cast, cast.dietitian)
    elsewhere = builders.site()
    failed(
        cast, cast.stranger, site=elsewhere, last_error="SSLError", key="6f0b3d0a-6d5c-5a0e-9d4f-0c2b1f7d9a13"
    )  # fmt: skip
    page = signed_in(cast.coordinator).get(reverse("undelivered")).content.decode()
    assert cast.dietitian.display_name in page and "SMTPRecipientsRefused" in page and "3 items" in page
    assert "SSLError" not in page
    assert "Example" not in page, "no patient is named"
    for other in (cast.member, cast.dietitian, cast.admin):
        assert signed_in(other).get(reverse("undelivered")).status_code == 403
    assert Client().get(reverse("undelivered")).status_code == 302


def test_the_way_to_the_page_is_in_the_account_and_in_the_inbox(cast: Cast) -> None:
    client = signed_in(cast.member)
    for name in ("account", "inbox"):
        assert reverse("my-messages") in client.get(reverse(name)).content.decode()
    assert reverse("undelivered") not in client.get(reverse("my-messages")).content.decode()
    assert reverse("undelivered") in signed_in(cast.coordinator).get(reverse("my-messages")).content.decode()
