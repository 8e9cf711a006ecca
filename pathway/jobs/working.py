"""What every job does around its work: it acts as a service, and says afterwards that it and the worker are alive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pathway import actor, clock, flow
from pathway.actor import Service

WORKER = "worker"


@contextmanager
def working(service: Service, component: str = "") -> Iterator[clock.Reading]:
    """The clocks are read once, at the door. A job that fails says nothing: its heartbeat grows old."""
    with actor.acting(actor.service(service)):
        reading = clock.read()
        yield reading
        for name in filter(None, (component, WORKER)):
            flow.beat(name, at=reading.at, skew=reading.skew)
