"""A second factor is asked of everybody whose site wants one, at every door."""

from __future__ import annotations

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client, override_settings
from django.urls import reverse

from pathway.models import Membership, Site, User
from pathway.signin import authenticators, enrolling
from pathway.vocabulary import Role
from tests import builders
from tests.signin.doing import PASSWORD, code_of, confirm, events, gets_in, set_up_app, sign_in, signed_in


def test_a_new_site_requires_it(strict: Site) -> None:
    assert Site.objects.create(slug="new", name="New").requires_mfa


def test_who_has_none_is_led_to_set_one_up_and_reaches_nothing_else(ada: User) -> None:
    client = signed_in(ada)
    for address in ("/", "/patients/", "/inbox/", "/account/", "/account/sessions/", "/account/password/", "/admin/"):
        assert client.get(address).headers["Location"] == reverse("mfa_index"), address
        assert client.post(address).headers["Location"] == reverse("mfa_index"), address
    part = client.get("/", headers={"HX-Request": "true"})
    assert (part.status_code, part.headers["HX-Redirect"]) == (403, reverse("mfa_index"))
    assert client.get(reverse("mfa_index")).status_code == 200
    assert client.get("/livez").status_code == 200
    set_up_app(client)
    assert gets_in(client)


def test_who_has_none_may_still_leave(ada: User) -> None:
    client = signed_in(ada)
    assert client.post(reverse("logout")).headers["Location"] == "/"
    assert client.get("/").headers["Location"].startswith(reverse("login"))


def test_where_the_site_wants_none_one_step_is_enough(eve: User) -> None:
    assert gets_in(signed_in(eve))


def test_one_site_that_requires_it_is_enough_and_an_ended_role_is_none(eve: User, strict: Site) -> None:
    row = Membership.objects.create(user=eve, site=strict, role=Role.DIETITIAN)
    client = signed_in(eve)
    assert not gets_in(client)
    Membership.objects.filter(pk=row.pk).update(is_active=False)
    assert gets_in(client)  # asked anew at each request


@override_settings(STAFF_REQUIRES_MFA=True)
def test_the_administration_requires_it_of_staff_without_a_role(easy: Site) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    client = signed_in(root)
    assert client.get("/admin/").headers["Location"] == reverse("mfa_index")
    set_up_app(client)
    assert client.get("/admin/").status_code == 200


def test_recovery_codes_alone_are_no_second_factor(ada: User) -> None:
    Authenticator.objects.create(user=ada, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert enrolling.is_missing(ada)


def test_with_one_the_password_alone_opens_nothing(ada: User) -> None:
    secret = set_up_app(signed_in(ada))
    client = Client()
    assert sign_in(client, ada).headers["Location"] == reverse("mfa_authenticate")
    assert client.get("/").headers["Location"].startswith(reverse("login"))
    key = client.session.session_key
    done = client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert done.headers["Location"] == "/"
    assert gets_in(client) and client.session.session_key != key
    assert events(ada)[-2:] == ["signed-in", "worklist.read"]


def test_a_code_works_once(ada: User) -> None:
    secret = set_up_app(signed_in(ada))
    code = code_of(secret)
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client, ada)
        client.post(reverse("mfa_authenticate"), {"code": code})
    assert gets_in(first) and not gets_in(second)
    assert "sign-in.code-failed" in events(ada)


def test_the_code_that_activated_an_app_is_used_up(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "clear", lambda: None)
    secret = set_up_app(signed_in(ada))
    client = Client()
    sign_in(client, ada)
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert not gets_in(client)


def test_codes_are_throttled_also_the_right_one(ada: User) -> None:
    secret = set_up_app(signed_in(ada))
    client = Client()
    sign_in(client, ada)
    for _ in range(5):
        client.post(reverse("mfa_authenticate"), {"code": "000000"})
    answer = client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert b"Too many attempts" in answer.content and not gets_in(client)


def test_a_recovery_code_works_once_and_codes_are_shown_once(ada: User) -> None:
    client = signed_in(ada)
    set_up_app(client)
    page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    codes = re.findall(r"<code>(\d{12})</code>", page)
    assert len(codes) == 10
    assert codes[0] not in client.get(reverse("mfa_view_recovery_codes")).content.decode()
    first, second = Client(), Client()
    for other in (first, second):
        sign_in(other, ada)
        other.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert gets_in(first) and not gets_in(second)


