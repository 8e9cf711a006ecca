"""Holding back what would leave the server, letting it go, and trying again what failed. Only operators do."""

from __future__ import annotations

from datetime import datetime

from pathway import audit, errors
from pathway.models import Delivery, DeliveryStatus, Dispatch, OutboxHold, Site


def hold(site: Site | None, *, reason: str, at: datetime, run_by: str) -> OutboxHold:
    """From now on nothing leaves but by the inbox; what is being handed over at this moment still does.

    `site` None holds the whole server. One that stands already is left as it is.
    """
    if not reason.strip():
        raise errors.InvalidEntry("not-allowed", "Say why", "reason")
    standing = OutboxHold.objects.filter(site=site, released_at=None).first()
    if standing is not None:
        return standing
    row = OutboxHold.objects.create(site=site, reason=reason.strip()[:200], held_at=at, held_by=run_by)
    audit.record("outbox.held", by=None, subject=row, reason=row.reason, after=_told(site, run_by))
    return row


def release(site: Site | None, *, at: datetime, run_by: str) -> bool:
    """What has waited leaves with the next sweep. False where nothing was held."""
    row = OutboxHold.objects.select_for_update(of=("self",)).filter(site=site, released_at=None).first()
    if row is None:
        return False
    row.released_at, row.released_by = at, run_by
    row.save(update_fields=["released_at", "released_by"])
    audit.record("outbox.released", by=None, subject=row, after=_told(site, run_by))
    return True


def retry(*, at: datetime, run_by: str) -> int:
    """Everything that failed is tried again from the beginning, under its own keys. Returns how many."""
    failed = list(
        Dispatch.objects.filter(status=DeliveryStatus.FAILED)
        .select_for_update(no_key=True)
        .values_list("pk", flat=True)
    )
    Delivery.objects.filter(dispatch__in=failed, status=DeliveryStatus.FAILED).update(
        status=DeliveryStatus.QUEUED, reason=""
    )
    Dispatch.objects.filter(pk__in=failed).update(
        status=DeliveryStatus.QUEUED, attempts=0, next_at=at, reason="", last_error=""
    )
    if failed:
        audit.record("outbox.retried", by=None, after={"messages": len(failed), "run_by": run_by})
    return len(failed)


def _told(site: Site | None, run_by: str) -> dict[str, object]:
    return {"site": None if site is None else site.pk, "run_by": run_by}
