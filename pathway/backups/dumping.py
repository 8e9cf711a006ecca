"""Taking a backup: one snapshot is counted and dumped, and the file gets its name when it holds what was counted."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from django.conf import settings
from django.utils.encoding import force_bytes
from psycopg import IsolationLevel

from pathway.backups import BackupError, archives, facts, pipes, programs
from pathway.backups.endpoints import BACKUP_ROLE, Endpoint
from pathway.backups.manifest import Manifest

LOCK_MILLISECONDS = 60_000  # a migration that runs is waited for so long
COPY = re.compile(rb'COPY ((?:"(?:[^"]|"")*"|[^\s"])+) ')
KEY_PURPOSE = b"pathway: which key this is"
STAMP = "%Y%m%dT%H%M%SZ"


def file_name(source: Endpoint, at: datetime) -> str:
    return f"{_plain(source.database)}-{at.strftime(STAMP)}.tar"


def make(source: Endpoint, target: Path, *, at: datetime, role: str = BACKUP_ROLE) -> Manifest:
    """Write the backup of a database to a file that is not there yet; raises BackupError and leaves nothing."""
    with source.connect(role=role) as link, archives.new(target) as file:
        facts.make_plain(link)
        link.isolation_level, link.read_only = IsolationLevel.REPEATABLE_READ, True
        link.autocommit = False
        try:
            return _write(source, link, file, at=at, role=role)
        except psycopg.Error as error:
            raise BackupError(f"As {role}: {str(error).strip()}") from error


def rotate(folder: Path, source: Endpoint, keep: int) -> list[Path]:
    """Remove all but the newest backups of this database in the folder; what was removed."""
    own = re.compile(re.escape(_plain(source.database)) + r"-\d{8}T\d{6}Z\.tar")
    found = sorted(path for path in folder.iterdir() if own.fullmatch(path.name))
    for path in found[:-keep]:
        path.unlink()
    return found[:-keep]


def key_mark() -> str:
    """Tells this SECRET_KEY from others, and nothing about it."""
    return hmac.new(force_bytes(settings.SECRET_KEY), KEY_PURPOSE, hashlib.sha256).hexdigest()[:16]


def _write(source: Endpoint, link: facts.Link, file: IO[bytes], *, at: datetime, role: str) -> Manifest:
    owner = _owner(link)
    snapshot = _one(link, "SELECT pg_export_snapshot()")
    if hidden := facts.hidden(link):
        raise BackupError(
            f"{role} is not shown all rows of {', '.join(hidden)}; the backup would miss them without a word."
            f" Let an administrator run ALTER ROLE {role} BYPASSRLS, or give it a policy."
        )
    tables = facts.tables(link)
    server = link.info.server_version // 10_000
    tools = programs.for_server(server)
    writer = archives.Writer(file)
    with _dump(tools, source, role, snapshot, passes=facts.passes_walls(link)) as pieces:
        size, digest = writer.dump(pieces)
    _compare(tables, _rows_in(tools, archives.dump_in(file)))
    made = Manifest(
        made_at=at.isoformat(),
        database=source.database,
        owner=owner,
        server=server,
        server_version=str(_one(link, "SHOW server_version")),
        program=tools.major,
        migrations=_names(link, "SELECT app || '.' || name FROM public.django_migrations ORDER BY app, name"),
        content=str(_one(link, "SELECT digest FROM public.pathway_release ORDER BY id DESC LIMIT 1") or ""),
        roles=facts.roles(link, owner),
        owners=facts.owners(link, owner),
        grants=facts.grants(link, owner),
        tables=tables,
        objects=facts.objects(link),
        key=key_mark(),
        dump_bytes=size,
        dump_sha256=digest,
    )
    writer.finish(made)
    return made


def _owner(link: facts.Link) -> str:
    query = "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = to_regclass('public.pathway_patient')"
    owner = _one(link, query)
    if owner is None:
        raise BackupError("There is no Pathway in this database: run `migrate` first.")
    return str(owner)


def _compare(counted: dict[str, Any], dumped: Counter[str]) -> None:
    wrong = [
        f"{name}: {dumped[name]} of {counted[name].rows if name in counted else 0}"
        for name in sorted(counted.keys() | dumped.keys())
        if dumped[name] != (counted[name].rows if name in counted else 0)
    ]
    if wrong:
        raise BackupError(f"The dump does not hold the rows that were counted: {', '.join(wrong)}.")


@contextmanager
def _dump(
    tools: programs.Programs, source: Endpoint, role: str, snapshot: str, *, passes: bool
) -> Iterator[Iterable[bytes]]:
    command = [
        tools.path("pg_dump"),
        "--format=custom",
        "--compress=6",
        "--encoding=UTF8",
        "--no-password",
        "--no-publications",
        "--no-subscriptions",
        f"--lock-wait-timeout={LOCK_MILLISECONDS}",
        f"--role={role}",
        f"--snapshot={snapshot}",
        *(() if passes else ("--enable-row-security",)),
        f"--dbname={source.conninfo}",
    ]
    with pipes.output_of(command, source.environment) as output:
        yield iter(lambda: output.read(archives.CHUNK), b"")


def _rows_in(tools: programs.Programs, dump: Iterable[bytes]) -> Counter[str]:
    """How many rows of each table are really in a dump: it is read as a restore would read it."""
    found: Counter[str] = Counter()
    command = [tools.path("pg_restore"), "--data-only", "--file=-"]
    table = ""
    with pipes.output_of(command, os.environ, dump) as lines:
        for line in lines:
            if table and line == b"\\.\n":
                table = ""
            elif table:
                found[table] += 1
            elif heading := COPY.match(line):
                table = heading[1].decode()
    return found


def _one(link: facts.Link, question: str) -> Any:
    row = link.execute(question.encode()).fetchone()
    return None if row is None else row[0]


def _names(link: facts.Link, question: str) -> tuple[str, ...]:
    return tuple(name for (name,) in link.execute(question.encode()).fetchall())


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9_]+", "-", name.lower()).strip("-") or "database"
