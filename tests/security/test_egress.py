"""The one way out: only to allowed names, only to public addresses, only to the address that was checked."""

from __future__ import annotations

import datetime
import ipaddress
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from config import places
from pathway import egress
from pathway.egress import EgressFailed, EgressRefused, Outbound

HOST = "hooks.example.org"
PUBLIC = "93.184.215.14"


def never(host: str, port: int) -> list[str]:
    raise AssertionError("the name was looked up")


def to(*addresses: str) -> Callable[[str, int], list[str]]:
    return lambda host, port: list(addresses)


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/",
        f"ftp://{HOST}/",
        f"https://somebody:secret@{HOST}/",
        f"https://@{HOST}/",
        f"https://{HOST}:8443/",
        f"https://{HOST}:99999/",
        f"https://{HOST}.evil.example/",
        "https://other.example.org/",
        f"https://{HOST}./",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://localhost/",
        f"https://{HOST}/a b",
        f"https://{HOST}/\r\nHost: evil",
        f"https://{HOST}\\@evil.example/",
        "https:///path",
        "//" + HOST,
        "",
    ],
)
def test_what_is_no_plain_address_of_an_allowed_host_is_refused_before_it_is_looked_up(url: str) -> None:
    with pytest.raises(EgressRefused):
        egress.send(Outbound(url), allowed=[HOST, "127.0.0.1", "localhost", "::1", "2130706433"], resolve=never)


def test_nothing_is_allowed_by_default() -> None:
    with pytest.raises(EgressRefused, match="PATHWAY_EGRESS_HOSTS"):
        egress.send(Outbound(f"https://{HOST}/"), resolve=never)


@pytest.mark.parametrize(
    "outbound",
    [
        Outbound(f"https://{HOST}/", method="CONNECT"),
        Outbound(f"https://{HOST}/", body=b"x" * 64_001),
        Outbound(f"https://{HOST}/", headers={"HOST": "evil.example"}),
        Outbound(f"https://{HOST}/", headers={"Transfer-Encoding": "chunked"}),
    ],
)
def test_what_is_not_asked_for_is_refused(outbound: Outbound) -> None:
    with pytest.raises(EgressRefused):
        egress.send(outbound, allowed=[HOST], resolve=never)


PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", PRIVATE)
@pytest.mark.parametrize("others", [(), (PUBLIC,)], ids=["alone", "beside a public one"])
def test_a_name_that_leads_into_a_private_network_is_refused(
    address: str, others: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: pytest.fail("it was connected"))
    with pytest.raises(EgressRefused, match="not public"):
        egress.send(Outbound(f"https://{HOST}/"), allowed=[HOST], resolve=to(*others, address))


@given(st.ip_addresses())
def test_only_what_the_internet_routes_is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if egress.is_public(address):
        assert address.is_global and not address.is_multicast and not address.is_private
    if isinstance(address, ipaddress.IPv4Address):
        assert egress.is_public(ipaddress.ip_address(f"::ffff:{address}")) == egress.is_public(address)


def test_public_addresses_are_public() -> None:
    assert all(egress.is_public(ipaddress.ip_address(text)) for text in (PUBLIC, "2606:4700:4700::1111", "1.1.1.1"))


@pytest.mark.parametrize("answer", [[], ["nonsense"]])
def test_a_name_without_an_address_fails(answer: list[str]) -> None:
    with pytest.raises(EgressFailed, match="has no address"):
        egress.send(Outbound(f"https://{HOST}/"), allowed=[HOST], resolve=to(*answer))


# with a server


@dataclass
class Server:
    """Speaks TLS under the name HOST on a port of this machine, and answers the next words in line."""

    port: int
    certificate: Path
    pause: float = 0  # seconds after each byte of a body
    answers: list[bytes] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    connected_to: list[tuple[str, int]] = field(default_factory=list)

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for HOST with its key, signed by itself."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(make_certificate())
    return path


def make_certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)  # noqa: TID251 (TLS has the machine's own clock)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + made.public_bytes(Encoding.PEM)


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = socket.create_server(("127.0.0.1", 0))
    what = Server(listening.getsockname()[1], certificate)
    context.sni_callback = lambda link, name, _context: what.names.append(name)
    worker = threading.Thread(target=serve, args=(listening, context, what), daemon=True)
    worker.start()
    connect = socket.create_connection

    def redirected(address: tuple[str, int], timeout: float) -> socket.socket:
        what.connected_to.append(address)
        return connect(("127.0.0.1", what.port), timeout)

    monkeypatch.setattr(egress.socket, "create_connection", redirected)
    yield what
    listening.close()
    worker.join(timeout=5)


