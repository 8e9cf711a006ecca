"""How a page is put together: the frame around it, refusals, and the record that somebody looked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.shortcuts import render as render_template
from django.template.loader import render_to_string
from django.urls import reverse

from pathway import access, audit, clock, errors
from pathway.engine import schedule
from pathway.selectors import consequences, emergencies, inbox, patient_pages
from pathway.selectors.consequences import Moment

UNPROCESSABLE = 422
STATUS_BY_REFUSAL: Mapping[type[errors.Refused], int] = {
    errors.NotFound: 404,
    errors.Conflict: 409,
    access.Forbidden: 403,
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def user_of(request: HttpRequest) -> access.Person:
    """Who is signed in; the middleware lets nobody else come here."""
    return cast(access.Person, request.user)


def render(
    request: HttpRequest, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> HttpResponse:
    """A whole page, with the number of unread messages in its header."""
    with transaction.atomic(savepoint=False):  # a refusal is shown after its view was rolled back
        frame = {"unread": inbox.unread(user_of(request), clock.now())} if request.user.is_authenticated else {}
        return render_template(request, f"pathway/{template}.html", {**frame, **(context or {})}, status=status)


def about(
    request: HttpRequest,
    patient: access.Subject,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    at: datetime,
    action: str = "patient.read",
    status: int = 200,
) -> HttpResponse:
    """A page about one patient: who it is stands above, and that it was read goes on record."""
    # Asked first: the way on which the person sees the patient goes on record with the read.
    standing = access.standing(user_of(request), patient, at)
    audit.read(action, by=user_of(request), patients=[patient.pk])
    given = dict(context or {})
    if "header" not in given:
        today = schedule.local_day(at, patient.site.time_zone)
        given["header"] = patient_pages.header(patient, patient_pages.newest_enrollment(patient), today)
    given["permits"] = {permit.name.lower() for permit in standing.permits}
    given["standing"] = standing
    given["access_notes"] = emergencies.notes(user_of(request), patient, at)
    return render(request, template, given, status=status)


def number(text: str) -> int | None:
    """A key out of an address; None for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


# refusals


def status_of(refused: errors.Refused) -> int:
    return next((code for kind, code in STATUS_BY_REFUSAL.items() if isinstance(refused, kind)), UNPROCESSABLE)


def refusal(request: HttpRequest, refused: errors.Refused) -> HttpResponse:
    if isinstance(refused, errors.NotFound):
        return not_found(request)
    return render(request, "refused", {"refused": refused}, status=status_of(refused))


def successor(request: HttpRequest) -> HttpResponse | None:
    """An address of a record that was merged leads to the one that goes on, for who may know of both; else None."""
    uuid = request.resolver_match.kwargs.get("uuid") if request.resolver_match else None
    if uuid is None or request.method not in ("GET", "HEAD"):
        return None
    with transaction.atomic():  # that of the view has been rolled back
        found = access.successor(request.user, uuid)
    return redirect("patient", uuid=found) if found is not None else None


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The same for what is missing and for what is not visible, byte for byte: it depends on nothing."""
    return HttpResponse(render_to_string("pathway/not_found.html"), status=404)


# what an action did


@dataclass(slots=True)
class Stopwatch:
    """The moment of an action, and the real time around it by which its audit events are found."""

    at: datetime
    begun: datetime

    @classmethod
    def start(cls) -> Stopwatch:
        return cls(clock.now(), clock.real_now())

    def mark(self) -> str:
        """For the address of the page that shows what was done: three instants in microseconds."""
        moments = (self.at, self.begun, clock.real_now())
        return "-".join(str((moment - EPOCH) // MICROSECOND) for moment in moments)


def patient_address(patient: access.Subject, did: str = "") -> str:
    address = reverse("patient", args=[patient.uuid])
    return f"{address}?did={did}#did" if did else address


def done(request: HttpRequest, patient: access.Subject) -> list[consequences.Consequence] | None:
    """What the action that led here did; None when the address names none."""
    moment = moment_of(request)
    return consequences.of(patient, moment) if moment is not None else None


def moment_of(request: HttpRequest) -> Moment | None:
    """When the action happened that led here."""
    return _read_mark(request.GET.get("did", ""))


def _read_mark(text: str) -> Moment | None:
    parts = text.split("-")
    if len(parts) != 3 or not all(part.isascii() and part.isdigit() and len(part) <= 17 for part in parts):
        return None
    try:
        return Moment(*(EPOCH + int(part) * MICROSECOND for part in parts))
    except OverflowError:
        return None
