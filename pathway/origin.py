"""Where a request comes from and what for: carried beside the call, so that every audit event of it can say so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Origin:
    """`ways` remembers on which ways the person sees a patient, once a door has asked: (user, patient) → ways."""

    address: str | None = None
    request: UUID | None = None
    purpose: str = ""
    ways: dict[tuple[int, int], frozenset[str]] = field(default_factory=dict)


_present: ContextVar[Origin | None] = ContextVar("origin", default=None)


def present() -> Origin | None:
    """None outside of a request: a command or a job."""
    return _present.get()


@contextmanager
def coming_from(origin: Origin) -> Iterator[None]:
    token = _present.set(origin)
    try:
        yield
    finally:
        _present.reset(token)


def remember_ways(user: int, patient: int, ways: frozenset[str]) -> None:
    """For the rest of this request; outside of one nothing is remembered."""
    if (origin := _present.get()) is not None:
        origin.ways[user, patient] = ways
