"""The database backend: tells PostgreSQL the actor of `pathway.actor` before the first statement that needs it.

What is told is local to the transaction, so nothing is left on a connection that goes back to a pool. Outside of a
transaction nothing is told, and row-level security then refuses to show any patient.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.backends.postgresql import base
from psycopg import Cursor
from psycopg.pq import TransactionStatus

from pathway import actor, clock

# The settings that policies read. A clock is told only where it is simulated.
SETTINGS = ("pathway.person", "pathway.purpose", "pathway.at")
TELL = "SELECT " + ", ".join(f"set_config('{name}', %s, true)" for name in SETTINGS)
BECOME = "SELECT set_config('role', %s, true)"

Told = tuple[str, str, str, str]
NOTHING: Told = ("", "", "", "")


class DatabaseWrapper(base.DatabaseWrapper):
    """What was told is forgotten where PostgreSQL forgets it: at the end of a transaction and at a rollback."""

    _told: Told = NOTHING

    def _cursor(self, name: str | None = None) -> Any:
        if self.in_atomic_block and (wanted := _wanted()) != self._told:
            self._tell(wanted)
        return super()._cursor(name)  # type: ignore[misc]  # Django has it, its stubs do not

    def set_autocommit(self, autocommit: bool, force_begin_transaction_with_broken_autocommit: bool = False) -> None:
        self._told = NOTHING
        super().set_autocommit(autocommit, force_begin_transaction_with_broken_autocommit)

    def savepoint_rollback(self, sid: str) -> None:
        super().savepoint_rollback(sid)
        self._told = ("?", "", "", "")  # as it was when the savepoint was set, which nobody noted

    def _commit(self) -> None:
        self._told = NOTHING
        super()._commit()  # type: ignore[misc]  # Django has it, its stubs do not

    def _rollback(self) -> None:
        self._told = NOTHING
        super()._rollback()  # type: ignore[misc]  # Django has it, its stubs do not

    def _close(self) -> None:
        self._told = NOTHING
        super()._close()  # type: ignore[misc]  # Django has it, its stubs do not

    def _tell(self, wanted: Told) -> None:
        self.ensure_connection()
        connection = self.connection
        if connection is None or connection.info.transaction_status == TransactionStatus.INERROR:
            return  # nothing but a rollback can follow
        with self.wrap_database_errors, connection.cursor() as cursor:
            self._pass_on(cursor, wanted)
        self._told = wanted

    def _pass_on(self, cursor: Cursor[Any], wanted: Told) -> None:
        # Who is asked for first: a role that may do less could not change over to another.
        if wanted[3] != self._told[3] or self._told[0] == "?":
            cursor.execute(BECOME, [wanted[3] or settings.DATABASE_ROLE or "none"])
        cursor.execute(TELL, wanted[:3])


def _wanted() -> Told:
    present = actor.present()
    if present is actor.NOBODY:
        return NOTHING
    simulated = clock.simulated_now()
    return (
        "" if present.person is None else str(present.person),
        present.purpose,
        "" if simulated is None else simulated.isoformat(),
        # A server that knows no roles of the database runs everything as the one that it has.
        present.role if settings.DATABASE_ROLE else "",
    )
