"""Delivery without waiting for the next sweep."""

from celery import shared_task

from pathway import actor, clock, flow
from pathway.actor import Service


@shared_task
def deliver() -> None:
    """Name the persons of reminders that wait, and send."""
    with actor.acting(actor.service(Service.DELIVER)):
        flow.deliver(at=clock.now())
