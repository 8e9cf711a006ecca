"""Print which role may do what, or write it into the documentation."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from pathway.selectors import role_matrix


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--write", action="store_true", help="write docs/roles.md instead of printing")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["write"]:
            (Path(settings.BASE_DIR) / "docs" / "roles.md").write_text(role_matrix.markdown(), encoding="utf-8")
        else:
            self.stdout.write(role_matrix.markdown(), ending="")
