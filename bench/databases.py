"""The databases of the benchmarks: on an embedded PostgreSQL of their own, durable as in production, kept for reuse."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import django
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from config import embedded, keeper, places

FOLDER = places.BASE_DIR / ".cache" / "bench"
SOURCE = "bench_source"  # the content and the played originals; every sized database begins as a copy of it
ORIGINALS = 16
# What the rows of a bench database are made from.
INGREDIENTS = (
    *(f"fixtures/{folder}/*.yaml" for folder in ("vocabulary", "pathways", "rule_sets")),
    "pathway/migrations/*.py",
    "bench/originals.py",
    "bench/copies.py",
)


def start() -> None:
    """Start the server, durable, in a data folder of its own, and Django on it; only then may models be imported."""
    os.environ["PATHWAY_DATA_DIR"] = str(places.default_data_dir(FOLDER))
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings.dev"
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    os.environ.pop("DATABASE_URL", None)
    embedded.join(embedded.data_dir())
    django.setup()


def name_of(size: int) -> str:
    return f"bench_{size}"


def use(name: str) -> None:
    """Django's connection goes to that database from now on."""
    connection.close()
    connection.settings_dict["NAME"] = name
    connection.ensure_connection()


def is_fresh(name: str) -> bool:
    """It is there, complete, and made from the present ingredients."""
    return _comment(name) == _mark()


def finish(name: str) -> None:
    """It is complete."""
    use(embedded_database())
    with connection.cursor() as cursor:
        # a utility statement takes no parameters
        cursor.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(_mark())))
    use(name)


def make(name: str, template: str = "template1") -> None:
    """Make it anew."""
    use(embedded_database())
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    use(name)


def migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def embedded_database() -> str:
    """The database that is always there."""
    return keeper.DATABASE


def server_settings() -> dict[str, str]:
    """What decides how durable and how large the server is."""
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", [list(names)])
        return dict(cursor.fetchall())


def megabytes() -> int:
    """The size of the present database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database()) / 1048576")
        return int(cursor.fetchone()[0])


def _comment(name: str) -> str:
    use(embedded_database())
    with connection.cursor() as cursor:
        cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
        row = cursor.fetchone()
    return str(row[0]) if row and row[0] else ""


def _mark() -> str:
    files: list[Path] = sorted(path for one in INGREDIENTS for path in places.BASE_DIR.glob(one))
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return f"{digest.hexdigest()[:16]} {ORIGINALS}"
