"""Take a backup of the whole database into one file, and see that it holds every row."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config import environment
from pathway import clock
from pathway.backups import BackupError, dumping, endpoints


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to",
            type=Path,
            metavar="FILE|DIR",
            help="a new file, or a folder in which the file gets a name with the moment (default: PATHWAY_BACKUP_DIR)",
        )
        parser.add_argument("--keep", type=int, metavar="N", help="in a folder: remove all but the N newest afterwards")
        parser.add_argument(
            "--role",
            default=endpoints.BACKUP_ROLE,
            help=f"of the database, that reads everything (default {endpoints.BACKUP_ROLE})",
        )

    def handle(self, *args: Any, to: Path | None, keep: int | None, role: str, **options: Any) -> None:
        place = to or _usual_place()
        in_folder = to is None or place.is_dir() or place.suffix == ""
        if keep is not None and (keep < 1 or not in_folder):
            raise CommandError("--keep takes a number from 1, for a folder of backups.")
        source, at = endpoints.of_settings(), clock.real_now()
        try:
            if in_folder:
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                place = place / dumping.file_name(source, at)
            made = dumping.make(source, place, at=at, role=role)
            removed = dumping.rotate(place.parent, source, keep) if keep else []
        except (BackupError, OSError) as error:
            raise CommandError(f"No backup: {error}") from error
        self.stdout.write(f"{place}: {made.rows} rows of {len(made.tables)} tables, as of {made.made_at}")
        for path in removed:
            self.stdout.write(f"removed {path}")


def _usual_place() -> Path:
    chosen = environment.Environment().text("PATHWAY_BACKUP_DIR")
    data: Path | None = getattr(settings, "DATA_DIR", None)
    if not chosen and data is None:
        raise CommandError("Say where with --to, or set PATHWAY_BACKUP_DIR.")
    return Path(chosen) if chosen else Path(str(data)) / "backups"
