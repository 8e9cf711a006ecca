"""The sweep, as beat wakes it. Its own process and a command wake it too; any one of the three is enough."""

from celery import shared_task

from pathway import flow
from pathway.actor import Service
from pathway.jobs.working import working


@shared_task
def sweep() -> None:
    """Write the reminders that are due and deliver them."""
    with working(Service.DELIVER) as reading:
        flow.sweep(at=reading.at, trigger="beat", reading=reading)