def serve(listening: socket.socket, context: ssl.SSLContext, what: Server) -> None:
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        try:
            with context.wrap_socket(plain, server_side=True) as link:
                what.received.append(whole_request(link))
                head, _, body = what.answers.pop(0).partition(b"\r\n\r\n")
                link.sendall(head + b"\r\n\r\n" if head else b"")
                for part in [body] if not what.pause else [body[i : i + 1] for i in range(len(body))]:
                    link.sendall(part)
                    time.sleep(what.pause)
        except OSError:
            continue


def whole_request(link: ssl.SSLSocket) -> bytes:
    """Head and body, which may come one after the other; closing with something unread would reset the line."""
    found = b""
    while True:
        head, end, body = found.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            return found
        part = link.recv(65_536)
        if not part:
            return found
        found += part


def ask(server: Server) -> egress.Answer:
    outbound = Outbound(f"https://{HOST}/in?x=1", body=b'{"id": 7}', headers={"Content-Type": "application/json"})
    return egress.send(outbound, allowed=[HOST], resolve=to(PUBLIC), context=server.trust)


def test_a_request_goes_to_the_checked_address_under_the_asked_name(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    server.answers = [b"HTTP/1.1 201 Created\r\nX-Told: yes\r\nContent-Length: 2\r\n\r\nok"]
    lookups: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        lookups.append(host)
        return [PUBLIC] if len(lookups) == 1 else ["127.0.0.1"]

    outbound = Outbound(f"https://{HOST}/in?x=1", body=b"{}")
    answer = egress.send(outbound, allowed=[HOST], resolve=rebinding, context=server.trust)
    assert (answer.status, answer.body, answer.headers["x-told"]) == (201, b"ok", "yes")
    assert lookups == [HOST] and server.connected_to == [(PUBLIC, 443)] and server.names == [HOST]
    sent = server.received[0].decode()
    assert sent.startswith("POST /in?x=1 HTTP/1.1\r\n") and f"\r\nHost: {HOST}\r\n" in sent
    assert "Cookie" not in sent and "Referer" not in sent and "python" not in sent.lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server: Server, status: int) -> None:
    place = "Location: https://169.254.169.254/latest/\r\n"
    server.answers = [f"HTTP/1.1 {status} Gone\r\n{place}Content-Length: 0\r\n\r\n".encode()]
    with pytest.raises(EgressRefused, match="elsewhere"):
        ask(server)
    assert len(server.connected_to) == 1


def test_an_answer_that_is_too_long_is_not_read_on(server: Server) -> None:
    server.answers = [b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 70_000]
    with pytest.raises(EgressFailed, match="more than 64000 bytes"):
        ask(server)


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b""], ids=["in its body", "in its head"])
def test_an_answer_that_trickles_ends_in_time(server: Server, monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setattr(egress, "SECONDS", 0.5)
    server.pause = 0.1
    server.answers = [head + (b"x" * 30 if head else b"\r\n\r\nHTTP/1.1 200 OK and no end")]
    with pytest.raises(EgressFailed, match="more than 0.5 seconds"):
        ask(server)


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"])
def test_what_is_no_answer_fails(server: Server, answer: bytes) -> None:
    server.answers = [answer]
    with pytest.raises(EgressFailed):
        ask(server)


def test_a_certificate_of_somebody_else_is_refused(server: Server) -> None:
    with pytest.raises(EgressFailed) as caught:
        egress.send(Outbound(f"https://{HOST}/"), allowed=[HOST], resolve=to(PUBLIC))
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    other = "other.example.org"
    with pytest.raises(EgressFailed) as caught:
        egress.send(Outbound(f"https://{other}/"), allowed=[other], resolve=to(PUBLIC), context=server.trust)
    assert isinstance(caught.value.__cause__, ssl.SSLCertVerificationError)
    assert server.received == []


def test_nobody_else_opens_connections(tmp_path: Path) -> None:
    """The linter refuses the libraries that would."""
    for line in ("import http.client", "import urllib.request", "import requests", "import httpx"):
        planted = tmp_path / "planted.py"
        planted.write_text(f"{line}\n\nprint({line.split()[-1]})\n", encoding="utf-8")
        command = [sys.executable, "-m", "ruff", "check", "--config", str(places.BASE_DIR / "pyproject.toml")]
        done = subprocess.run([*command, str(planted)], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "egress.py" in done.stdout, line
