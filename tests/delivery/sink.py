"""A mail server for tests: it takes what it is given, or fails in the way that it is told, and keeps a ledger.

Standard library alone, so that a test may also run it as a process: `python -m tests.delivery.sink PORT LEDGER`.
"""

from __future__ import annotations

import socket
import socketserver
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from typing import Any

LINE = 65_536


class Mood(StrEnum):
    """What becomes of the next message."""

    TAKE = "take"
    REFUSE = "refuse"  # a plain no, for good
    BUSY = "busy"  # a no for now
    TAKE_AND_BREAK = "take-and-break"  # kept, and the line goes dead before anybody is told
    SLOW = "slow"  # taken after a while
    SILENT = "silent"  # never answers


@dataclass(frozen=True, slots=True)
class Kept:
    """One message as it came over the line. `mood` tells whether the sender learned that it was taken."""

    at: float
    sender: str
    recipient: str
    raw: bytes
    mood: Mood

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)  # type: ignore[return-value]

    @property
    def message_id(self) -> str:
        return str(self.message["Message-ID"])


class Sink:
    """Listens on a port of this machine from `start` to `stop`. `decide` is asked for every message by its number."""

    def __init__(self, decide: Callable[[int], Mood] | None = None, *, port: int = 0, slowness: float = 0.3) -> None:
        self.decide = decide or (lambda number: Mood.TAKE)
        self.slowness = slowness
        self.kept: list[Kept] = []
        self.asked = 0  # messages that somebody began to send, kept or not
        self.ledger: Path | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", port), _Session)
        self._server.sink = self
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def start(self) -> Sink:
        self._thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def message_ids(self) -> list[str]:
        """In the order of their coming, repeats included."""
        return [one.message_id for one in list(self.kept)]

    def counts(self) -> Counter[str]:
        return Counter(self.message_ids)

    # asked by the sessions

    def next_mood(self) -> Mood:
        with self._lock:
            self.asked += 1
            return self.decide(self.asked)

    def keep(self, one: Kept) -> None:
        with self._lock:
            self.kept.append(one)
            if self.ledger is not None:
                with self.ledger.open("a", encoding="ascii") as file:
                    file.write(f"{one.at:.6f} {one.mood} {one.recipient} {one.message_id}\n")

    def wait(self, seconds: float) -> None:
        self._stopping.wait(seconds)


@contextmanager
def running(decide: Callable[[int], Mood] | None = None, **more: Any) -> Iterator[Sink]:
    sink = Sink(decide, **more).start()
    try:
        yield sink
    finally:
        sink.stop()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    sink: Sink


class _Session(socketserver.StreamRequestHandler):
    """One connection: as much of SMTP as a client needs to hand over a message."""

    server: _Server
    timeout = 30

    def handle(self) -> None:
        self.sender, self.recipient, self.mood = "", "", Mood.TAKE
        try:
            self._say(220, "sink")
            while line := self.rfile.readline(LINE):
                if not self._answer(line.decode("ascii", "replace").strip()):
                    return
        except OSError:
            return  # the other side has gone, which is what many tests are about

    def _answer(self, line: str) -> bool:
        verb = line.split(":")[0].split(" ")[0].upper()
        if verb in ("EHLO", "HELO"):
            self._say(250, "sink")
        elif verb == "MAIL":
            self.sender, self.mood = _address(line), self.server.sink.next_mood()
            if self.mood == Mood.SILENT:
                self.server.sink.wait(60)
                return False
            self._say(*{Mood.REFUSE: (550, "no"), Mood.BUSY: (451, "later")}.get(self.mood, (250, "ok")))
        elif verb == "RCPT":
            self.recipient = _address(line)
            self._say(250, "ok")
        elif verb == "DATA":
            self._say(354, "go on")
            return self._take()
        elif verb == "QUIT":
            self._say(221, "bye")
            return False
        else:
            self._say(250, "ok")
        return True

    def _take(self) -> bool:
        lines: list[bytes] = []
        while (line := self.rfile.readline(LINE)) not in (b".\r\n", b".\n"):
            if not line:
                return False  # broken off in the middle: nothing was handed over
            lines.append(line[1:] if line.startswith(b"..") else line)
        if self.mood == Mood.SLOW:
            self.server.sink.wait(self.server.sink.slowness)
        self.server.sink.keep(Kept(time.time(), self.sender, self.recipient, b"".join(lines), self.mood))
        if self.mood == Mood.TAKE_AND_BREAK:
            self.connection.shutdown(socket.SHUT_RDWR)
            return False
        self._say(250, "taken")
        return True

    def _say(self, code: int, text: str) -> None:
        self.wfile.write(f"{code} {text}\r\n".encode("ascii"))


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


if __name__ == "__main__":
    server = Sink(port=int(sys.argv[1]))
    server.ledger = Path(sys.argv[2])
    server.start()
    threading.Event().wait()
