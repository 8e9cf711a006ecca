"""The sweep, as beat wakes it. Its own process and a command wake it too; any one of the three is enough."""

from celery import shared_task

from pathway import clock, flow


@shared_task
def sweep() -> None:
    """Write the reminders that are due and deliver them."""
    flow.sweep(at=clock.now(), trigger="beat")
