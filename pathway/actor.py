"""For whom the database works: every transaction says so before it reads or writes anything of a patient.

Row-level security asks for it (see `pathway/migrations/0007_walls.py`). What is said holds for one transaction and
never for a connection, so a pool or a pooler in transaction mode cannot carry it over to somebody else. The
database backend in `config/database/` passes it on; who opens a door says it here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from enum import StrEnum


class Service(StrEnum):
    """Parts of the server that act by themselves, each as a role of the database that may do just that."""

    JUDGE = "pathway_judge"  # clinical rows of everybody, no names
    DELIVER = "pathway_deliver"  # tasks, reminders and deliveries
    AUDIT = "pathway_audit"  # who did what to whom, by number; the seals over it


@dataclass(frozen=True, slots=True)
class Actor:
    """`person` is the key of a user; `role` is what the connection becomes for the transaction ("" stays what it is).

    `purpose` is for the owner of the tables, who sees no rows of patients without one; and for a person, whether whole
    lists are read, which changes how the database looks rows up and not which.
    """

    person: int | None = None
    role: str = ""
    purpose: str = ""


NOBODY = Actor()
MAINTENANCE = Actor(purpose="maintenance")

_present: ContextVar[Actor | None] = ContextVar("actor", default=None)
_of_process = NOBODY


def present() -> Actor:
    return _present.get() or _of_process


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Transactions of the block are for this actor. One that runs already changes over at its next statement."""
    token = _present.set(actor)
    try:
        yield
    finally:
        _present.reset(token)


@contextmanager
def listing() -> Iterator[None]:
    """The block reads lists: a person's patients are looked up once for each statement and not row by row."""
    actor = present()
    with acting(replace(actor, purpose="list") if actor.person is not None and not actor.purpose else actor):
        yield


def person(pk: int) -> Actor:
    return Actor(person=pk)


def service(which: Service) -> Actor:
    return Actor(role=which.value)


def start_as(actor: Actor) -> None:
    """What all threads of this process are, unless a block says otherwise: for commands, which nobody signs in to."""
    global _of_process
    _of_process = actor
