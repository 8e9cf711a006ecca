"""What no view expects is refused before it is asked: methods, bodies, other sites, headers of proxies."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings

from pathway.models import AuditEvent
from pathway.web.middleware import ForwardedMiddleware, is_from_elsewhere
from tests.web.cast import Cast, signed_in
from tests.web.test_doors import addresses


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "TRACK", "PROPFIND"])
def test_unused_methods_are_refused_everywhere(cast: Cast, method: str) -> None:
    client = signed_in(cast.coordinator)
    everywhere = ["/", "/patients/", "/admin/", "/livez", "/sign-out/", *[a for a, _ in addresses(cast).values()]]
    for address in everywhere:
        answer = client.generic(method, address)
        assert answer.status_code == 405, address
        assert answer.content == b"" and answer.headers["Allow"], address


def test_head_answers_like_get_without_the_body(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    for address, _ in addresses(cast).values():
        asked, looked = client.get(address), client.head(address)
        assert looked.status_code == asked.status_code, address
        assert looked.content == b""


def test_a_head_that_shows_no_page_still_goes_on_record(cast: Cast) -> None:
    before = AuditEvent.objects.count()
    assert signed_in(cast.member).head(f"/patients/{cast.patient.uuid}/").status_code == 200
    assert AuditEvent.objects.count() == before + 1


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [
        ("POST", {}, False),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, False),
        ("POST", {"Sec-Fetch-Site": "none"}, False),
        ("POST", {"Sec-Fetch-Site": "cross-site"}, True),
        ("POST", {"Sec-Fetch-Site": "same-site"}, True),
        ("POST", {"Sec-Fetch-Site": "a new word"}, True),
        ("POST", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, True),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, False),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, True),
        ("GET", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, True),
        ("GET", {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, True),
    ],
)
def test_what_another_site_makes_a_browser_send_is_refused(method: str, headers: dict[str, str], refused: bool) -> None:
    assert is_from_elsewhere(RequestFactory().generic(method, "/", headers=headers)) is refused


def test_a_form_of_another_site_changes_nothing(cast: Cast) -> None:
    client = signed_in(cast.member)  # this client passes Django's own check of tokens
    events = AuditEvent.objects.count()
    answer = client.post(f"/patients/{cast.patient.uuid}/record/weight/", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403 and AuditEvent.objects.count() == events


def test_a_body_beyond_measure_is_refused_before_it_is_read(cast: Cast) -> None:
    client = signed_in(cast.member)
    assert client.post("/patients/", {"text": "x"}, CONTENT_LENGTH="6000001").status_code == 413
    assert client.post("/patients/", {"text": "x" * 2_100_000}).status_code == 400
    assert client.post("/patients/", {f"f{n}": "x" for n in range(1_100)}).status_code == 400


def seen(remote: str, proxies: list[str], **headers: str) -> dict[str, str]:
    """What the application sees of a request from that address."""
    found: dict[str, str] = {}

    def answer(request: HttpRequest) -> HttpResponse:
        found.update({name: str(value) for name, value in request.META.items()})
        found["scheme"] = request.scheme or ""
        return HttpResponse()

    with override_settings(TRUSTED_PROXIES=proxies, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        request = RequestFactory().get("/", REMOTE_ADDR=remote, **headers)
        ForwardedMiddleware(answer)(request)
    return found


def test_only_our_proxy_is_believed_about_the_client() -> None:
    told = {"HTTP_X_FORWARDED_FOR": "203.0.113.9", "HTTP_X_FORWARDED_PROTO": "https"}
    near = seen("10.1.2.3", ["10.0.0.0/8"], **told)
    assert (near["REMOTE_ADDR"], near["scheme"]) == ("203.0.113.9", "https")
    for proxies in ([], ["10.0.0.0/8"]):
        far = seen("198.51.100.7", proxies, HTTP_FORWARDED="for=203.0.113.9", HTTP_X_FORWARDED_HOST="evil", **told)
        assert (far["REMOTE_ADDR"], far["scheme"]) == ("198.51.100.7", "http")
        assert not [name for name in far if "FORWARDED" in name]


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("1.1.1.1, 203.0.113.9", "203.0.113.9"),  # the client wrote the first one itself
        ("203.0.113.9, 10.9.9.9", "203.0.113.9"),  # through two proxies of ours
        ("nonsense, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, nonsense", "10.1.2.3"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("10.9.9.9", "10.9.9.9"),
        ("", "10.1.2.3"),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(chain: str, client: str) -> None:
    assert seen("10.1.2.3", ["10.0.0.0/8"], HTTP_X_FORWARDED_FOR=chain)["REMOTE_ADDR"] == client


def test_who_claims_to_be_somebody_by_a_header_is_nobody(cast: Cast) -> None:
    claims = {"X-User-ID": str(cast.member.pk), "Remote-User": cast.member.username, "X-Original-URL": "/livez"}
    assert Client().get("/", headers=claims).status_code == 302
