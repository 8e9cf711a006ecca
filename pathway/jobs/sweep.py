"""The sweep, as beat wakes it. Its own process and a command wake it too; any one of the three is enough."""

from celery import shared_task

from pathway import actor, clock, flow
from pathway.actor import Service


@shared_task
def sweep() -> None:
    """Write the reminders that are due and deliver them."""
    with actor.acting(actor.service(Service.DELIVER)):
        flow.sweep(at=clock.now(), trigger="beat")
