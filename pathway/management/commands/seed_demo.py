"""Make the demo clinic: invented patients whose months are played through the same river as everything else."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from config import embedded, places
from pathway import clock, errors
from pathway.demo import bulk, clinic
from pathway.demo.clinic import Clinic, Order, Progress
from pathway.engine.yamltext import ContentError

MOST_PATIENTS, MOST_MONTHS, MOST_BULK, MOST_PROCESSES = 2_000, 60, 5_000_000, 16
LINE_EVERY, LINE_EVERY_BULK = 10, 10_000
BULK_SITE = ("bulk", "Bulk clinic")
USUAL_PROCESSES = min(2, os.cpu_count() or 1)


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--patients", type=_up_to(MOST_PATIENTS), default=60)
        parser.add_argument("--months", type=_up_to(MOST_MONTHS), default=24)
        parser.add_argument("--seed", type=int, default=1, help="the same number makes the same patients")
        parser.add_argument("--processes", type=_up_to(MOST_PROCESSES), default=USUAL_PROCESSES)
        parser.add_argument(
            "--bulk", type=_up_to(MOST_BULK), metavar="N", help="instead: N fresh patients at a site for benchmarks"
        )
        # What this command tells the further processes that it starts.
        parser.add_argument("--share", type=_up_to(MOST_PROCESSES), help=SUPPRESS)
        parser.add_argument("--now", type=datetime.fromisoformat, help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["bulk"]:
                self._bulk(options["bulk"])
            else:
                self._seed(options)
        except (ContentError, errors.Refused, OSError) as error:
            raise CommandError(str(error)) from error

    def _seed(self, options: dict[str, Any]) -> None:
        order = Order(options["patients"], options["months"], options["seed"], options["now"] or clock.now())
        file = embedded.accounts_file()
        folder = Path(settings.BASE_DIR) / "fixtures" / "demo"
        made = clinic.open_clinic(folder, file=file, keep=places.write_private)
        if options["share"]:
            share = (options["share"], options["processes"])
            clinic.play(made, order, progress=_while_parent_lives(), share=share)
            return
        others = [_start(order, number, options["processes"]) for number in range(1, options["processes"])]
        try:
            with self._progress("patients") as progress:
                clinic.play(made, order, progress=progress, share=(0, options["processes"]))
                failed = [other for other in others if other.wait() != 0]
                progress(order.patients, order.patients)
        finally:
            for other in others:
                other.terminate()
        clinic.settle(now=order.now)
        if failed:
            raise CommandError("A part of the demo clinic could not be made; running it again goes on there.")
        self._report(made, file)

    def _bulk(self, patients: int) -> None:
        with self._progress("patients for benchmarks", every=LINE_EVERY_BULK) as progress:
            added = bulk.make(clinic.ensure_site(*BULK_SITE), patients, now=clock.now(), progress=progress)
        self.stdout.write(f"{added} patients added to {BULK_SITE[1]}")

    def _report(self, made: Clinic, file: Path) -> None:
        for account in made.new_accounts:
            self.stdout.write(f"{account.username:<30} {account.password:<20} {account.role}")
        if made.new_accounts:
            self.stdout.write(f"These accounts are kept in {file}; `manage.py demo_accounts` shows them again.")
        self.stdout.write("The demo clinic is ready.")

    @contextmanager
    def _progress(self, what: str, every: int = LINE_EVERY) -> Iterator[Progress]:
        """A bar in a terminal, else a line now and then."""
        if not self.stdout.isatty():
            yield self._lines(what, every)
            return
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Bar(*columns, console=Console(file=sys.stdout)) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def _lines(self, what: str, every: int) -> Progress:
        told = 0

        def tell(done: int, total: int) -> None:
            nonlocal told
            if done // every > told // every or (done == total and told != total):
                told = done
                self.stdout.write(f"{done} of {total} {what}")
                self.stdout.flush()

        return tell


def _start(order: Order, share: int, of: int) -> subprocess.Popen[bytes]:
    """Another process that plays its share of the patients; the work is nearly all computing."""
    command = [sys.executable, os.fspath(Path(settings.BASE_DIR) / "manage.py"), "seed_demo"]
    numbers = {
        "patients": order.patients,
        "months": order.months,
        "seed": order.seed,
        "processes": of,
        "share": share,
        "now": order.now.isoformat(),
    }
    return subprocess.Popen([*command, *(f"--{name}={value}" for name, value in numbers.items())])


def _while_parent_lives() -> Progress:
    """Silent; ends this process after the patient at hand once nobody waits for it any more."""
    parent = os.getppid()

    def check(done: int, total: int) -> None:
        if os.getppid() != parent:
            raise CommandError("Nobody waits for these patients any more.")

    return check


def _up_to(most: int) -> Any:
    """A whole number from 1 to `most`."""

    def whole(text: str) -> int:
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise ArgumentTypeError(f"a whole number from 1 to {most} is needed: {text!r}")
        return int(text)

    return whole
