"""The headers of every answer: pages, errors, refusals, static files, the administration."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path, reverse

from config.settings import security
from tests.web.cast import Cast, signed_in

POLICY = {
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "object-src 'none'",
}
EXPECTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STATIC = "/static/pathway/pathway.css"


def break_down(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("planted")


def keep_me(request: HttpRequest) -> HttpResponse:
    return HttpResponse("x", headers={"Cache-Control": "public, max-age=3600"})


urlpatterns = [path("broken/", break_down), path("kept/", keep_me), path("", include("config.urls"))]
handler404 = "pathway.web.pages.not_found"


def directives(answer: HttpResponse) -> set[str]:
    return {part.strip() for part in answer.headers["Content-Security-Policy"].split(";")}


@pytest.fixture
def answers(cast: Cast) -> Iterator[dict[str, HttpResponse]]:
    """One answer of every kind that there is."""
    client = signed_in(cast.coordinator)
    client.raise_request_exception = False
    root = signed_in(cast.superuser)
    with override_settings(ROOT_URLCONF=__name__):
        found = {
            "page": client.get("/"),
            "page about a patient": client.get(reverse("patient", args=[cast.patient.uuid])),
            "missing": client.get("/nothing/"),
            "refused by role": client.get("/patients/register/"),
            "broken": client.get("/broken/"),
            "method": client.put("/"),
            "trace": client.generic("TRACE", "/"),
            "another host": client.get("/", headers={"Host": "evil.example"}),
            "another site": client.post("/patients/", headers={"Sec-Fetch-Site": "cross-site"}),
            "without token": Client(enforce_csrf_checks=True).post(reverse("login")),
            "sign-in": Client().get(reverse("login")),
            "redirect": Client().get("/"),
            "static": client.get(STATIC),
            "static missing": client.get("/static/nothing.css"),
            "static by post": client.post(STATIC),
            "health": Client().get("/livez"),
            "administration": root.get("/admin/"),
            "administration of people": root.get("/admin/pathway/user/"),
            "administration missing": root.get("/admin/nothing/"),
        }
    yield found
    for answer in found.values():
        answer.close()


def test_every_answer_has_every_header(answers: dict[str, HttpResponse]) -> None:
    statuses = {name: answer.status_code for name, answer in answers.items()}
    wanted = {"missing": 404, "broken": 500, "method": 405, "trace": 405, "another host": 400, "another site": 403}
    assert statuses | wanted == statuses
    for name, answer in answers.items():
        for header, value in EXPECTED.items():
            assert answer.headers.get(header) == value, (name, header)
        assert directives(answer) >= POLICY, name
        assert "camera=()" in answer.headers["Permissions-Policy"], name
        assert "unsafe" not in answer.headers["Content-Security-Policy"], name
        assert "Access-Control-Allow-Origin" not in answer.headers or name.startswith("static"), name


def test_only_static_files_may_be_kept(answers: dict[str, HttpResponse]) -> None:
    for name, answer in answers.items():
        assert ("no-store" in answer.headers["Cache-Control"]) == (name != "static"), name


def test_a_view_that_allows_a_cache_is_overruled(cast: Cast) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        assert signed_in(cast.member).get("/kept/").headers["Cache-Control"] == "no-store"


def test_a_fault_tells_nothing_about_itself(answers: dict[str, HttpResponse]) -> None:
    text = answers["broken"].content.decode()
    assert "planted" not in text and "Traceback" not in text and "break_down" not in text


def test_each_page_has_a_nonce_of_its_own(cast: Cast) -> None:
    client = signed_in(cast.member)
    nonces = set()
    for _ in range(3):
        answer = client.get("/")
        in_page = re.findall(r'<script[^>]* nonce="([^"]+)"', answer.content.decode())
        in_policy = re.findall(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
        assert in_page == in_policy and len(in_page) == 1 and len(in_page[0]) >= 22
        nonces |= set(in_page)
    assert len(nonces) == 3


def test_the_drawing_allows_its_own_style_sheet_by_hash_and_nothing_else(cast: Cast) -> None:
    answer = signed_in(cast.member).get("/content/pathways/als-limb/drawing.svg")
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert "'sha256-" in answer.headers["Content-Security-Policy"]


def test_reports_of_violations_go_where_the_operator_says() -> None:
    assert "report-to" not in security.content_security_policy()["DIRECTIVES"]
    told = security.content_security_policy("https://reports.example/csp")["DIRECTIVES"]
    assert told["report-to"] == ["csp"] and told["report-uri"] == ["https://reports.example/csp"]
    with override_settings(CSP_REPORT_URL="https://reports.example/csp"):
        assert Client().get("/livez").headers["Reporting-Endpoints"] == 'csp="https://reports.example/csp"'


def test_cookies_are_out_of_reach_of_scripts(cast: Cast) -> None:
    client = Client()
    client.get(reverse("login"))
    cookie = client.cookies[settings.CSRF_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and cookie["path"] == "/" and not cookie["domain"]
    assert settings.SESSION_COOKIE_HTTPONLY and settings.SESSION_COOKIE_SAMESITE == "Lax"


def test_htmx_sends_the_token_of_the_page(cast: Cast) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(cast.member)
    page = client.get("/patients/").content.decode()
    token = re.findall(r"""hx-headers='\{"X-CSRFToken": "(\w+)"\}'""", page)
    assert len(token) == 1
    asked = {"text": cast.patient.family_name}
    assert client.post("/patients/", asked).status_code == 403
    found = client.post("/patients/", asked, headers={"X-CSRFToken": token[0], "HX-Request": "true"})
    assert found.status_code == 200 and cast.patient.identifier in found.content.decode()
