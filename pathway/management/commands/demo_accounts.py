"""Show the accounts of the demo clinic."""

import json

from django.core.management.base import BaseCommand, CommandError

from config import embedded


class Command(BaseCommand):
    """Prints the private file that the making of the demo clinic leaves in the data folder."""

    help = "Show user names, passwords and roles of the demo clinic."
    requires_system_checks = []

    def handle(self, *args: object, **options: object) -> None:
        path = embedded.accounts_file()
        try:
            accounts = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise CommandError("There is no demo clinic yet; `make run` or `manage.py seed_demo` makes it.") from error
        except PermissionError as error:
            raise CommandError(f"{path} belongs to another user.") from error
        self.stdout.write(f"{'user name':<24} {'password':<24} role")
        for account in accounts:
            self.stdout.write(f"{account['username']:<24} {account['password']:<24} {account['role']}")
