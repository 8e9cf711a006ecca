"""Write one patient's whole record into a ZIP file."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from pathway import actor, audit, clock
from pathway.models import Patient
from pathway.selectors import record_export


class Command(BaseCommand):
    """By the owner of the data; it goes on record with the account that ran it."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("uuid", type=UUID, help="the patient's UUID, from the address of the page")
        parser.add_argument("--reason", required=True, help="what for; goes into the audit")
        parser.add_argument("--to", type=Path, default=Path(), help="folder (default: the present one)")

    def handle(self, *args: Any, uuid: UUID, reason: str, to: Path, **options: Any) -> None:
        at = clock.now()
        with actor.acting(actor.MAINTENANCE), record_export.snapshot():
            patient = Patient.objects.unscoped("export and erasure").select_related("site").filter(uuid=uuid).first()
            if patient is None or patient.erased_at is not None:
                raise CommandError("There is no such record.")
            told = {"by": getpass.getuser()}
            audit.record("record.exported", by=None, patient=patient, subject=patient, reason=reason, after=told)
            made = record_export.export(patient, at=at)
            path = to / made.name
            with path.open("xb") as file:
                path.chmod(0o600)
                file.write(made.content)
        self.stdout.write(
            f"{path}: {sum(made.rows.values())} rows of {len([1 for n in made.rows.values() if n])} tables"
        )
