"""Single sign-on: known by the subject of the token, placed by its claims, asked for a second factor like everybody."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import clear_url_caches, reverse

from config import single_sign_on
from config.environment import ConfigurationError, Environment
from pathway.models import AuditEvent, Membership, Site, User
from pathway.vocabulary import Role
from tests import builders
from tests.signin.doing import events, gets_in, set_up_app

SERVER, CLIENT = "https://id.clinic.test", "pathway-client"


class Answer:
    def __init__(self, told: dict[str, Any]) -> None:
        self.told, self.status_code, self.headers = told, 200, {"content-type": "application/json"}

    def json(self) -> dict[str, Any]:
        return self.told

    def raise_for_status(self) -> None:
        pass


class Provider:
    """Stands in for the server of the organisation: says what its token says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {"sub": "subject-1", "preferred_username": "ada", "groups": ["nurses"]}
        self.asked: list[dict[str, Any]] = []

    def __enter__(self) -> Provider:
        return self

    def __exit__(self, *args: object) -> None:
        pass

    def get(self, url: str, **more: Any) -> Answer:
        assert url == f"{SERVER}/.well-known/openid-configuration"
        ends = {name: f"{SERVER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")}
        return Answer({"issuer": SERVER, "jwks_uri": f"{SERVER}/keys", **ends})

    def request(self, method: str, url: str, data: Any = None, **more: Any) -> Answer:
        assert (method, url) == ("POST", f"{SERVER}/token_endpoint")
        self.asked.append(data)
        now = int(time.time())
        token = {"iss": SERVER, "aud": CLIENT, "iat": now, "exp": now + 60, **self.claims}
        return Answer({"access_token": "x", "token_type": "Bearer", "id_token": jwt.encode(token, "k" * 32)})

    def post(self, url: str, **more: Any) -> Answer:
        return self.request("POST", url, **more)


def configuration(site: Site, **more: str) -> single_sign_on.SingleSignOn:
    variables = {
        "PATHWAY_OIDC_SERVER": SERVER,
        "PATHWAY_OIDC_CLIENT_ID": CLIENT,
        "PATHWAY_OIDC_CLIENT_SECRET": "s3cret",
        "PATHWAY_OIDC_NAME": "Clinic ID",
        "PATHWAY_OIDC_ROLES": f"nurses=nurse-coordinator@{site.slug}, als=dietitian@{site.slug}, x=neurologist@nowhere",
        **more,
    }
    found = single_sign_on.read(Environment(variables))
    assert found is not None
    return found


