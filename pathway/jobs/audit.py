"""The audit looks after itself: events are sealed, and the parts of coming months are made in time."""

from celery import shared_task

from pathway import actor, clock, flow
from pathway.actor import Service


@shared_task
def seal() -> None:
    """Seal what was audited since the last run."""
    with actor.acting(actor.service(Service.AUDIT)):
        flow.seal_audit(at=clock.now())


@shared_task
def keep() -> None:
    """Seal also what came late, make the parts of the coming months, and log the head of the chain."""
    with actor.acting(actor.service(Service.AUDIT)):
        at = clock.now()
        flow.seal_audit(at=at, whole=True)
        flow.keep_audit(at=at)
