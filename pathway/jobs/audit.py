"""The audit looks after itself: events are sealed, and the parts of coming months are made in time."""

from celery import shared_task

from pathway import office
from pathway.actor import Service
from pathway.jobs.working import working


@shared_task
def seal() -> None:
    """Seal what was audited since the last run."""
    with working(Service.AUDIT, "seal") as reading:
        office.seal_audit(at=reading.at)


@shared_task
def keep() -> None:
    """Seal also what came late, make the parts of the coming months, and log the head of the chain."""
    with working(Service.AUDIT, "keep") as reading:
        office.seal_audit(at=reading.at, whole=True)
        office.keep_audit(at=reading.at)