@pytest.fixture
def provider(easy: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    stand_in = Provider()
    monkeypatch.setattr("pathway.signin.oidc.ClaimsAdapter.get_requests_session", lambda self: stand_in)
    found = configuration(easy)
    with override_settings(SINGLE_SIGN_ON=found, SOCIALACCOUNT_PROVIDERS=single_sign_on.providers(found)):
        _reload_urls()
        yield stand_in
    _reload_urls()


def _reload_urls() -> None:
    for name in ("pathway.signin.urls", settings.ROOT_URLCONF):
        importlib.reload(sys.modules[name])
    clear_url_caches()


def come(client: Client, **tampered: str) -> HttpResponse:
    """To the provider and back, as the browser goes."""
    away = client.get("/sso/?process=login")
    query = parse_qs(urlsplit(away.headers["Location"]).query)
    assert away.headers["Location"].startswith(f"{SERVER}/authorization_endpoint")
    assert query["code_challenge_method"] == ["S256"]
    return client.get("/sso/back/", {"code": "abc", "state": query["state"][0], **tampered})


def test_it_is_off_until_a_server_is_named(loaded: None) -> None:
    assert settings.SINGLE_SIGN_ON is None
    assert Client().get("/sso/").status_code in (302, 404)
    assert b"Sign in with" not in Client().get(reverse("login")).content


def test_the_sign_in_offers_it(provider: Provider) -> None:
    page = Client().get(reverse("login")).content.decode()
    assert "Sign in with Clinic ID" in page and "/sso/?process=login" in page


def test_the_first_time_makes_an_account_with_the_roles_of_the_claims(provider: Provider, easy: Site) -> None:
    client = Client()
    answer = come(client)
    assert answer.status_code == 302 and gets_in(client)
    ada = User.objects.get(username="ada")
    assert not ada.has_usable_password() and not ada.is_staff
    row = Membership.objects.get(user=ada)
    assert (row.site, row.role, row.from_claims, row.is_active) == (easy, Role.NURSE_COORDINATOR, True, True)
    assert {"user.created", "membership.claimed", "signed-in"} <= set(events(ada))


def test_the_subject_decides_and_never_the_name_or_the_address(provider: Provider, easy: Site) -> None:
    local = builders.user(easy, Role.NEUROLOGIST, username="ada", email="ada@clinic.test")
    provider.claims |= {"email": "ada@clinic.test", "email_verified": True}
    come(Client())
    made = SocialAccount.objects.get(uid="subject-1").user
    assert made.pk != local.pk and "signed-in" not in events(local)
    provider.claims |= {"preferred_username": "renamed"}
    client = Client()
    come(client)
    assert client.session["_auth_user_id"] == str(made.pk)


def test_roles_follow_the_claims_and_those_given_here_stay(provider: Provider, easy: Site) -> None:
    come(Client())
    ada = User.objects.get(username="ada")
    Membership.objects.create(user=ada, site=easy, role=Role.AUDITOR)
    Membership.objects.create(user=ada, site=easy, role=Role.DIETITIAN, is_active=False)  # taken away by a person
    provider.claims["groups"] = ["als", "x", 7, "unlisted"]
    come(Client())
    held = set(Membership.objects.filter(user=ada, is_active=True).values_list("role", flat=True))
    assert held == {Role.AUDITOR}
    assert "membership.withdrawn" in events(ada)
    provider.claims["groups"] = "nurses"  # one value, without a list
    come(Client())
    assert Membership.objects.get(user=ada, role=Role.NURSE_COORDINATOR).is_active


def test_who_has_no_role_does_not_get_in(provider: Provider) -> None:
    provider.claims["groups"] = []
    client = Client()
    assert come(client).status_code == 403 and not gets_in(client)
    assert not User.objects.exists()
    provider.claims["groups"] = ["nurses"]
    come(client)
    provider.claims["groups"] = []
    again = Client()
    assert come(again).status_code == 403 and not gets_in(again)


def test_the_second_factor_is_asked_for_here_too(provider: Provider, easy: Site) -> None:
    Site.objects.filter(pk=easy.pk).update(requires_mfa=True)
    client = Client()
    come(client)
    assert client.get("/").headers["Location"] == reverse("mfa_index")
    set_up_app(client)
    again = Client()
    assert come(again).headers["Location"] == reverse("mfa_authenticate") and not gets_in(again)


def test_a_disabled_account_does_not_get_in(provider: Provider) -> None:
    come(Client())
    User.objects.update(is_active=False)
    client = Client()
    come(client)
    assert not gets_in(client)
    assert AuditEvent.objects.filter(action="sign-in.failed", reason="disabled").exists()


@pytest.mark.parametrize("lie", [{"aud": "another"}, {"iss": "https://evil.test"}, {"exp": 1}])
def test_a_token_for_somebody_else_is_none(provider: Provider, lie: dict[str, Any]) -> None:
    provider.claims |= lie
    client = Client()
    come(client)
    assert not gets_in(client) and not User.objects.exists()


def test_a_return_that_nobody_asked_for_is_none(provider: Provider) -> None:
    client = Client()
    come(client, state="planted")
    assert not gets_in(client) and provider.asked == []


def test_nobody_joins_a_second_identity_to_an_account(provider: Provider, eve: User) -> None:
    client = Client()
    client.force_login(eve)
    away = client.get("/sso/?process=connect")
    state = parse_qs(urlsplit(away.headers["Location"]).query)["state"][0]
    client.get("/sso/back/", {"code": "abc", "state": state})
    assert not SocialAccount.objects.filter(user=eve).exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"PATHWAY_OIDC_SERVER": "http://id.clinic.test"},
        {"PATHWAY_OIDC_SERVER": "id.clinic.test"},
        {"PATHWAY_OIDC_CLIENT_ID": ""},
        {"PATHWAY_OIDC_CLIENT_SECRET": ""},
        {"PATHWAY_OIDC_ROLES": ""},
        {"PATHWAY_OIDC_ROLES": "nurses"},
        {"PATHWAY_OIDC_ROLES": "nurses=dietitian"},
    ],
)
def test_half_a_configuration_does_not_start(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="PATHWAY_OIDC_"):
        configuration(Site(slug="north"), **wrong)


def test_the_secret_comes_from_a_file_and_is_not_shown(tmp_path: Any) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    more = {"PATHWAY_OIDC_CLIENT_SECRET": "", "PATHWAY_OIDC_CLIENT_SECRET_FILE": str(tmp_path / "secret")}
    found = configuration(Site(slug="north"), **more)
    assert found.client_secret == "from-a-file" and "from-a-file" not in repr(found)
