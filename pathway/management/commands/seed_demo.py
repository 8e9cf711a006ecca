"""Make the demo clinic: invented patients whose months are played through the same river as everything else."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from config import embedded, places
from pathway import clock, errors
from pathway.demo import clinic
from pathway.demo.clinic import Progress
from pathway.engine.yamltext import ContentError

MOST_PATIENTS, MOST_MONTHS = 2_000, 60
LINE_EVERY = 10


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--patients", type=_up_to(MOST_PATIENTS), default=60)
        parser.add_argument("--months", type=_up_to(MOST_MONTHS), default=24)
        parser.add_argument("--seed", type=int, default=1, help="the same number makes the same patients")

    def handle(self, *args: Any, patients: int, months: int, seed: int, **options: Any) -> None:
        folder = Path(settings.BASE_DIR) / "fixtures" / "demo"
        file = embedded.accounts_file()
        try:
            with self._progress("patients") as progress:
                seeded = clinic.seed(
                    folder,
                    patients=patients,
                    months=months,
                    seed=seed,
                    now=clock.now(),
                    file=file,
                    keep=places.write_private,
                    progress=progress,
                )
        except (ContentError, errors.Refused, OSError) as error:
            raise CommandError(str(error)) from error
        self._report(seeded, file)

    def _report(self, seeded: clinic.Seeded, file: Path) -> None:
        self.stdout.write(f"{seeded.patients} patients added to the demo clinic")
        for account in seeded.accounts:
            self.stdout.write(f"{account.username:<30} {account.password:<20} {account.role}")
        if seeded.accounts:
            self.stdout.write(f"These accounts are kept in {file}; `manage.py demo_accounts` shows them again.")

    @contextmanager
    def _progress(self, what: str) -> Iterator[Progress]:
        """A bar in a terminal, else a line now and then."""
        if not self.stdout.isatty():
            yield self._line(what)
            return
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with Bar(*columns, console=Console(file=self.stdout)) as bar:  # type: ignore[arg-type]
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    def _line(self, what: str) -> Progress:
        def tell(done: int, total: int) -> None:
            if done % LINE_EVERY == 0 or done == total:
                self.stdout.write(f"{done} of {total} {what}")
                self.stdout.flush()

        return tell


def _up_to(most: int) -> Any:
    """A whole number from 1 to `most`."""

    def whole(text: str) -> int:
        if not text.isdigit() or not 1 <= int(text) <= most:
            raise ArgumentTypeError(f"a whole number from 1 to {most} is needed: {text!r}")
        return int(text)

    return whole
