"""Replay scenario files through the same functions that pages, API and jobs call, and leave no trace."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from pathway import clock, errors
from pathway.engine.yamltext import ContentError
from pathway.replay import running

FAILED, INVALID = 1, 2


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--fixtures", action="store_true", help="load the shipped pathways first")
        parser.add_argument("--explain", action="store_true", help="show the evidence of what failed")
        parser.add_argument("--json", action="store_true", help="print the whole report as JSON")

    def handle(self, *args: Any, files: list[Path], **options: Any) -> None:
        fixtures = Path(settings.BASE_DIR) / "fixtures" if options["fixtures"] else None
        try:
            report = running.run(files, fixtures=fixtures, at=clock.now())
        except (ContentError, OSError, errors.NotFound) as error:
            self.stderr.write(str(error))
            sys.exit(INVALID)
        if options["json"]:
            self.stdout.write(json.dumps([one.as_json() for one in report.checked], indent=1))
        for one in report.failed if not options["json"] else ():
            told = one.outcome
            self.stdout.write(f"{one.scenario}, {one.step}: {told.what}: expected {told.expected}, found {told.found}")
            if options["explain"]:
                for line in told.evidence:
                    self.stdout.write(f"    {line}")
        (self.stderr if options["json"] else self.stdout).write(report.summary)
        if report.failed:
            sys.exit(FAILED)
