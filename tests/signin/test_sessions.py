"""Sessions end: after a pause, after a working day, with the account, with the password, and when somebody says so."""

from __future__ import annotations

import time

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from pathway.models import AuditEvent, User
from tests.signin.doing import PASSWORD, events, gets_in, signed_in

MINUTE, HOUR = 60, 3600
NEW = "several calm words together"


@pytest.fixture
def clock() -> time_machine.Coordinates:
    with time_machine.travel(time.time(), tick=False) as traveller:
        yield traveller


def test_a_pause_of_a_quarter_of_an_hour_ends_it(eve: User, clock: time_machine.Coordinates) -> None:
    client = signed_in(eve)
    clock.shift(14 * MINUTE)
    assert gets_in(client)
    clock.shift(14 * MINUTE)
    assert gets_in(client)  # each click counts
    clock.shift(15 * MINUTE)
    assert client.get("/inbox/?before=7").headers["Location"] == "/sign-in/?next=/inbox/%3Fbefore%3D7"
    assert AuditEvent.objects.get(action="session.ended").reason == "idle"
    assert not Session.objects.exists()


def test_a_page_that_asks_by_itself_does_not_keep_it_alive(eve: User, clock: time_machine.Coordinates) -> None:
    client = signed_in(eve)
    poll = {"HX-Request": "true", "HX-Poll": "1", "HX-Current-URL": "http://testserver/patients/?x=1"}
    for _ in range(14):
        clock.shift(MINUTE)
        assert client.get("/inbox/", headers=poll).status_code == 200
    clock.shift(2 * MINUTE)
    answer = client.get("/inbox/", headers=poll)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/sign-in/?next=/patients/%3Fx%3D1")
    assert answer.content == b""


def test_a_working_day_ends_it_whatever_somebody_does(eve: User, clock: time_machine.Coordinates) -> None:
    client = signed_in(eve)
    for _ in range(71):
        clock.shift(10 * MINUTE)
        assert gets_in(client)
    clock.shift(10 * MINUTE)
    assert not gets_in(client)
    assert AuditEvent.objects.get(action="session.ended").reason == "absolute"


def test_after_the_sign_in_people_come_back_to_where_they_were(eve: User) -> None:
    client = Client()
    there = client.get("/inbox/?before=7").headers["Location"]
    answer = client.post(there, {"username": eve.username, "password": PASSWORD, "next": "/inbox/?before=7"})
    assert answer.headers["Location"] == "/inbox/?before=7"


@pytest.mark.parametrize("away", ["https://evil.test/", "//evil.test/", "http://localhost/", "javascript:alert(1)"])
def test_nobody_is_led_away_by_the_sign_in(eve: User, away: str) -> None:
    answer = Client().post(reverse("login"), {"username": eve.username, "password": PASSWORD, "next": away})
    assert answer.headers["Location"] == "/"


def test_signing_in_gives_a_new_session(eve: User) -> None:
    client = Client()
    session = client.session
    session["planted"] = "x"
    session.save()
    planted = session.session_key
    client.post(reverse("login"), {"username": eve.username, "password": PASSWORD})
    assert client.session.session_key != planted and not Session.objects.filter(session_key=planted).exists()


def test_a_disabled_account_is_out_at_once_and_stays_out_when_it_is_enabled_again(eve: User) -> None:
    client = signed_in(eve)
    stale = User.objects.get(pk=eve.pk)
    User.objects.filter(pk=eve.pk).update(is_active=False)
    assert not gets_in(client)
    old = signed_in_cookie(client)
    User.objects.filter(pk=eve.pk).update(is_active=True)
    assert not gets_in(old)
    stale.first_name = "Eva"
    stale.save()  # read before: it does not bring the sessions back
    assert not gets_in(old) and gets_in(signed_in(eve))


def signed_in_cookie(client: Client) -> Client:
    copy = Client()
    copy.cookies.update(client.cookies)
    return copy


def test_enabling_again_revives_no_session_that_was_never_used_meanwhile(eve: User) -> None:
    client = signed_in(eve)
    User.objects.filter(pk=eve.pk).update(is_active=False)
    User.objects.filter(pk=eve.pk).update(is_active=True)
    assert not gets_in(client)


def test_a_changed_password_ends_the_others_and_not_this_one(eve: User) -> None:
    here, elsewhere = signed_in(eve), signed_in(eve)
    form = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert here.post(reverse("account_change_password"), form).headers["Location"] == "/account/"
    assert gets_in(here) and not gets_in(elsewhere)
    assert "password.changed" in events(eve)
    assert mail.outbox[-1].to == ["eve@clinic.test"] and "password was changed" in mail.outbox[-1].body


def test_one_sees_and_ends_ones_own_sessions_only(eve: User, ada: User) -> None:
    here, elsewhere, other = signed_in(eve), signed_in(eve), signed_in(ada)
    page = here.get(reverse("account-sessions")).content.decode()
    assert page.count("127.0.0.1") == 2 and page.count("this one") == 1
    of_other = ada.usersession_set.get().pk
    assert here.post(reverse("account-end-session", args=[of_other])).status_code == 404
    assert other.get(reverse("mfa_index")).status_code == 200
    mine = eve.usersession_set.exclude(session_key=here.session.session_key).get().pk
    here.post(reverse("account-end-session", args=[mine]))
    assert gets_in(here) and not gets_in(elsewhere)


def test_all_others_are_ended_by_one_button(eve: User) -> None:
    here, elsewhere = signed_in(eve), signed_in(eve)
    here.post(reverse("account-end-others"))
    assert gets_in(here) and not gets_in(elsewhere)
    assert here.get(reverse("account-sessions")).content.decode().count("127.0.0.1") == 1


def test_a_command_ends_those_of_one_or_of_everybody(eve: User, ada: User) -> None:
    one, two = signed_in(eve), signed_in(ada)
    call_command("end_sessions", eve.username)
    assert not gets_in(one) and two.get(reverse("mfa_index")).status_code == 200
    call_command("end_sessions", "--everybody")
    assert two.get(reverse("mfa_index")).status_code == 302
    for wrong in ([], ["nobody"], [eve.username, "--everybody"]):
        with pytest.raises(CommandError):
            call_command("end_sessions", *wrong)


def test_signing_out_clears_the_browser_and_goes_on_record(eve: User) -> None:
    client = signed_in(eve)
    old = signed_in_cookie(client)
    answer = client.post(reverse("logout"))
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not gets_in(old) and events(eve)[-1] == "signed-out"


def test_my_account_says_how_it_is_protected(eve: User) -> None:
    page = signed_in(eve).get(reverse("account")).content.decode()
    assert "None yet." in page and eve.username in page and "One session" in page
    assert f'href="{reverse("account")}"' in page
