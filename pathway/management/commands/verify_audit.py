"""Walk the chain of seals over the audit; exit status 1 when an event was altered, removed or put in afterwards."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pathway import clock
from pathway.selectors import audit_chain

HEAD = re.compile(r"[1-9][0-9]{0,17}:[0-9a-f]{64}")


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--expect",
            default="",
            metavar="POSITION:DIGEST",
            help="a head that was logged earlier: finds a chain that was written anew, or whose end was cut off",
        )

    def handle(self, *args: Any, expect: str, **options: Any) -> None:
        if expect and not HEAD.fullmatch(expect):
            raise CommandError("--expect takes a head as the log has it, POSITION:DIGEST.")
        # The wall clock: so do the events.
        found = audit_chain.verify(clock.real_now(), expected=expect)
        self.stdout.write(f"{found.sealed} events hold; {found.unsealed} of the last hour are not sealed yet")
        self.stdout.write(f"head {found.head}")
        for fault in found.faults:
            self.stderr.write(str(fault))
        if found.faults:
            sys.exit(1)
