"""Write the reminders that are due and deliver them, once or for ever."""

from __future__ import annotations

import getpass
import signal
import threading
from argparse import ArgumentParser
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from pathway import clock, flow, office

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Needs no broker: with Celery gone, reminders still go out."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", action="store_true", help="go on until SIGTERM or Ctrl-C")
        parser.add_argument("--interval", type=float, default=30.0, help="seconds between two sweeps (default 30)")

        parser.add_argument(
            "--clock-is-right",
            action="store_true",
            help="the database's clock jumped ahead and is right all the same: go on at once",
        )

    def handle(self, *args: Any, loop: bool, interval: float, clock_is_right: bool, **options: Any) -> None:
        if not 0 < interval <= 3600:
            raise CommandError(f"--interval {interval:g} is not between 0 and 3600 seconds.")
        if clock_is_right:
            self._trust()
        if loop:
            _run_until_asked(interval)
        else:
            self._sweep()

    def _trust(self) -> None:
        """A jump that nobody has noticed yet is noticed first, or the next sweep would stop at it."""
        reading = clock.read()
        flow.is_clock_trusted(reading)
        released = office.trust_clock(at=reading.at, by=getpass.getuser())
        self.stdout.write("The clock is trusted again." if released else "The clock was not in doubt.")

    def _sweep(self) -> None:
        reading = clock.read()
        written = flow.sweep(at=reading.at, trigger="command", reading=reading)
        if not flow.is_clock_trusted(reading):
            raise CommandError(
                "Nobody was reminded: the database's clock is far ahead of the last sweep. After ten minutes it is"
                " believed; if it is right, go on at once with --clock-is-right."
            )
        self.stdout.write(f"{written} reminders written")


def _run_until_asked(interval: float) -> None:
    """Sweep, wait, again; a sweep that was begun is finished before the end."""
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.set())
    while not asked.is_set():
        _sweep_once()
        asked.wait(interval)


def _sweep_once() -> None:
    try:
        reading = clock.read()
        written = flow.sweep(at=reading.at, trigger="loop", reading=reading)
    except DatabaseError as error:
        # The database may be starting again; the next turn finds everything that is due.
        log.warning("sweep failed", reason=str(error).strip())
        connection.close()
    else:
        if written:
            log.info("swept", reminders=written)
