"""The one way out over HTTPS: to hosts that an operator has allowed, and never into a private network.

A name is looked up once, every address that it has must be a public one, and the connection goes to an address of that
very answer, so that a name which changes its mind between the look-up and the connection gains nothing. The certificate
is checked against the name. Redirects are not followed, and proxies of the environment are not used.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection  # noqa: TID251 (the module that the rule leads to)
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

HTTPS_PORT = 443
SECONDS = 5.0  # for the connection, and for the answer as a whole
MAX_BYTES = 64_000
MAX_SENT = 64_000
CHUNK = 8_192
METHODS = ("GET", "POST", "PUT", "DELETE")
# 64:ff9b::/96 and 2002::/16 carry an IPv4 address that a gateway would go to; 100.64.0.0/10 belongs to providers.
REFUSED = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "100.64.0.0/10"))
NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])\Z")
VISIBLE = re.compile(r"[\x21-\x7e]*\Z")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]


class EgressRefused(Exception):
    """The request was not sent, because of where it would have gone or how it looks."""


class EgressFailed(Exception):
    """The request was sent, or tried, and no usable answer came back in time. The cause is chained."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in small letters
    body: bytes


@dataclass(frozen=True, slots=True)
class Outbound:
    """What is to be sent. Bodies carry ids, never what a patient has."""

    url: str
    method: str = "POST"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def send(
    outbound: Outbound,
    *,
    allowed: Collection[str] | None = None,
    resolve: Resolver | None = None,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """Send it and return the answer, whatever its status. Raises EgressRefused or EgressFailed.

    `allowed` are the hosts, by default those of PATHWAY_EGRESS_HOSTS; the others are for tests.
    """
    parts = _checked(outbound, settings.EGRESS_HOSTS if allowed is None else allowed)
    host, port = str(parts.hostname), parts.port or HTTPS_PORT
    address = _public_address(host, port, resolve or _resolve)
    link = PinnedConnection(host, port, address, context or ssl.create_default_context())
    # A server that sends a byte now and then would otherwise hold us as long as it likes.
    alarm = threading.Timer(SECONDS, link.hang_up)
    alarm.start()
    try:
        answer = _exchange(link, parts, outbound)
    except (OSError, HTTPException) as error:
        raise EgressFailed(_late(host) if link.is_late else f"{host} did not answer as it should") from error
    finally:
        alarm.cancel()
        link.close()
    if link.is_late:
        raise EgressFailed(_late(host))
    return answer


class PinnedConnection(HTTPSConnection):
    """To an address that was checked, under the name that was asked for (SNI, certificate and Host)."""

    def __init__(self, host: str, port: int, address: Address, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=SECONDS, context=context)
        self.address = address
        self.tls = context
        self.is_late = False

    def connect(self) -> None:
        plain = socket.create_connection((str(self.address), self.port), timeout=SECONDS)
        try:
            self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def hang_up(self) -> None:
        """From another thread: whoever waits for this connection stops waiting."""
        self.is_late = True
        with contextlib.suppress(OSError):
            if self.sock is not None:
                self.sock.shutdown(socket.SHUT_RDWR)


def is_public(address: Address) -> bool:
    """Whether the address belongs to the internet at large, seen through what may be wrapped in it."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    if mapped is not None:
        return is_public(mapped)
    if any(address in network for network in REFUSED if network.version == address.version):
        return False
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    return address.is_global and not special and not address.is_link_local and not address.is_private


def _checked(outbound: Outbound, allowed: Collection[str]) -> SplitResult:
    try:
        parts = urlsplit(outbound.url)
        port = parts.port
    except ValueError as error:
        raise EgressRefused("the address is no URL") from error
    host = parts.hostname or ""
    problems = (
        ("only https is spoken", parts.scheme != "https"),
        ("a password does not belong into an address", parts.username is not None or parts.password is not None),
        ("the host is not a plain name", not NAME.match(host)),
        ("the host is not in PATHWAY_EGRESS_HOSTS", host not in {one.lower() for one in allowed}),
        ("the port is not 443", port not in (None, HTTPS_PORT)),
        ("the address holds something that does not belong into one", not VISIBLE.match(outbound.url)),
        ("the method is not one of " + ", ".join(METHODS), outbound.method not in METHODS),
        (f"the body is larger than {MAX_SENT} bytes", len(outbound.body) > MAX_SENT),
        ("a header may not name the host or the length", any(_is_ours(name) for name in outbound.headers)),
    )
    for problem, is_there in problems:
        if is_there:
            raise EgressRefused(problem)
    return parts


def _is_ours(name: str) -> bool:
    return name.lower() in ("host", "content-length", "transfer-encoding", "connection")


def _public_address(host: str, port: int, resolve: Resolver) -> Address:
    """The first address; one that is not public refuses all, since a name of both kinds is an attack or a mistake."""
    try:
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in resolve(host, port)]
    except (OSError, ValueError) as error:
        raise EgressFailed(f"{host} has no address") from error
    if not found:
        raise EgressFailed(f"{host} has no address")
    if not all(is_public(address) for address in found):
        raise EgressRefused(f"{host} leads into a network that is not public")
    return found[0]


def _resolve(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _exchange(link: PinnedConnection, parts: SplitResult, outbound: Outbound) -> Answer:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    # Nothing of the server's own goes along: no cookie, no referrer, no name of the library.
    headers = {"Accept-Encoding": "identity", "Connection": "close", **outbound.headers}
    link.request(outbound.method, target, body=outbound.body or None, headers=headers)
    response = link.getresponse()
    if response.status in (301, 302, 303, 307, 308):
        raise EgressRefused(f"{link.host} wanted to send the request elsewhere")
    body = bytearray()
    while chunk := response.read1(CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            raise EgressFailed(f"{link.host} answered with more than {MAX_BYTES} bytes")
    declared = response.headers.get("Content-Length", "")
    if declared.isdigit() and int(declared) != len(body):
        raise EgressFailed(f"{link.host} broke off in the middle of its answer")
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, bytes(body))


def _late(host: str) -> str:
    return f"{host} took more than {SECONDS:g} seconds"
