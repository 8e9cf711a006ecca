"""Write the audit of some days as FHIR AuditEvents, one a line, or as a table; patients by UUID, nothing clinical."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from pathway import office, spreadsheets
from pathway.selectors import audit_export


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is no day; write one as 2026-01-31") from error


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", dest="first", type=_day, required=True, help="first day, in UTC")
        parser.add_argument("--to", dest="last", type=_day, required=True, help="last day, in UTC")
        parser.add_argument("--patient", type=UUID, help="of this patient alone")
        parser.add_argument("--format", choices=("fhir", "csv"), default="fhir")

    def handle(self, *args: Any, first: date, last: date, patient: UUID | None, **options: Any) -> None:
        if last < first or last == date.max:
            raise CommandError("--to is the day of --from or a later one.")
        # Taking it out is on record before the first line is out.
        office.note_audit_export(first, last, patient=patient, form=options["format"])
        since = datetime.combine(first, time(), UTC)
        found = audit_export.events(since, datetime.combine(last + timedelta(days=1), time(), UTC), patient=patient)
        lines = _csv(found) if options["format"] == "csv" else _ndjson(found)
        for line in lines:
            self.stdout.write(line, ending="")


def _ndjson(events: Iterator[audit_export.Event]) -> Iterator[str]:
    for event in events:
        for resource in audit_export.fhir(event):
            yield json.dumps(resource, ensure_ascii=False, separators=(",", ":")) + "\n"


def _csv(events: Iterator[audit_export.Event]) -> Iterator[str]:
    yield from spreadsheets.lines(audit_export.HEADER, (audit_export.cells(event) for event in events))
