"""How the machinery is doing, for machines that watch it: as JSON for people and checks, and as numbers to be scraped.

Everything is read from the database when it is asked for, so that any web process tells the same. Nothing is about
patients. It is for whoever asks from a network of the operator's, brings the operator's token, or belongs to the staff;
for everybody else there is nothing here.
"""

from __future__ import annotations

import hmac
import http
import ipaddress
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import wraps
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pathway import VERSION, actor, clock
from pathway.actor import Service
from pathway.selectors import gaps, health
from pathway.selectors.health import Health
from pathway.web import pages

log = structlog.get_logger(__name__)

View = Callable[[HttpRequest], HttpResponse]
UNAVAILABLE = http.HTTPStatus.SERVICE_UNAVAILABLE


def for_watchers(view: View) -> View:
    """Open to no one else: what is not for somebody and what is not there get the same answer."""

    @login_not_required
    @require_safe
    @wraps(view)
    def watched(request: HttpRequest) -> HttpResponse:
        if not (_is_of_staff(request) or _has_token(request) or _is_near(request)):
            return pages.not_found(request)
        try:
            return view(request)
        except DatabaseError as error:
            log.warning("the database does not answer", reason=str(error).strip())
            return HttpResponse("the database does not answer\n", status=UNAVAILABLE, content_type="text/plain")

    return watched


@for_watchers
def status(request: HttpRequest) -> HttpResponse:
    """503 while reminders are late, for whatever reason; warnings do not change the status."""
    found = _state()
    late = found.late
    with actor.acting(actor.service(Service.DELIVER)), transaction.atomic():
        alone = len(gaps.sites_alone())
    answer = {
        "status": "ok" if late is None else "late",
        "late": None if late is None else {"why": late.why.value, "since": late.since, "until": late.until},
        "warnings": [*found.warnings, *(["site-without-coordinator"] if alone else [])],
        "at": found.at,
        "lag_seconds": _seconds(found.lag),
        "last_sweep_age_seconds": _seconds(found.last_sweep),
        "sweep_interval_seconds": settings.SWEEP_SECONDS,
        "reminders_unresolved": found.unresolved,
        "deliveries_queued": found.queued,
        "messages_failed": found.failed,
        "enrollments_not_judged": found.unjudged,
        "sites_without_coordinator": alone,
        "outbox_held": found.is_outbox_held,
        "clock": {
            "skew_seconds": _seconds(found.skew),
            "set_by_seconds": None if found.step is None else _seconds(found.step.by),
            "set_at": None if found.step is None else found.step.at,
        },
        "heartbeats": {
            name: {"age_seconds": _seconds(beat.age), "old": beat.is_old} for name, beat in found.heartbeats.items()
        },
        "version": VERSION,
    }
    return JsonResponse(answer, status=http.HTTPStatus.OK if late is None else UNAVAILABLE)


@for_watchers
def metrics(request: HttpRequest) -> HttpResponse:
    """In the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Numbers(Collector):
    """Labels are names of channels, states and parts of the machinery, of which there are few."""

    def collect(self) -> Iterator[Metric]:
        found = _state()
        yield InfoMetricFamily("pathway_build", "What is running.", value={"version": VERSION})
        yield from _gauges(found)
        ages = GaugeMetricFamily(
            "pathway_heartbeat_age_seconds", "Since a part was last at work.", labels=["component"]
        )
        for name, beat in found.heartbeats.items():
            ages.add_metric([name], beat.age.total_seconds())
        yield ages
        with actor.acting(actor.service(Service.DELIVER)), transaction.atomic():
            reminders = health.reminders_of_a_day(found.at)
            deliveries = health.deliveries_of_a_day(found.at)
        written = GaugeMetricFamily("pathway_reminders_day", "Reminders of the last 24 hours.", labels=["status"])
        for name, number in reminders.items():
            written.add_metric([name], number)
        yield written
        sent = GaugeMetricFamily(
            "pathway_deliveries_day", "Deliveries laid out in the last 24 hours.", labels=["channel", "status"]
        )
        for one in deliveries:
            sent.add_metric([one.channel, one.status], one.number)
        yield sent


def _gauges(found: Health) -> Iterator[Metric]:
    numbers: dict[str, tuple[str, float | None]] = {
        "late": ("1 while reminders are late.", found.is_late),
        "sweep_lag_seconds": ("How long the oldest reminder that is due has been waiting.", _seconds(found.lag)),
        "sweep_age_seconds": ("Since the last finished sweep.", _seconds(found.last_sweep)),
        "sweep_interval_seconds": ("How often a sweep is meant to run.", settings.SWEEP_SECONDS),
        "reminders_unresolved": ("Reminders whose persons are not named yet.", found.unresolved),
        "deliveries_queued": ("Deliveries that wait.", found.queued),
        "messages_failed": ("Messages that no channel took.", found.failed),
        "enrollments_not_judged": ("Live enrollments whose daily judging is behind.", found.unjudged),
        "outbox_held": ("1 while nothing leaves but into inboxes.", found.is_outbox_held),
        "clock_skew_seconds": ("This side's clock, less the database's.", _seconds(found.skew)),
        "warnings": ("How many things somebody should look into.", len(found.warnings)),
    }
    for name, (text, number) in numbers.items():
        if number is not None:
            yield GaugeMetricFamily(f"pathway_{name}", text, value=float(number))


def _state() -> Health:
    with actor.acting(actor.service(Service.DELIVER)), transaction.atomic():
        reading = clock.read()
        return health.state(reading.at, reading.skew)


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else round(span.total_seconds(), 3)


# who may ask


def _is_of_staff(request: HttpRequest) -> bool:
    user: Any = request.user
    return bool(user.is_authenticated and user.is_active and user.is_staff)


def _has_token(request: HttpRequest) -> bool:
    kind, _, given = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.MONITOR_TOKEN
    return bool(wanted) and kind.lower() == "bearer" and hmac.compare_digest(given.encode(), wanted.encode())


def _is_near(request: HttpRequest) -> bool:
    """By the address of the other end of the connection. What came through a proxy brings the token: where private
    networks are trusted as proxies, a client of one of them could write any address into the chain."""
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    try:
        address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return any((mapped or address) in ipaddress.ip_network(one) for one in settings.MONITOR_NETWORKS)
