"""Reading with and without the wall: worklist, patient page and search by name, each through its view.

The views are called as their routes call them, behind the sign-in: rows, templates and the audit of the read are
counted, sessions and the outer middleware are not. Both sides answer the same bytes.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from bench import readers, sides
from bench.measuring import WARM_UPS, Spread
from bench.originals import Clinic
from bench.readers import Reader
from bench.sides import Side
from pathway import clock
from pathway.web import home, patients

TITLE = "read with row-level security, beside the same without it"
TARGET = 1.5  # for the worklist and the patient page
TOKEN = re.compile(rb"[A-Za-z0-9]{64}")  # of the protection against forged requests: another one in each answer
WORD = "Original3"  # in the name of every sixteenth patient

Ask = Callable[[Reader, int], HttpResponse]


class AnswersDiffer(Exception):
    """The wall hid something that the person sees, so the times say nothing."""


@dataclass
class Read:
    """One page for one reader."""

    case: str
    patients: int
    runs: int
    walled: Spread
    unwalled: Spread
    ratio: float  # the median over the pairs
    queries: int
    bytes: int


def worklist(reader: Reader, number: int) -> HttpResponse:
    return home.home(_signed_in(reader, RequestFactory().get("/")))


def page(reader: Reader, number: int) -> HttpResponse:
    uuid = reader.patients[number % len(reader.patients)]
    return patients.patient(_signed_in(reader, RequestFactory().get(f"/patients/{uuid}/")), uuid=uuid)


def search(reader: Reader, number: int) -> HttpResponse:
    request = RequestFactory().post("/patients/", {"text": WORD})
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    return patients.search(_signed_in(reader, request))


ASKED: dict[str, Ask] = {"worklist": worklist, "patient page": page, "search by name": search}


def measure(clinic: Clinic, runs: int) -> list[Read]:
    """Every page for both readers. Raises AnswersDiffer."""
    found = []
    with sides.both() as both, clock.simulated(clinic.moment):
        for reader in readers.found(clinic):
            for name, ask in ASKED.items():
                found.append(_measure(f"{name}, {reader.title}", ask, reader, both, runs))
    return found


def _measure(case: str, ask: Ask, reader: Reader, both: tuple[Side, Side], runs: int) -> Read:
    walled, unwalled = both
    first = {side: _answer(ask, reader, side, 0) for side in both}
    if first[walled][1] != first[unwalled][1]:
        raise AnswersDiffer(f"{case}: {len(first[walled][1])} and {len(first[unwalled][1])} bytes")
    seconds: dict[Side, list[float]] = {side: [] for side in both}
    for number in range(WARM_UPS + runs):
        for side in both if number % 2 else reversed(both):
            took = _timed(ask, reader, side, number)
            if number >= WARM_UPS:
                seconds[side].append(took)
    pairs = zip(seconds[walled], seconds[unwalled], strict=True)
    return Read(
        case,
        len(reader.patients),
        runs,
        Spread.of(seconds[walled]),
        Spread.of(seconds[unwalled]),
        statistics.median(one / other for one, other in pairs),
        first[walled][0],
        len(first[walled][1]),
    )


def _timed(ask: Ask, reader: Reader, side: Side, number: int) -> float:
    with side.working_for(reader.user):
        began = time.perf_counter()
        ask(reader, number)
        return time.perf_counter() - began


def _answer(ask: Ask, reader: Reader, side: Side, number: int) -> tuple[int, bytes]:
    """How many statements it took, and what was answered."""
    with side.working_for(reader.user):
        with CaptureQueriesContext(connection) as sent:
            answer = ask(reader, number)
        statements = len(sent)  # counted on this side's connection
    if answer.status_code != 200:
        raise AnswersDiffer(f"status {answer.status_code}")
    return statements, TOKEN.sub(b"", answer.content)


def _signed_in(reader: Reader, request: Any) -> HttpRequest:
    """What the middleware leaves on a request."""
    request.user, request.session, request.htmx, request._messages = reader.user, {}, False, []
    return request  # type: ignore[no-any-return]
