"""A database as libpq knows it: for a connection of our own, and for PostgreSQL's programs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from psycopg import pq, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pathway.backups import BackupError

BACKUP_ROLE = "pathway_backup"
CONNECT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`parameters` are libpq's. The password is in no list of processes and in no message."""

    parameters: dict[str, str] = field(repr=False)

    @property
    def database(self) -> str:
        return self.parameters.get("dbname", "")

    @property
    def conninfo(self) -> str:
        """Everything but the password."""
        return make_conninfo("", **{name: value for name, value in self.parameters.items() if name != "password"})

    @property
    def environment(self) -> dict[str, str]:
        """The variables for a program: what this process has, without what would lead it elsewhere."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        password = {"PGPASSWORD": self.parameters["password"]} if self.parameters.get("password") else {}
        return kept | password | {"PGCONNECT_TIMEOUT": str(CONNECT_SECONDS), "LC_ALL": "C.UTF-8"}

    def connect(self, *, role: str = "") -> psycopg.Connection[Any]:
        """A connection outside of transactions, as `role` where one is named."""
        link: psycopg.Connection[Any]
        try:
            link = psycopg.connect(**({"connect_timeout": CONNECT_SECONDS} | self.parameters), autocommit=True)  # type: ignore[arg-type]
        except psycopg.OperationalError as error:
            raise BackupError(f"The database does not let us in: {str(error).strip()}") from error
        if role:
            become(link, role)
        return link


def become(link: psycopg.Connection[Any], role: str) -> None:
    """Change over to a role; a login that may not says so instead of reading what it happens to see."""
    try:
        link.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
    except psycopg.Error as error:
        link.close()
        raise BackupError(
            f"This login cannot become {role} ({str(error).strip()}); run `migrate` as the owner,"
            f" or let an administrator run GRANT {role} TO it."
        ) from error


def of_settings() -> Endpoint:
    """The database of this process, as its login and not as the role that it becomes."""
    given = connection.get_connection_params()
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    found = {name: str(value) for name, value in given.items() if name in known and value is not None}
    if settings.DATABASE_ROLE and "options" in found:
        found["options"] = found["options"].replace(f"-c role={settings.DATABASE_ROLE}", "").strip()
    return Endpoint({name: value for name, value in found.items() if value})


def of_url(url: str) -> Endpoint:
    """The database at a URL, or raises BackupError."""
    try:
        found = conninfo_to_dict(url)
    except psycopg.Error as error:
        raise BackupError("This is not the URL of a database; write postgresql://USER:PASSWORD@HOST/NAME.") from error
    if not found.get("dbname"):
        raise BackupError("The URL names no database.")
    return Endpoint({name: str(value) for name, value in found.items()})
