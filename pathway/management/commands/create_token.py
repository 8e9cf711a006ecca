"""Make a token for a program, and its service account when there is none of that name. The token is shown once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pathway import clock, errors
from pathway.models import Membership, Scope, Site, User
from pathway.services import sites as site_rows
from pathway.signin import tokens
from pathway.vocabulary import Role


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", help="of the service account")
        parser.add_argument("--label", required=True, help="what the token is for")
        parser.add_argument("--scope", action="append", required=True, choices=Scope.values)
        parser.add_argument("--site", action="append", required=True, help="short name of a site")
        parser.add_argument("--role", default="", choices=["", *Role.values], help="for a new service account")
        parser.add_argument("--days", type=int, default=90, help="how long it lives, 365 at most")

    def handle(self, *args: Any, username: str, label: str, site: list[str], days: int, **options: Any) -> None:
        try:
            with transaction.atomic():
                places = [site_rows.site_named(slug) for slug in site]
                user = _service_account(username, places, options["role"])
                row, secret = tokens.create(
                    user, label, scopes=options["scope"], sites=places, days=days, at=clock.real_now()
                )
        except errors.Refused as refusal:
            raise CommandError(f"{refusal.field}: {refusal.reason}") from refusal
        self.stdout.write(f"token:   {secret}")
        self.stdout.write(f"number:  {row.pk}")
        self.stdout.write(f"expires: {row.expires_at:%Y-%m-%d %H:%M} UTC")
        self.stdout.write("It is shown this once and stored nowhere as it is.")


def _service_account(username: str, places: list[Site], role: str) -> User:
    """The account of that name; a new one with the role at each of the sites."""
    found = User.objects.filter(username=username).first()
    if found is not None:
        return found
    if not role:
        raise errors.InvalidEntry("not-allowed", f"There is no account {username!r}; name a role to make it", "role")
    made = User(username=username, is_service=True)
    made.set_unusable_password()
    made.save()
    Membership.objects.bulk_create(Membership(user=made, site=site, role=role) for site in places)
    return made
