"""Draw a published pathway: its tracks and stages, what leads to each, what is scheduled there."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pathway import errors
from pathway.engine import drawing, svg
from pathway.models import Pathway
from pathway.selectors import drawings


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("pathway", help="its code, such as als-limb")
        parser.add_argument("--output", type=Path, help="file to write; otherwise the drawing is printed")
        parser.add_argument("--text", action="store_true", help="in words instead of SVG")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            picture = drawings.picture(options["pathway"])
        except errors.NotFound as error:
            known = ", ".join(Pathway.objects.order_by("code").values_list("code", flat=True)) or "none yet"
            raise CommandError(f"{error.reason}; there are: {known}") from error
        told = drawing.as_text(picture) if options["text"] else svg.draw(picture)
        if options["output"] is None:
            self.stdout.write(told, ending="")
            return
        try:
            options["output"].write_text(told, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['output']}: {error.strerror}") from error
