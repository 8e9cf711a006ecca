"""Run the whole product in one terminal."""

import sys

from django.core.management.base import BaseCommand

from config import environment, serving


class Command(BaseCommand):
    """Starts what is not configured elsewhere, and everything that serves people."""

    help = (
        "Run databases, web, worker, beat and sweeper until Ctrl-C. "
        "PATHWAY_HOST, PORT, PATHWAY_DATA_DIR, DATABASE_URL and BROKER_URL change where."
    )
    requires_system_checks = []

    def handle(self, *args: object, **options: object) -> None:
        sys.exit(serving.serve(serving.plan(environment.Environment())))
