"""Ask the database whether everything holds that must always hold; exit status 1 when something does not."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from pathway import clock
from pathway.selectors import invariants

SHOWN = 20  # offenders of one promise


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        broken = invariants.violations(clock.now())
        for one in broken:
            self.stdout.write(f"BROKEN {one.number}. {one.promise}")
            for offender in one.offenders[:SHOWN]:
                self.stdout.write(f"  {offender}")
            if len(one.offenders) > SHOWN:
                self.stdout.write(f"  and {len(one.offenders) - SHOWN} more")
        self.stdout.write(f"{invariants.count() - len(broken)} of {invariants.count()} promises hold")
        if broken:
            sys.exit(1)
