"""Hold back everything that would leave by e-mail and other channels, let it go, or say how things stand."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pathway import actor, clock, errors, office
from pathway.models import Site


class Command(BaseCommand):
    """Inboxes inside of the server go on in any case. After a restore the outbox is held until somebody releases it."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("action", choices=["hold", "release", "status", "retry"])
        parser.add_argument("--site", default="", help="slug of one site; left out: the whole server")
        parser.add_argument("--reason", default="", help="with hold: why")

    def handle(self, *args: Any, action: str, site: str, reason: str, **options: Any) -> None:
        at, run_by = clock.now(), getpass.getuser()
        with actor.acting(actor.MAINTENANCE):
            where = self._site(site)
            if action == "hold":
                self._hold(where, reason, run_by)
            elif action == "release":
                released = office.release_outbox(where, at=at, run_by=run_by)
                self.stdout.write("Released." if released else "Nothing was held.")
            elif action == "retry":
                self.stdout.write(f"{office.retry_outbox(at=at, run_by=run_by)} messages are tried again.")
            self._tell()

    def _hold(self, site: Site | None, reason: str, run_by: str) -> None:
        try:
            office.hold_outbox(site, reason=reason, at=clock.now(), run_by=run_by)
        except errors.Refused as refused:
            raise CommandError(f"{refused.reason}: --reason") from refused

    def _site(self, slug: str) -> Site | None:
        if not slug:
            return None
        found = Site.objects.filter(slug=slug).first()
        if found is None:
            raise CommandError(f"There is no site {slug!r}.")
        return found

    def _tell(self) -> None:
        found = office.outbox_state()
        for hold in found.holds:
            what = "Everything" if hold.site is None else hold.site.slug
            since = f"{hold.held_at:%Y-%m-%d %H:%M} UTC"
            self.stdout.write(f"{what} is held since {since} by {hold.held_by}: {hold.reason}")
        if not found.holds:
            self.stdout.write("Nothing is held.")
        self.stdout.write(f"{found.waiting} wait, {found.in_flight} are on their way, {found.failed} failed.")
