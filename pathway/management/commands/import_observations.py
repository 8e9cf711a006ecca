"""Import a table of observations: all of the file, or nothing of it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from pathway import clock, errors
from pathway.engine.content import ContentError
from pathway.engine.tables.reading import TableError
from pathway.imports import importing
from pathway.imports.histories import History
from pathway.imports.run import Outcome


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a CSV file in UTF-8, with a header")
        parser.add_argument("--mapping", type=Path, required=True, help="what its columns mean (docs/import.md)")
        parser.add_argument("--site", default="", metavar="SLUG", help="instead of the site that the mapping names")
        parser.add_argument("--dry-run", action="store_true", help="do everything, show it, store nothing")
        parser.add_argument("--large", action="store_true", help="lift the limits of size and rows")

    def handle(self, *args: Any, file: Path, mapping: Path, **options: Any) -> None:
        try:
            outcome = self._import(file, mapping, options)
        except (TableError, ContentError, errors.Refused, OSError) as error:
            raise CommandError(f"Nothing was stored: {error}") from error
        if outcome.refusals:
            for refusal in outcome.refusals:
                self.stderr.write(f"{file.name}, {refusal}")
            raise CommandError(f"Nothing was stored: {_many(len(outcome.refusals), 'refusal')}, listed above")
        for history in outcome.histories:
            self._show(history)
        self._sum_up(outcome)

    def _import(self, file: Path, mapping: Path, options: dict[str, Any]) -> Outcome:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task(file.name, total=file.stat().st_size)
            return importing.import_file(
                file,
                mapping,
                at=clock.now(),
                site=options["site"],
                dry_run=options["dry_run"],
                large=options["large"],
                progress=lambda bytes_read: bar.update(task, completed=bytes_read),
            )

    def _show(self, history: History) -> None:
        self.stdout.write(f"\n{history.identifier}  {history.pathway}")
        self.stdout.write(f"  {'visit':<10}  {'total':>5}  {'slope/mo':>8}  {'King':>4}  {'MiToS':>5}")
        for line in history.visits:
            shown = f"  {line.day}  {line.total:>5}  {line.slope:>8}  {line.kings:>4}  {line.mitos:>5}  {line.remarks}"
            self.stdout.write(shown.rstrip())
        for name, lines in (("alert", history.alerts), ("proposal", history.proposals)):
            for told in lines or ["none"]:
                self.stdout.write(f"  {name:<8}  {told}")
        for told in history.flags:
            self.stdout.write(f"  {'flag':<8}  {told}")

    def _sum_up(self, outcome: Outcome) -> None:
        self.stdout.write(f"\n{outcome.title}, site {outcome.site}")
        enrolled = f" ({outcome.enrolled} enrolled)" if outcome.enrolled else ""
        self.stdout.write(f"  {_many(outcome.patients, 'patient')}{enrolled}, {_many(outcome.rows, 'row')}, 0 refused")
        self.stdout.write(f"  {_many(outcome.stored, 'observation')} stored, {outcome.known} known before")
        if outcome.started:
            self.stdout.write(f"  {_many(outcome.started, 'intervention')} started")
        for column, count in outcome.unclear.items():
            self.stdout.write(f"  {column} is empty on {_many(count, 'visit')}: taken as not yet, check it")
        for column, why in outcome.left_out.items():
            self.stdout.write(f"  left out: {column} ({why})")
        if outcome.is_dry_run:
            self.stdout.write("Dry run: nothing was stored.")
        elif not outcome.stored and not outcome.started:
            self.stdout.write("Nothing new: every row had been imported before.")


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
