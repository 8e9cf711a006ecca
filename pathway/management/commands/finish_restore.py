"""The last step of `restore`, on the restored database: hold the outbox, note it in the audit, and see that it serves.

Exit status 1 when it should not. It may run again.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pathway.backups import BackupError, proving, restoring


class Command(BaseCommand):
    help = (__doc__ or "").splitlines()[0]
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the backup that was restored")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            backup = restoring.examine(file)
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        proving.settle(backup)
        wrong = proving.problems(backup)
        for one in wrong:
            self.stderr.write(one)
        if wrong:
            sys.exit(1)
        self.stdout.write("walls, promises and the chain of the audit hold, and the application answers")
        if proving.has_other_key(backup):
            self.stdout.write(
                "SECRET_KEY is another one than that of the backup: second factors cannot be opened with it, and"
                " everybody is signed out. Bring the former key as SECRET_KEY_PREVIOUS and run `reseal_factors`."
            )
        self.stdout.write("The outbox is held: messages wait until somebody runs `manage.py outbox release`.")
