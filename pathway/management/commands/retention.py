"""Say which records of a site may go by its policy and why the others stay; with --apply, erase those."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pathway import actor, clock, errors, flow
from pathway.models import Site
from pathway.selectors import retention


class Command(BaseCommand):
    """Without a policy nothing goes. Records are named by their UUID: the output may be kept."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--site", required=True, help="slug of the site")
        parser.add_argument("--apply", action="store_true", help="erase what may go; there is no way back")
        parser.add_argument("--set", action="store_true", help="set the policy to the two figures that follow")
        parser.add_argument("--years-after-death", type=int, help="with --set; left out: kept for ever")
        parser.add_argument("--years-after-last-contact", type=int, help="with --set; left out: kept for ever")

    def handle(self, *args: Any, **options: Any) -> None:
        at, run_by = clock.now(), getpass.getuser()
        with actor.acting(actor.MAINTENANCE):
            site = Site.objects.filter(slug=options["site"]).first()
            if site is None:
                raise CommandError(f"There is no site {options['site']!r}.")
            if options["set"]:
                self._set(site, options, run_by)
            with transaction.atomic():
                found = list(retention.verdicts(site, at=at))
            for one in found:
                self.stdout.write(f"{one.uuid}  {'goes' if one.goes else 'stays'}: {one.why}")
            going = [one for one in found if one.goes]
            self.stdout.write(f"{len(going)} of {len(found)} records go.")
            if options["apply"]:
                for one in going:
                    rows = flow.erase(site, one.patient, at=at, run_by=run_by)
                    self.stdout.write(f"{one.uuid}  erased: {sum(rows.values())} rows")

    def _set(self, site: Site, options: dict[str, Any], run_by: str) -> None:
        death, contact = options["years_after_death"], options["years_after_last_contact"]
        try:
            flow.set_retention(site, after_death=death, after_contact=contact, run_by=run_by)
        except errors.Refused as refused:
            raise CommandError(refused.reason) from refused
