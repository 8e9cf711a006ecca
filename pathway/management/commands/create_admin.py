"""Make an account for the administration. It does not see patients: that takes a place on their care team."""

from __future__ import annotations

import secrets
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pathway import errors, office

GENERATED_BYTES = 18


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--site", default="", help="short name of a site at which the person has a role")
        parser.add_argument("--role", default="", help="the role there (default: admin)")
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            help="read the password from the standard input instead of making one",
        )

    def handle(self, *args: Any, username: str, site: str, role: str, password_stdin: bool, **options: Any) -> None:
        if role and not site:
            raise CommandError("--role needs --site: a role is held at a site.")
        password = sys.stdin.readline().rstrip("\r\n") if password_stdin else secrets.token_urlsafe(GENERATED_BYTES)
        try:
            office.create_admin(username, password, site=site, role=role or "admin")
        except errors.Refused as refusal:
            raise CommandError(f"{refusal.field}: {refusal.reason}") from refusal
        self.stdout.write(f"user name: {username}")
        if not password_stdin:
            self.stdout.write(f"password:  {password}")
            self.stdout.write("It is shown this once and stored nowhere as it is.")
