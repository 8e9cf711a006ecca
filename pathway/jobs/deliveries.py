"""Delivery without waiting for the next sweep."""

from celery import shared_task

from pathway import clock, flow


@shared_task
def deliver() -> None:
    """Name the persons of reminders that wait, and send."""
    flow.deliver(at=clock.now())
