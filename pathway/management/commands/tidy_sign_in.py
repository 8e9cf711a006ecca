"""Remove sessions, attempts and counters that are over. Once a day is enough."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import BaseCommand

from pathway import clock
from pathway.signin import throttle
from pathway.signin.cache import TableCache


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("clearsessions")
        removed = throttle.tidy(clock.real_now())
        if isinstance(cache, TableCache):
            removed += cache.tidy()
        self.stdout.write(f"{removed} attempts and counters removed.")
