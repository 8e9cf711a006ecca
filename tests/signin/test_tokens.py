"""Tokens of service accounts: shown once, narrow, short-lived, and never more than their account may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client, override_settings
from django.urls import path
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from pathway import access, actor, clock, errors
from pathway.models import ApiToken, AuditEvent, Scope, Site, User
from pathway.signin import tokens
from pathway.signin.api import ScopedView
from pathway.vocabulary import Role
from tests import builders
from tests.signin.doing import PASSWORD, events, sign_in


class Patients(ScopedView):
    scopes: ClassVar = {"GET": Scope.READ_PATIENTS, "POST": Scope.WRITE_PATIENTS}

    def get(self, request: Request) -> Response:
        with transaction.atomic():
            seen = access.patients(request.user, clock.now())
            return Response({"seen": [str(one.uuid) for one in seen], "for": actor.present().person})

    def post(self, request: Request) -> Response:
        return Response({"stored": True})

    def delete(self, request: Request) -> Response:
        return Response({"gone": True})


class ForPeople(Patients):
    authentication_classes = [SessionAuthentication]


class Bare(APIView):
    """Somebody forgot to say for whom it is."""

    def get(self, request: Request) -> Response:
        return Response({"secret": 1})


urlpatterns = [
    path("patients", Patients.as_view()),
    path("people", ForPeople.as_view()),
    path("bare", Bare.as_view()),
    path("sign-in/", lambda request: None, name="login"),
]


@pytest.fixture(autouse=True)
def own_addresses() -> Iterator[None]:
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def robot(strict: Site) -> User:
    return builders.user(strict, Role.DIETITIAN, is_service=True)


def token(robot: User, *scopes: str, days: int = 30, **more: Any) -> str:
    sites = [row.site for row in robot.memberships.all()]
    chosen = scopes or (Scope.READ_PATIENTS,)
    return tokens.create(robot, "import", scopes=chosen, sites=sites, days=days, at=clock.real_now(), **more)[1]


def call(method: str, where: str, secret: str | None, client: Client | None = None) -> Any:
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return getattr(client or Client(), method)(where, headers=headers)


def test_a_token_opens_what_its_scope_names_and_nothing_else(robot: User) -> None:
    secret = token(robot)
    assert call("get", "/patients", secret).json() == {"seen": [], "for": robot.pk}
    assert call("post", "/patients", secret).status_code == 403
    assert call("delete", "/patients", secret).status_code == 403  # names no scope: for nobody
    assert call("get", "/bare", secret).status_code == 403
    assert call("post", "/patients", token(robot, Scope.WRITE_PATIENTS)).json() == {"stored": True}


def test_a_token_sees_whom_its_account_sees(robot: User, strict: Site) -> None:
    mine, other = builders.patient(strict), builders.patient(strict)
    builders.join(mine, robot, Role.DIETITIAN)
    assert call("get", "/patients", token(robot)).json()["seen"] == [str(mine.uuid)] != [str(other.uuid)]


def test_without_one_everything_is_shut(robot: User, eve: User) -> None:
    for where in ("/patients", "/bare"):
        answer = call("get", where, None)
        assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    client = Client()
    client.force_login(eve)
    assert call("get", "/patients", None, client).status_code == 401  # a cookie is none


@pytest.mark.parametrize("wrong", ["x", "pathway_", "pathway_" + "A" * 43, "pathway_é", "a b"])
def test_what_is_no_token_is_refused_with_one_answer(robot: User, wrong: str) -> None:
    answer = call("get", "/patients", wrong)
    assert answer.status_code == 401 and answer.json() == {"detail": "The token is not valid."}


@pytest.mark.parametrize("end", ["expired", "revoked", "disabled", "no service", "no role"])
def test_a_token_ends(robot: User, end: str) -> None:
    secret = token(robot)
    row = ApiToken.objects.get()
    if end == "expired":
        then = clock.real_now() - timedelta(days=2)
        ApiToken.objects.update(created_at=then, expires_at=then + timedelta(days=1))
    elif end == "revoked":
        tokens.revoke(row, at=clock.real_now(), by=None)
        assert AuditEvent.objects.filter(action="token.revoked", subject=f"user:{robot.pk}").exists()
    elif end == "no role":
        robot.memberships.update(is_active=False)
    else:
        User.objects.filter(pk=robot.pk).update(
            **({"is_active": False} if end == "disabled" else {"is_service": False})
        )
    assert call("get", "/patients", secret).status_code == 401


def test_only_a_digest_is_kept(robot: User) -> None:
    secret = token(robot)
    row = ApiToken.objects.get()
    assert len(secret) == len(tokens.PREFIX) + 43 and row.digest == tokens.digest(secret)
    assert secret not in str(ApiToken.objects.values()) and secret[8:] not in str(ApiToken.objects.values())


def test_its_last_use_is_written_once_a_minute(robot: User) -> None:
    secret = token(robot)
    call("get", "/patients", secret)
    first = ApiToken.objects.get().last_used_at
    call("get", "/patients", secret)
    assert first is not None and ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    call("get", "/patients", secret)
    assert ApiToken.objects.get().last_used_at > first


def test_no_token_lives_longer_than_a_year_or_has_other_scopes(robot: User) -> None:
    for wrong in ({"days": 366}, {"days": 0}):
        with pytest.raises(errors.InvalidEntry):
            token(robot, **wrong)
    with pytest.raises(errors.InvalidEntry):
        token(robot, "patients:everything")
    token(robot)
    for columns in ({"expires_at": clock.real_now() + timedelta(days=400)}, {"scopes": ["all"]}, {"scopes": []}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ApiToken.objects.update(**columns)


def test_people_get_no_tokens_and_programs_do_not_sign_in(robot: User, eve: User) -> None:
    with pytest.raises(errors.InvalidEntry):
        token(eve)
    with override_settings(ROOT_URLCONF="config.urls"):
        client = Client()
        sign_in(client, robot, PASSWORD)
        assert "_auth_user_id" not in client.session
        client.force_login(robot)
        assert client.get("/").status_code == 302


def test_a_program_is_no_administrator(robot: User) -> None:
    for columns in ({"is_staff": True}, {"is_superuser": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.filter(pk=robot.pk).update(**columns)


def test_a_view_for_people_wants_the_token_of_the_form(eve: User, robot: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(eve)
    assert client.get("/people").status_code == 200
    assert client.post("/people").status_code == 403
    assert call("get", "/people", token(robot)).status_code in (401, 403)


def test_the_command_makes_the_account_and_shows_the_token_once(
    strict: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--label=import", f"--site={strict.slug}", "--scope=observations:write", "--days=7"]
    with pytest.raises(CommandError):
        call_command("create_token", "loader", *options)
    call_command("create_token", "loader", "--role=dietitian", *options)
    found = re.search(r"token: +(pathway_\S+)", capsys.readouterr().out)
    loader = User.objects.get(username="loader")
    assert found is not None and loader.is_service and not loader.has_usable_password()
    assert ApiToken.objects.get(user=loader).digest == tokens.digest(found[1])
    assert "token.created" in events(loader)
    with pytest.raises(CommandError):
        call_command("create_token", "loader", "--label=x", "--site=nowhere", "--scope=observations:write")


def test_the_administration_shows_tokens_without_a_secret_and_revokes_them(robot: User) -> None:
    secret = token(robot)
    row = ApiToken.objects.get()
    with override_settings(ROOT_URLCONF="config.urls"):
        client = Client()
        client.force_login(User.objects.create_superuser("root", password=PASSWORD))
        page = client.get(f"/admin/pathway/apitoken/{row.pk}/change/").content.decode()
        assert "import" in page and row.digest not in page and secret not in page
        assert client.get("/admin/pathway/apitoken/add/").status_code == 403
        form = {"action": "revoke", "_selected_action": [row.pk]}
        client.post("/admin/pathway/apitoken/", form)
    assert call("get", "/patients", secret).status_code == 401
