"""Passwords: long, not common, chosen by the person, set anew by a link that lets nobody in by itself."""

from __future__ import annotations

import re
import time

import pytest
import time_machine
from django.contrib.auth import password_validation
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from pathway import office
from pathway.models import Site, User
from pathway.vocabulary import Role
from tests import builders
from tests.signin.doing import PASSWORD, events, gets_in, set_up_app, sign_in, signed_in

NEW = "several calm words together"


@pytest.mark.parametrize(
    "good", [NEW, "x7Gq-pLm2-vR9t", "brown lamp over water", "ü" * 6 + "mlaut-wort", "ab cd ef gh " * 20]
)
def test_long_passwords_of_any_kind_are_taken(good: str) -> None:
    password_validation.validate_password(good, User(username="ada"))


@pytest.mark.parametrize(
    "bad",
    [
        "short-one-1",
        "password1234",
        "Password!!!2026",
        "1q2w3e4r5t6y",
        "qwertyuiop12",
        "pathway20262026",
        "letmeinletmein",
    ],
)
def test_short_and_common_ones_are_not(bad: str) -> None:
    with pytest.raises(ValidationError):
        password_validation.validate_password(bad, User(username="ada"))


def test_the_own_name_is_no_password() -> None:
    with pytest.raises(ValidationError):
        password_validation.validate_password("ada-lovelace1", User(username="ada-lovelace"))


def test_a_password_that_somebody_gave_is_changed_first(easy: Site) -> None:
    ada = office.create_admin("ada", "a long first word", site=easy.slug, role="neurologist")
    client = Client()
    sign_in(client, ada, "a long first word")
    assert client.get("/").headers["Location"] == reverse("account_change_password")
    assert client.get("/admin/").headers["Location"] == reverse("account_change_password")
    form = {"oldpassword": "a long first word", "password1": NEW, "password2": NEW}
    client.post(reverse("account_change_password"), form)
    assert gets_in(client)
    ada.refresh_from_db()
    assert not ada.must_change_password


def test_what_an_administrator_sets_is_changed_too(eve: User) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    client = signed_in(root)
    form = {"username": "new", "usable_password": "true", "password1": NEW, "password2": NEW}
    client.post("/admin/pathway/user/add/", {**form, **_no_memberships()})
    assert User.objects.get(username="new").must_change_password
    client.post(
        f"/admin/pathway/user/{eve.pk}/password/", {"usable_password": "true", "password1": NEW, "password2": NEW}
    )
    eve.refresh_from_db()
    assert eve.must_change_password and eve.check_password(NEW)


def ask(address: str) -> bytes:
    return Client().post(reverse("account_reset_password"), {"email": address}, follow=True).content


def link() -> str:
    found = re.search(r"http://testserver(/password/\S+/)", mail.outbox[-1].body)
    assert found is not None
    return found[1]


def choose(client: Client, address: str, password: str = NEW) -> int:
    form = client.get(address, follow=True)
    if b"does not work any more" in form.content:
        return 0
    there = form.redirect_chain[-1][0] if form.redirect_chain else address
    return client.post(there, {"password1": password, "password2": password}).status_code


def test_who_asks_learns_nothing(eve: User) -> None:
    known, unknown = ask("eve@clinic.test"), ask("nobody@clinic.test")
    strip = re.compile(rb"<body[^>]*>|csrf\S+|nonce\S+")
    assert strip.sub(b"", known) == strip.sub(b"", unknown)
    assert [one.to for one in mail.outbox] == [["eve@clinic.test"]]
    assert "password.reset-asked" in events(eve)


def test_the_link_works_once_ends_sessions_and_signs_nobody_in(eve: User) -> None:
    before = signed_in(eve)
    ask("eve@clinic.test")
    address, client = link(), Client()
    assert choose(client, address) == 302
    assert not gets_in(client) and not gets_in(before)
    assert choose(Client(), address) == 0
    fresh = Client()
    sign_in(fresh, eve, NEW)
    assert gets_in(fresh)


def test_the_link_does_not_stand_in_for_the_second_factor(ada: User) -> None:
    set_up_app(signed_in(ada))
    ask("ada@clinic.test")
    assert choose(Client(), link()) == 302
    client = Client()
    assert sign_in(client, ada, NEW).headers["Location"] == reverse("mfa_authenticate")
    assert not gets_in(client)


def test_the_link_grows_old(eve: User) -> None:
    ask("eve@clinic.test")
    with time_machine.travel(time.time() + 61 * 60):
        assert choose(Client(), link()) == 0


def test_the_link_takes_no_weak_password(eve: User) -> None:
    ask("eve@clinic.test")
    assert choose(Client(), link(), "password1234") == 200
    eve.refresh_from_db()
    assert eve.check_password(PASSWORD)


def test_no_link_for_programs_the_disabled_and_who_signs_in_elsewhere(easy: Site) -> None:
    builders.user(easy, Role.DIETITIAN, email="a@clinic.test", is_service=True)
    builders.user(easy, Role.DIETITIAN, email="b@clinic.test", is_active=False)
    elsewhere = builders.user(easy, Role.DIETITIAN, email="c@clinic.test")
    elsewhere.set_unusable_password()
    elsewhere.save()
    for address in ("a@clinic.test", "b@clinic.test", "c@clinic.test"):
        ask(address)
    assert mail.outbox == []


def test_asking_for_links_is_throttled(eve: User) -> None:
    for _ in range(5):
        ask("eve@clinic.test")
    assert len(mail.outbox) == 3


def test_nobody_signs_up(easy: Site) -> None:
    for address in ("/signup/", "/accounts/signup/", "/sign-up/"):
        assert Client().post(address).status_code in (302, 404)
    assert Client().get("/account/email/").status_code in (302, 404)


def test_the_administration_has_no_sign_in_of_its_own(eve: User) -> None:
    assert Client().get("/admin/login/?next=/admin/").headers["Location"] == "/sign-in/?next=%2Fadmin%2F"
    root = User.objects.create_superuser("root", password=PASSWORD)
    answer = Client().post("/admin/login/", {"username": root.username, "password": PASSWORD})
    assert answer.headers["Location"].startswith("/sign-in/") and "sessionid" not in answer.cookies
    client = signed_in(eve)
    assert client.get("/admin/", follow=True).status_code == 404
    assert client.get("/admin/password_change/").headers["Location"] == reverse("account_change_password")


def test_the_administration_hands_out_no_factors_sessions_or_providers(easy: Site) -> None:
    client = signed_in(User.objects.create_superuser("root", password=PASSWORD))
    listed = client.get("/admin/").content.decode()
    assert "/admin/pathway/user/" in listed
    for app in ("mfa", "account", "socialaccount", "usersessions"):
        assert f"/admin/{app}/" not in listed
    assert client.get("/admin/mfa/authenticator/").status_code == 404


def test_tidying_leaves_what_counts(eve: User) -> None:
    client = signed_in(eve)
    call_command("tidy_sign_in")
    assert gets_in(client)


def _no_memberships() -> dict[str, str]:
    return {f"memberships-{name}_FORMS": "0" for name in ("TOTAL", "INITIAL")}
