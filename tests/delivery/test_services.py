"""The library of further channels, against a web server of this machine: what it is given, and how a no is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from django.test import override_settings

from pathway.delivery import services, transports
from pathway.delivery.parcels import Parcel, Undelivered

KEY = UUID("6f0b3d0a-6d5c-5a0e-9d4f-0c2b1f7d9a11")
PARCEL = Parcel(KEY, "anna+ward@clinic.example", "Harbour Clinic: 3 items wait for you", "3 items wait for you:\n")


class Board(HTTPServer):
    """Keeps what it is sent, and answers with `status`."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.got: list[tuple[str, dict[str, str], dict[str, Any]]] = []


class Request(BaseHTTPRequestHandler):
    server: Board

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), json.loads(body)))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Quietly."""


@pytest.fixture
def board() -> Iterator[Board]:
    server = Board()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    template = f"json://127.0.0.1:{server.server_port}/to/{{address}}?+Idempotency-Key={{key}}"
    with override_settings(MESSAGE_CHANNELS={"board": template}):
        yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_message_arrives_with_its_key_and_the_address_in_its_place(board: Board) -> None:
    transports.hand_over("board", PARCEL)
    ((path, headers, body),) = board.got
    assert unquote(path) == "/to/anna+ward@clinic.example"
    assert headers["Idempotency-Key"] == str(KEY)
    assert body["title"] == PARCEL.subject
    assert body["message"].strip() == PARCEL.body.strip()


@pytest.mark.parametrize("status", [302, 400, 500])
def test_a_no_is_an_error_without_words(board: Board, status: int, caplog: pytest.LogCaptureFixture) -> None:
    board.status = status
    with pytest.raises(Undelivered) as refusal:
        transports.hand_over("board", PARCEL)
    assert str(refusal.value) == ""
    assert len(board.got) == 1
    assert "anna" not in caplog.text


def test_a_channel_that_is_gone_and_an_address_that_is_none_are_errors_too(caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(MESSAGE_CHANNELS={}), pytest.raises(Undelivered):
        services.send("board", PARCEL)
    with override_settings(MESSAGE_CHANNELS={"board": "nosuch://secret/{address}"}), pytest.raises(Undelivered):
        services.send("board", PARCEL)
    assert "secret" not in caplog.text and "anna" not in caplog.text


@pytest.mark.parametrize(
    "address", ["", "a/b", "../x", "a..b", ".a", "a?to=b", "a#b", "a%2Fb", "a b", "a\nb", "host:25", "a&b=c", "\u00e4"]
)
def test_an_address_that_means_more_than_itself_goes_nowhere(board: Board, address: str) -> None:
    with pytest.raises(Undelivered):
        transports.hand_over("board", Parcel(KEY, address, "subject", "body"))
    assert board.got == []
