"""End all sessions of somebody, or of everybody."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from pathway.models import User
from pathway.signin import sessions, trail


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", default="")
        parser.add_argument("--everybody", action="store_true")

    def handle(self, *args: Any, username: str, everybody: bool, **options: Any) -> None:
        if bool(username) == everybody:
            raise CommandError("Name an account, or --everybody.")
        if everybody:
            self.stdout.write(f"All sessions of {sessions.end_everybody()} accounts are over.")
            return
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no account {username!r}.")
        sessions.end_all(user)
        trail.record("session.ended", user, reason="all, by command")
        self.stdout.write(f"All sessions of {username} are over.")
