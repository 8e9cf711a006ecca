"""What holds for every request and answer, whatever view it belongs to: the outermost ring of the web server."""

from __future__ import annotations

import http
import ipaddress
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.views import APIView

from pathway import errors
from pathway.web import pages

Answer = Callable[[HttpRequest], HttpResponse]

# Everything that a page does not use. Passkeys are the one feature that the sign-in asks for.
UNUSED_FEATURES = (
    "accelerometer",
    "autoplay",
    "browsing-topics",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)
PERMISSIONS = ", ".join(
    [
        *(f"{name}=()" for name in UNUSED_FEATURES),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)
HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
    "X-Permitted-Cross-Domain-Policies": "none",
    # The same as Django's own middlewares send; here for answers that never reach those.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": settings.X_FRAME_OPTIONS,
}

REPORT_GROUP = "csp"  # as the policy names it
READING = ("GET", "HEAD")
PAGE_METHODS = (*READING, "POST")
API_METHODS = (*PAGE_METHODS, "PUT", "PATCH", "DELETE", "OPTIONS")
FORWARDED = "HTTP_X_FORWARDED_"


class HeadersMiddleware:
    """The headers of every answer, those of errors, redirects and static files too.

    A view may be stricter than this: a header that it has set stays. Only static files may be kept by a cache.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.static = "/" + settings.STATIC_URL.strip("/") + "/"
        report = settings.CSP_REPORT_URL
        self.headers = HEADERS | ({"Reporting-Endpoints": f'{REPORT_GROUP}="{report}"'} if report else {})

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        kept = response.headers.get("Cache-Control", "")
        if not (kept and request.path.startswith(self.static)) and "no-store" not in kept:
            response.headers["Cache-Control"] = "no-store"
        return response


class ForwardedMiddleware:
    """What a proxy says about the client counts when it comes from a proxy of ours, and is removed otherwise.

    Afterwards REMOTE_ADDR is the client's address, for throttling and for the record, whoever asks for it.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response
        self.proxies = [ipaddress.ip_network(one) for one in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        if self._is_ours(meta.get("REMOTE_ADDR", "")):
            meta["REMOTE_ADDR"] = self._client(meta)
        else:
            for name in [name for name in meta if name.startswith(FORWARDED) or name == "HTTP_FORWARDED"]:
                del meta[name]
        return self.get_response(request)

    def _client(self, meta: dict[str, Any]) -> str:
        """The last address of the chain that is no proxy of ours: what stands before it, anybody may have written."""
        nearest = str(meta["REMOTE_ADDR"])
        for text in reversed(meta.get("HTTP_X_FORWARDED_FOR", "").split(",")):
            address = _address(text)
            if address is None:
                return nearest
            nearest = str(address)
            if not self._is_ours(nearest):
                return nearest
        return nearest

    def _is_ours(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self.proxies)


class RequestsMiddleware:
    """Refuses what no view of ours expects: other methods, bodies beyond measure, and what other sites send."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method not in API_METHODS:
            return _refused_method(PAGE_METHODS)
        if _length(request) > settings.LARGEST_BODY:
            return HttpResponse("too large\n", status=http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE, content_type=PLAIN)
        if is_from_elsewhere(request):
            return HttpResponse("asked by another site\n", status=http.HTTPStatus.FORBIDDEN, content_type=PLAIN)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Pages are read or posted to. The API's views declare their methods themselves."""
        if request.method in PAGE_METHODS or is_of_api(view):
            return None
        return _refused_method(PAGE_METHODS)


class SafetyMiddleware:
    """A refusal that no form has shown gets its page. Anything else is a fault and stays one."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if isinstance(error, errors.NotFound) and (elsewhere := pages.successor(request)) is not None:
            return elsewhere
        return pages.refusal(request, error) if isinstance(error, errors.Refused) else None


PLAIN = "text/plain; charset=utf-8"


def is_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a page of another site made the browser ask; following a link to a page of ours is no such thing.

    Browsers write Sec-Fetch-Site themselves, so that no page can forge it; what is no browser does not send it.
    """
    if request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none"):
        return False
    is_link = (
        request.headers.get("Sec-Fetch-Mode") == "navigate" and request.headers.get("Sec-Fetch-Dest") == "document"
    )
    return not (is_link and request.method in READING)


def is_of_api(view: Callable[..., Any]) -> bool:
    """Whether Django REST framework answers, which Django's own checks of sign-in and CSRF leave alone."""
    kind = getattr(view, "cls", None)
    return isinstance(kind, type) and issubclass(kind, APIView)


def _refused_method(allowed: tuple[str, ...]) -> HttpResponse:
    return HttpResponse(status=http.HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(allowed)})


def _length(request: HttpRequest) -> int:
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() else 0


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
