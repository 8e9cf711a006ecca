"""List every statement of the source article with what implements it; exit status 1 when one has nothing."""

from __future__ import annotations

import dataclasses
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pathway import clock
from pathway.selectors import coverage
from pathway.selectors.coverage import Coverage, Covered


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the list as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = coverage.report(clock.now().date())
        if options["json"]:
            self.stdout.write(json.dumps(_plain(found), indent=1, ensure_ascii=False))
        else:
            self._print(found)
        if not found.is_complete:
            sys.exit(1)

    def _print(self, found: Coverage) -> None:
        for one in found.statements:
            self.stdout.write("\n".join(_lines(one)))
        if not found.statements:
            self.stdout.write("No statements are loaded: run load_pathways first")
        for one in found.overdue:
            self.stdout.write(f"REVIEW OVERDUE {one.code} {one.short}: since {one.review_by}")
        for one in found.failing:
            for problem in one.dangling or ("nothing implements it",):
                self.stdout.write(f"NOT COVERED {one.code} {one.short}: {problem}")
        self.stdout.write(f"{found.holding} of {len(found.statements)}")


def _lines(one: Covered) -> list[str]:
    doubt = f" [{one.doubt_title}]" if one.doubt else ""
    lines = [f"{one.code} {one.short}{doubt}", f"    {one.text}"]
    if one.qualification:
        lines.append(f"    But: {one.qualification}")
    lines += [f"    {implementation}" for implementation in one.implementations]
    return [*lines, f"    mark {one.mark}; {one.source}; review by {one.review_by}"]


def _plain(found: Coverage) -> dict[str, Any]:
    return {
        "covered": found.holding,
        "of": len(found.statements),
        "is_complete": found.is_complete,
        "failing": [one.code for one in found.failing],
        "overdue": [one.code for one in found.overdue],
        "statements": [{**dataclasses.asdict(one), "review_by": one.review_by.isoformat()} for one in found.statements],
    }
