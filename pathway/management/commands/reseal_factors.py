"""Seal the secrets of second factors with the present SECRET_KEY, before SECRET_KEY_PREVIOUS is taken away."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from pathway.signin import authenticators


class Command(BaseCommand):
    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{authenticators.reseal()} sealed anew.")
