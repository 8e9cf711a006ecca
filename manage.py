#!/usr/bin/env python3
"""Run a management command; the embedded database comes with it when DATABASE_URL is unset."""

import os
import sys

import psycopg
from django.core import management

from config import embedded, environment
from pathway import actor

# These work without a database; `serve` starts it itself, with its messages in order.
WITHOUT_DATABASE = frozenset(
    {"help", "version", "check", "diffsettings", "collectstatic", "makemessages", "compilemessages", "findstatic"}
    | {"demo_accounts", "serve", "restore", "startapp", "startproject", "graph_transitions", "pgtrigger"}
)
# These use a database when there is one and only warn when there is none.
BETTER_WITH_DATABASE = frozenset({"makemigrations"})


def main(arguments: list[str]) -> None:
    """Join or start the embedded database when the command needs it, then run the command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.dev")
    command = arguments[1] if len(arguments) > 1 else "help"
    if embedded.is_wanted() and needs_database(command, arguments[2:]):
        try:
            embedded.join(embedded.data_dir())
        except environment.ConfigurationError:
            if command not in BETTER_WITH_DATABASE:
                raise
        else:
            if command not in ("migrate", "makemigrations", "dbshell", "flush") and is_new():
                print("The database is new: preparing it.", file=sys.stderr)  # noqa: T201 - before any logging is set up
                management.execute_from_command_line(["manage.py", "migrate", "--no-input", "--verbosity", "0"])
    if not os.environ.get("PATHWAY_DB_ROLE"):
        actor.start_as(actor.MAINTENANCE)  # as the owner of the tables, who sees patients for this alone
    management.execute_from_command_line(arguments)


def is_new() -> bool:
    """Whether the embedded database was never migrated: the first command after `make setup`, or a new folder."""
    with psycopg.connect(embedded.database_url(embedded.data_dir())) as connection:
        found = connection.execute("SELECT to_regclass('django_migrations')").fetchone()
    return found is None or found[0] is None


def needs_database(command: str, options: list[str]) -> bool:
    """False for commands, and for questions about commands, that work without one."""
    asks_for_help = bool({"-h", "--help", "--version"} & set(options))
    return not (command.startswith("-") or command in WITHOUT_DATABASE or asks_for_help)


if __name__ == "__main__":
    main(sys.argv)
