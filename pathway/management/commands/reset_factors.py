"""For somebody who lost phone and recovery codes: remove their second factors and end their sessions.

They sign in with the password and set up another one, where their site requires it. Be sure first who is asking.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from pathway.models import User
from pathway.signin import sessions, trail


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")

    @transaction.atomic
    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no account {username!r}.")
        removed, _ = Authenticator.objects.filter(user=user).delete()
        sessions.end_all(user)
        trail.record("authenticator.removed", user, reason="all, by command")
        self.stdout.write(f"{removed} removed; all sessions of {username} are over.")
