"""What did not leave the server: messages that were tried too often, and holds of the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from pathway.models import DeliveryStatus, Dispatch, OutboxHold, Site
from pathway.selectors import shown

SHOWN = 200


@dataclass(frozen=True, slots=True)
class Failed:
    """A message that did not reach its person outside of the server. It is in their inbox, and the tasks are open."""

    pk: int
    who: str
    channel: str
    what: str
    items: int
    tried: str  # the last time
    attempts: int
    error: str


@dataclass(frozen=True, slots=True)
class Outbox:
    waiting: int
    in_flight: int
    failed: int
    holds: Sequence[OutboxHold]


def failed_deliveries(site: Site) -> list[Failed]:
    """For the coordinators of the site, newest first. Names no patient."""
    rows = Dispatch.objects.filter(site=site, status=DeliveryStatus.FAILED).select_related("person")
    return [
        Failed(
            pk=row.pk,
            who=row.person.display_name,
            channel=row.channel,
            what=str(row.get_kind_display()),
            items=row.items,
            tried=shown.moment(row.next_at, site),
            attempts=row.attempts,
            error=row.last_error,
        )
        for row in rows.order_by("-next_at", "-pk")[:SHOWN]
    ]


def outbox() -> Outbox:
    """How things stand, for an operator."""
    counted = Dispatch.objects.aggregate(
        waiting=Count("pk", filter=Q(status=DeliveryStatus.QUEUED)),
        in_flight=Count("pk", filter=Q(status=DeliveryStatus.IN_FLIGHT)),
        failed=Count("pk", filter=Q(status=DeliveryStatus.FAILED)),
    )
    holds = OutboxHold.objects.filter(released_at=None).select_related("site").order_by("held_at", "pk")
    return Outbox(counted["waiting"], counted["in_flight"], counted["failed"], list(holds))


def is_held() -> bool:
    """Whether nothing leaves the whole server."""
    return OutboxHold.objects.filter(site=None, released_at=None).exists()
