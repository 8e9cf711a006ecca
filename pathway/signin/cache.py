"""A cache in a table of PostgreSQL: counters and used codes that all web processes share.

Unlike Django's own it keeps JSON, which runs no code when it is read, decides `add` in one statement, and never makes
room by dropping counters that still count.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import connection

FOREVER = 10 * 365 * 24 * 3600  # seconds

ADD = """
INSERT INTO sign_in_cache AS c (cache_key, value, expires)
VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))
ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires
WHERE c.expires <= clock_timestamp()
"""
SET = """
INSERT INTO sign_in_cache (cache_key, value, expires)
VALUES (%s, %s, clock_timestamp() + make_interval(secs => %s))
ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires
"""
GET = "SELECT value FROM sign_in_cache WHERE cache_key = %s AND expires > clock_timestamp()"
TOUCH = (
    "UPDATE sign_in_cache SET expires = clock_timestamp() + make_interval(secs => %s)"
    " WHERE cache_key = %s AND expires > clock_timestamp()"
)
DELETE = "DELETE FROM sign_in_cache WHERE cache_key = %s"
# A few with each writing, so that the table does not grow while nobody tidies it.
TIDY_SOME = """
DELETE FROM sign_in_cache WHERE cache_key IN (
    SELECT cache_key FROM sign_in_cache WHERE expires <= clock_timestamp() LIMIT 50 FOR UPDATE SKIP LOCKED
)
"""
TIDY = "DELETE FROM sign_in_cache WHERE expires <= clock_timestamp()"


class TableCache(BaseCache):
    """What Django's `BaseCache` asks for. A database that does not answer raises, so that nobody gets in uncounted."""

    def __init__(self, location: str, params: Mapping[str, Any]) -> None:
        super().__init__(dict(params))

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        name = self.make_and_validate_key(key, version=version)
        return self._run(ADD, [name, json.dumps(value), self._seconds(timeout)]) == 1

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(GET, [self.make_and_validate_key(key, version=version)])
            row = cursor.fetchone()
        return default if row is None else json.loads(row[0])

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        name = self.make_and_validate_key(key, version=version)
        self._run(SET, [name, json.dumps(value), self._seconds(timeout)])
        self._run(TIDY_SOME, [])

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return self._run(TOUCH, [self._seconds(timeout), self.make_and_validate_key(key, version=version)]) == 1

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._run(DELETE, [self.make_and_validate_key(key, version=version)]) == 1

    def clear(self) -> None:
        self._run("DELETE FROM sign_in_cache", [])

    def tidy(self) -> int:
        """Remove what has expired."""
        return self._run(TIDY, [])

    def _seconds(self, timeout: Any) -> float:
        chosen = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return float(FOREVER if chosen is None else chosen)

    @staticmethod
    def _run(statement: str, values: list[Any]) -> int:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return int(cursor.rowcount)
