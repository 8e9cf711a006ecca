"""Make the login with which web, worker, beat and sweeper come to the database, or give it another password.

By itself it may do nothing: it becomes one of the roles of `pathway/migrations/0007_walls.py` for each connection. Run
it as the owner, after `migrate`. The password is read from PATHWAY_LOGIN_PASSWORD or PATHWAY_LOGIN_PASSWORD_FILE.
"""

from __future__ import annotations

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from psycopg import sql

from config import environment

ROLES = ("pathway_web", "pathway_judge", "pathway_deliver", "pathway_audit")
SHORTEST = 16
NAME = re.compile("[a-z_][a-z0-9_]{0,62}")


class Command(BaseCommand):
    help = (__doc__ or "").splitlines()[0]

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", default="pathway_app", help="of the login (default pathway_app)")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        password = environment.Environment().secret("PATHWAY_LOGIN_PASSWORD")
        if not NAME.fullmatch(name):
            raise CommandError(f"--name {name!r} is not a plain name: small letters, digits and _.")
        if len(password) < SHORTEST:
            raise CommandError(f"PATHWAY_LOGIN_PASSWORD(_FILE) needs at least {SHORTEST} characters.")
        with transaction.atomic():
            is_new = _make(name, password)
        self.stdout.write(f"The login {name} was {'made' if is_new else 'given its password'}.")


def _make(name: str, password: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", [name])
        found = cursor.fetchone()
        if found and found[0]:
            raise CommandError(f"{name} passes row-level security by; choose another name.")
        # What goes to the server, and perhaps into its log, is not the password.
        secret = connection.connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
        verb = sql.SQL("ALTER" if found else "CREATE")
        login = sql.Identifier(name)
        for statement in (
            sql.SQL("{} ROLE {} LOGIN NOINHERIT NOCREATEDB NOCREATEROLE PASSWORD {}").format(
                verb, login, sql.Literal(secret.decode())
            ),
            sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(
                sql.SQL(", ").join(map(sql.Identifier, ROLES)), login
            ),
        ):
            cursor.execute(statement.as_string(connection.connection))
    return found is None