def test_secrets_are_sealed_in_the_database_and_survive_a_new_key(ada: User) -> None:
    secret = set_up_app(signed_in(ada))
    rows = Authenticator.objects.filter(user=ada)
    assert rows.count() == 2 and all(secret not in str(row.data) for row in rows)
    app = rows.get(type="totp")
    old = authenticators.AuthenticatorAdapter()
    assert old.decrypt(app.data["secret"]) == secret
    with override_settings(SECRET_KEY="k" * 60, SECRET_KEY_FALLBACKS=["only-for-tests-" + "x" * 50]):
        call_command("reseal_factors")
    app.refresh_from_db()
    with override_settings(SECRET_KEY="k" * 60, SECRET_KEY_FALLBACKS=[]):
        assert old.decrypt(app.data["secret"]) == secret


def test_setting_one_up_takes_the_password_again(ada: User) -> None:
    client = signed_in(ada)
    answer = client.get(reverse("mfa_activate_totp"))
    assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert confirm(client, "wrong").status_code == 200
    assert client.get(reverse("mfa_activate_totp")).status_code == 302
    confirm(client)
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


def test_removing_one_takes_a_code_and_not_the_password(ada: User) -> None:
    client = Client()
    secret = set_up_app(signed_in(ada))
    sign_in(client, ada)
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    cache.clear()
    answer = client.post(reverse("mfa_deactivate_totp"))
    assert answer.headers["Location"].startswith(reverse("mfa_reauthenticate"))
    assert client.get(reverse("account_reauthenticate")).headers["Location"] == reverse("mfa_reauthenticate")
    confirm(client)  # the password again
    client.post(reverse("mfa_deactivate_totp"))
    assert Authenticator.objects.filter(user=ada, type="totp").exists()
    client.post(reverse("mfa_reauthenticate"), {"code": code_of(secret)})
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.filter(user=ada).exists()
    assert not gets_in(client)  # and has to set up another one


def test_a_new_one_ends_other_sessions_goes_on_record_and_is_told_by_mail(ada: User) -> None:
    elsewhere, here = signed_in(ada), signed_in(ada)
    mail.outbox.clear()
    set_up_app(here)
    assert gets_in(here)
    assert elsewhere.get(reverse("mfa_index")).headers["Location"].startswith(reverse("login"))
    assert "authenticator.added" in events(ada)
    assert [(one.to, "authenticator app was added" in one.body) for one in mail.outbox] == [(["ada@clinic.test"], True)]


def test_who_lost_everything_is_helped_by_a_command(ada: User) -> None:
    client = signed_in(ada)
    set_up_app(client)
    call_command("reset_factors", ada.username)
    assert not gets_in(client) and enrolling.is_missing(ada)
    assert events(ada)[-1] == "authenticator.removed"


def test_the_pages_of_keys_carry_no_script_of_their_own(ada: User) -> None:
    client = signed_in(ada)
    confirm(client)
    pages = [
        client.get(reverse(name)).content.decode() for name in ("mfa_add_webauthn", "mfa_list_webauthn", "mfa_index")
    ]
    pages.append(Client().get(reverse("login")).content.decode())
    for page in pages:
        for script in re.findall(r"<script[^>]*>", page):
            assert " src=" in script or 'type="application/json"' in script, script
        assert " style=" not in page and " on" + "click=" not in page
    assert "challenge" in pages[0]


def test_a_key_without_a_credential_is_not_added(ada: User) -> None:
    client = signed_in(ada)
    confirm(client)
    answer = client.post(reverse("mfa_add_webauthn"), {"name": "mine", "credential": "{}"})
    assert answer.status_code == 200
    assert not Authenticator.objects.filter(user=ada).exists()


def test_demo_sites_want_none(loaded: None) -> None:
    plain = builders.user(builders.site(requires_mfa=False, is_demo=True), Role.DIETITIAN)
    assert not enrolling.is_required(plain)
