"""Bring a backup back into an empty database, compare it row by row, and hold the outbox until somebody releases it."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import embedded, environment, places
from pathway.backups import BackupError, endpoints, restoring
from pathway.backups.manifest import Manifest

MANAGE = [sys.executable, str(places.BASE_DIR / "manage.py")]


class Command(BaseCommand):
    help = __doc__ or ""
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a backup, as `backup` has made it")
        target = parser.add_mutually_exclusive_group()
        target.add_argument("--into", metavar="URL", help="of an empty database (better: PATHWAY_RESTORE_URL_FILE)")
        target.add_argument("--data-dir", type=Path, metavar="DIR", help="a new data folder, for the embedded database")

    def handle(self, *args: Any, file: Path, into: str | None, data_dir: Path | None, **options: Any) -> None:
        try:
            backup = restoring.examine(file)
            self.stdout.write(f"{file} is whole: {backup.rows} rows of {len(backup.tables)} tables, {backup.made_at}")
            url, variables = _target(into, data_dir)
            target = endpoints.of_url(url)
            restoring.restore(file, backup, target)
            wrong = restoring.compare(backup, target)
        except (BackupError, OSError) as error:
            raise CommandError(f"Not restored: {error}") from error
        for one in wrong:
            self.stderr.write(one)
        if wrong:
            raise CommandError("The database is not what the backup held. Do not let it serve; its outbox is held.")
        self.stdout.write("every row, trigger, policy and right is as in the backup")
        self.stdout.flush()
        _finish(file, backup, variables)


def _target(into: str | None, data_dir: Path | None) -> tuple[str, dict[str, str]]:
    """The URL, and the variables with which a command works on that database, as its owner."""
    plain = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL_FILE", "PATHWAY_DB_ROLE")}
    if data_dir is not None:
        data = places.prepared(data_dir)
        embedded.join(data)
        url = embedded.database_url(data)
        return url, plain | {"DATABASE_URL": url, "PATHWAY_DATA_DIR": str(data)}
    url = into or environment.Environment().secret("PATHWAY_RESTORE_URL")
    if not url:
        raise BackupError("Say where: --into URL, PATHWAY_RESTORE_URL(_FILE), or --data-dir DIR.")
    return url, plain | {"DATABASE_URL": url}


def _finish(file: Path, backup: Manifest, variables: dict[str, str]) -> None:
    steps = [["finish_restore", str(file)]]
    if restoring.is_older(backup):
        steps.insert(0, ["migrate", "--no-input", "--verbosity", "1"])
    for step in steps:
        if subprocess.run([*MANAGE, *step], env=variables, check=False).returncode:
            raise CommandError(f"Restored, but `{step[0]}` found faults: do not let it serve. Its outbox is held.")
