"""Load the shipped vocabulary, rule sets and pathways; running it again changes nothing."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from pathway import clock, office
from pathway.engine.content import ContentError


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, default=Path(settings.BASE_DIR) / "fixtures")

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            lines = office.load_pathways(folder, at=clock.now())
        except (ContentError, FileNotFoundError) as error:
            raise CommandError(str(error)) from error
        for line in lines or ["nothing new"]:
            self.stdout.write(line)
