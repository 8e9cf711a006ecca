"""A database with so many enrollments, and which copies in it nothing was done to yet."""

from __future__ import annotations

import sys
import time

from django.db import connection

from bench import copies, databases, indexes, originals
from bench.measuring import Stock
from config import places
from pathway import office


def stock(size: int, *, pairs: int, is_waiting: bool) -> Stock:
    """Copies for at least so many pairs, in a database of that size; it is made when there is none or too few are left.

    Which copies were used is kept in the database, since they are changed for good.
    """
    name = databases.name_of(size)
    if databases.is_fresh(name):
        databases.use(name)
        left = _left(size)
        if left.pairs(is_waiting) >= pairs:
            return left
    _make(size, name)
    left = _left(size)
    if left.pairs(is_waiting) < pairs:
        sys.exit(f"{size} enrollments give {left.pairs(is_waiting)} pairs; {pairs} are wanted. Lower --runs.")
    return left


def ready(size: int) -> None:
    """Use the database of that size, whatever was done to its copies; it is made when there is none."""
    name = databases.name_of(size)
    if not databases.is_fresh(name):
        _make(size, name)
    databases.use(name)


def keep_used(left: Stock, size: int) -> None:
    """Remember what was used."""
    used = [
        (one.enrollment, number)
        for one in left.clinic.originals
        for number in set(_numbers(size)) - set(left.fresh[one.enrollment])
    ]
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO bench_used VALUES (%s, %s) ON CONFLICT DO NOTHING", used)


def _numbers(size: int) -> range:
    """The copies of each original: with the originals themselves they make the size."""
    return range(1, size // databases.ORIGINALS)


def _left(size: int) -> Stock:
    left = Stock.of(originals.found(), _numbers(size))
    with connection.cursor() as cursor:
        cursor.execute("SELECT original, copy FROM bench_used")
        for original, copy in cursor.fetchall():
            left.fresh[original].remove(copy)
    return left


def _make(size: int, name: str) -> None:
    if not databases.is_fresh(databases.SOURCE):
        _make_source()
    began = time.perf_counter()
    databases.make(name, template=databases.SOURCE)
    enrollments = [one.enrollment for one in originals.found().originals]
    with indexes.set_aside():
        copies.fill(enrollments, len(_numbers(size)))
    copies.settle()
    databases.finish(name)
    print(f"{name}: filled in {time.perf_counter() - began:.0f} s, {databases.megabytes()} MB", file=sys.stderr)


def _make_source() -> None:
    began = time.perf_counter()
    databases.make(databases.SOURCE)
    databases.migrate()
    office.load_pathways(places.BASE_DIR / "fixtures", at=originals.START)
    originals.play(databases.ORIGINALS)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_used (original bigint, copy bigint, PRIMARY KEY (original, copy))")
    databases.finish(databases.SOURCE)
    databases.use(databases.embedded_database())  # a template must have no sessions
    print(f"{databases.ORIGINALS} originals: played in {time.perf_counter() - began:.0f} s", file=sys.stderr)
