"""Seal everything in the audit that has no seal yet, and make the parts of the coming months."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from pathway import clock, office
from pathway.selectors import audit_chain


class Command(BaseCommand):
    """For cron, where no Celery runs; harmless beside it."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        at = clock.now()
        sealed = office.seal_audit(at=at, whole=True)
        made = office.keep_audit(at=at)
        self.stdout.write(f"{sealed} events sealed, {made} months made; head {audit_chain.head()}")
