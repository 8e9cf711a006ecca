"""List every statement of the source article with what implements it, and every review that is late.

Exit status 1 when a statement has nothing that implements it.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from pathway import clock
from pathway.selectors import coverage, reviews
from pathway.selectors.coverage import Coverage, Covered
from pathway.selectors.reviews import Late


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print the list as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        today = clock.now().date()
        found, late = coverage.report(today), reviews.overdue(today)
        if options["json"]:
            self.stdout.write(json.dumps(_plain(found, late), indent=1, ensure_ascii=False))
        else:
            self._print(found, late)
        if not found.is_complete:
            sys.exit(1)

    def _print(self, found: Coverage, late: list[Late]) -> None:
        for one in found.statements:
            self.stdout.write("\n".join(_lines(one)))
        if not found.statements:
            self.stdout.write("No statements are loaded: run load_pathways first")
        for review in late:
            self.stdout.write(f"REVIEW OVERDUE {review}")
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


def _plain(found: Coverage, late: list[Late]) -> dict[str, Any]:
    return {
        "covered": found.holding,
        "of": len(found.statements),
        "is_complete": found.is_complete,
        "failing": [one.code for one in found.failing],
        "overdue": [one.code for one in found.overdue],
        "reviews_overdue": [{**dataclasses.asdict(one), "since": one.since.isoformat()} for one in late],
        "statements": [{**dataclasses.asdict(one), "review_by": one.review_by.isoformat()} for one in found.statements],
    }
