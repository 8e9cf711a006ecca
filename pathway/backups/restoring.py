"""Bringing a backup back into an empty database, in one transaction that ends with the outbox held.

Roles belong to the server and not to a dump, so those that are missing are made. What arrives is compared with the
manifest, row by row and guard by guard; what Pathway itself thinks of it is asked in `pathway.backups.proving`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from tempfile import TemporaryFile
from typing import IO

import psycopg
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from pathway.backups import BackupError, archives, facts, pipes, programs
from pathway.backups.endpoints import BACKUP_ROLE, Endpoint
from pathway.backups.manifest import Manifest

HOLD = "public.pathway_outboxhold"
# Numbers that were given after the backup are lost with it, and are not given again: the key of a message that went out
# then, a link or a printed number never comes to mean something else.
NUMBERS_LEFT_OUT = 1_000_000

FULL = f"""
SELECT (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {facts.OURS})
     + (SELECT count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {facts.OURS}
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e'))
"""
OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
# The same as the migrations do, for roles that the backup names.
ROLE = """
DO $pathway$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, {name}, 'SET') THEN
        GRANT {role} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the role % is missing, or % may not become it', {name}, current_user;
END $pathway$;
"""
PASSES = """
DO $pathway$
BEGIN
    IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = {name}) THEN
        ALTER ROLE {role} BYPASSRLS; -- not again: another database of the server may do the same at this moment
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    NULL; -- it reads by policies then
END $pathway$;
"""
# The owner of the tables sees rows of patients for this alone, and keys are checked against them.
MAINTAINING = "SET LOCAL pathway.purpose = 'maintenance';"
# To be given a function, a role has to be allowed to make one for a moment.
LEND, TAKE_BACK = "GRANT CREATE ON SCHEMA public TO {role};", "REVOKE CREATE ON SCHEMA public FROM {role};"
HOLDS = """
INSERT INTO public.pathway_outboxhold (held_at, held_by, reason, released_by)
VALUES (clock_timestamp(), 'restore', {reason}, '') ON CONFLICT DO NOTHING;
"""


def examine(file: Path) -> Manifest:
    """Read all of the file before anything is written anywhere; a backup of newer software is refused too."""
    found = archives.read(file)
    if newer := sorted(set(found.migrations) - _known()):
        raise BackupError(f"The backup was made by newer software: {', '.join(newer)} are not known here.")
    return found


def is_older(backup: Manifest) -> bool:
    """Whether migrations have to follow."""
    return bool(_known() - set(backup.migrations))


def _known() -> set[str]:
    return {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}


def reason_of(backup: Manifest) -> str:
    return f"restored from the backup of {backup.made_at}"


def restore(file: Path, backup: Manifest, target: Endpoint) -> None:
    """Fill an empty database; raises BackupError, and then the database is as empty as it was."""
    with target.connect() as link:
        server = link.info.server_version // 10_000
        _refuse(link, backup, server)
        tools = programs.for_server(server, restoring=True, dumped_by=backup.program)
        _run(tools, target, file, backup, link)
        link.execute("ANALYZE")


def compare(backup: Manifest, target: Endpoint) -> list[str]:
    """In what a restored database is not what the backup held; nothing when it is."""
    with target.connect(role=BACKUP_ROLE) as link:
        facts.make_plain(link)
        try:
            found = [f"{BACKUP_ROLE} is not shown all rows of {name}" for name in facts.hidden(link)]
            same = link.info.server_version // 10_000 == backup.server
            found += facts.differences(backup.tables, facts.tables(link), but=frozenset({HOLD}))
            found += facts.changed_objects(backup.objects, facts.objects(link), same_version=same)
            return [*found, *facts.sequences_behind(link)]
        except psycopg.Error as error:
            return [f"as {BACKUP_ROLE}: {str(error).strip()}"]


def _refuse(link: facts.Link, backup: Manifest, server: int) -> None:
    if server < backup.server:
        raise BackupError(
            f"The backup comes from PostgreSQL {backup.server}, and this server is older: PostgreSQL {server}."
        )
    if _number(link, FULL):
        raise BackupError("The database is not empty; a backup is brought back into a new one only.")
    if _number(link, OTHERS):
        raise BackupError("Somebody else is connected to the database; stop what serves until the restore is done.")
    row = link.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    login, passes = row or ("", False)
    if not passes and not _number(link, "SELECT has_parameter_privilege('pathway.purpose', 'SET')::int"):
        raise BackupError(
            f"{login} may not make functions that set pathway.purpose, which `migrate` needs as well; let an"
            f' administrator run GRANT SET ON PARAMETER "pathway.purpose" TO {login}.'
        )
    exists = link.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [backup.owner]).fetchone()
    if login != backup.owner and not (passes and exists):
        raise BackupError(
            f"The tables of the backup belong to {backup.owner}, and this login is {login}; restore as {backup.owner}."
        )


def _run(tools: programs.Programs, target: Endpoint, file: Path, backup: Manifest, link: facts.Link) -> None:
    """All of it in one transaction: what ends early, for whatever reason, ends without COMMIT."""
    reader = [tools.path("pg_restore"), "--file=-"]
    writer = [
        tools.path("psql"),
        "--no-psqlrc",
        "--quiet",
        "--no-password",
        "--set=ON_ERROR_STOP=1",
        "--set=VERBOSITY=terse",  # a message does not quote rows
        f"--dbname={target.conninfo}",
        "--file=-",
    ]
    with TemporaryFile() as told:
        process = Popen(writer, env=target.environment, stdin=PIPE, stdout=DEVNULL, stderr=told)
        assert process.stdin is not None
        try:
            _feed(process.stdin, reader, target, file, _before(backup, link), _after(backup, link))
        except BrokenPipeError:
            pass  # psql has ended, and says below why
        finally:
            _close(process)
        pipes.check(process.returncode, writer[0], told)


def _feed(into: IO[bytes], reader: list[str], target: Endpoint, file: Path, before: str, after: str) -> None:
    into.write(f"BEGIN;\n{before}\n".encode())
    with pipes.output_of(reader, target.environment, archives.dump_of(file)) as script:
        while piece := script.read(archives.CHUNK):
            into.write(piece)
    into.write(f"\n{after}\nCOMMIT;\n".encode())


def _close(process: Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.close()
    except BrokenPipeError:
        pass
    process.wait()


def _before(backup: Manifest, link: facts.Link) -> str:
    lines = [MAINTAINING, *(_fill(ROLE, link, role) for role in backup.roles)]
    lines += [_fill(LEND, link, role) for role in backup.owners]
    if BACKUP_ROLE in backup.roles:
        lines.append(_fill(PASSES, link, BACKUP_ROLE))
    return "\n".join(lines)


def _after(backup: Manifest, link: facts.Link) -> str:
    lines = [*backup.grants, *(_fill(TAKE_BACK, link, role) for role in backup.owners)]
    if HOLD in backup.tables:
        reason = sql.Literal(reason_of(backup))
        lines.append(sql.SQL(HOLDS).format(reason=reason).as_string(link))
    return "\n".join([*lines, *_numbers_left_out()])


def _numbers_left_out() -> Iterator[str]:
    yield f"""
DO $pathway$
DECLARE
    one record;
BEGIN
    FOR one IN {facts.NUMBERED} LOOP
        CONTINUE WHEN NOT one.is_big;
        EXECUTE format('SELECT setval(%L, last_value + {NUMBERS_LEFT_OUT}) FROM %s', one.sequence, one.sequence);
    END LOOP;
END $pathway$;"""


def _fill(text: str, link: facts.Link, role: str) -> str:
    return sql.SQL(text).format(role=sql.Identifier(role), name=sql.Literal(role)).as_string(link)


def _number(link: facts.Link, question: str) -> int:
    row = link.execute(question.encode()).fetchone()
    return int(row[0]) if row else 0
