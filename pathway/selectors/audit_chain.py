"""The chain over the audit: what a seal says, and whether all of them still say it.

Each seal holds the SHA-256 of the digest before and of the whole event in one fixed form. Who changes, removes, adds or
moves an event has to compute every later seal anew, and then the head differs from the one that was logged elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

START = bytes(32)  # stands for the seal before the first
PATIENCE = timedelta(hours=1)  # an event that is older has been sealed, or the sealer does not run
CHUNK = 2000
SHOWN = 20  # faults; the first one is what matters

# The fixed form: a JSON array of these columns in this order. A column that is added later is not covered by older
# seals, so it would need a second form beside this one.
CANONICAL = """
jsonb_build_array(
    e.id, to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), e.action, e.actor_id, e.patient_id,
    e.subject, e.reason, e.before, e.after, to_jsonb(e.patients), e.purpose, e.ways, host(e.address), e.request
)::text
"""
_WALK = f"""
SELECT s.position, s.event, s.event_at, s.digest, CASE WHEN e.id IS NULL THEN NULL ELSE {CANONICAL} END
FROM pathway_auditseal s LEFT JOIN pathway_auditevent e ON e.id = s.event AND e.at = s.event_at
WHERE s.position > %s ORDER BY s.position LIMIT %s
"""
_UNSEALED = """
SELECT e.id, e.at, e.action FROM pathway_auditevent e
WHERE e.at < %s AND NOT EXISTS (SELECT FROM pathway_auditseal s WHERE s.event = e.id AND s.event_at = e.at)
ORDER BY e.at, e.id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest seal. Position 0 stands for an empty chain."""

    position: int
    digest: bytes
    event: int
    event_at: datetime | None

    def __str__(self) -> str:
        return f"{self.position}:{self.digest.hex()}"


@dataclass(frozen=True, slots=True)
class Fault:
    what: str
    event: int
    at: datetime | None

    def __str__(self) -> str:
        when = f" of {self.at.isoformat()}" if self.at else ""
        return f"event {self.event}{when}: {self.what}"


@dataclass(frozen=True, slots=True)
class Verified:
    sealed: int
    unsealed: int  # younger than the patience: they wait for the next run
    head: Head
    faults: tuple[Fault, ...]


def digest(previous: bytes, canonical: str) -> bytes:
    return hashlib.sha256(previous + canonical.encode()).digest()


def head() -> Head:
    with connection.cursor() as cursor:
        cursor.execute("SELECT position, digest, event, event_at FROM pathway_auditseal ORDER BY position DESC LIMIT 1")
        row = cursor.fetchone()
    return Head(row[0], bytes(row[1]), row[2], row[3]) if row else Head(0, START, 0, None)


@transaction.atomic
def verify(at: datetime, *, expected: str = "") -> Verified:
    """Walk the whole chain. `expected` is a head that was logged earlier, as `position:digest`."""
    seen, faults = _walk(expected)
    faults += [
        Fault("is not sealed: put in afterwards, or the sealer does not run", event, moment)
        for event, moment, _action in _unsealed(at - PATIENCE, SHOWN)
    ]
    waiting = _count_unsealed(at - PATIENCE)
    return Verified(seen.position, waiting, seen, tuple(faults))


def _walk(expected: str) -> tuple[Head, list[Fault]]:
    """The faults of the first link that does not hold: all later ones cannot be judged."""
    position, previous, event, newest = 0, START, 0, None
    wanted, _colon, wanted_digest = expected.partition(":")
    for number, event, moment, stored, canonical in _links():
        if number != position + 1:
            return Head(position, previous, event, newest), [
                Fault("its seal or the seal before is missing", event, moment)
            ]
        if canonical is None:
            return Head(position, previous, event, newest), [Fault("is missing", event, moment)]
        if digest(previous, canonical) != stored:
            return Head(position, previous, event, newest), [Fault("was altered, or moved in the chain", event, moment)]
        if newest is not None and moment < newest - PATIENCE:
            fault = Fault("was put in afterwards: what was sealed before it is much younger", event, moment)
            return Head(position, previous, event, newest), [fault]
        position, previous, newest = number, stored, max(newest or moment, moment)
        if wanted == str(number) and wanted_digest != stored.hex():
            return Head(position, previous, event, newest), [
                Fault("the chain up to here was written anew", event, moment)
            ]
    found = Head(position, previous, event, newest)
    if wanted and int(wanted) > position:
        return found, [Fault(f"the end of the chain is missing: it reached {wanted} already", event, newest)]
    return found, []


def _links() -> Iterator[tuple[int, int, datetime, bytes, str | None]]:
    position = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(_WALK, [position, CHUNK])
            rows = cursor.fetchall()
        for number, event, moment, stored, canonical in rows:
            yield number, event, moment, bytes(stored), canonical
        if len(rows) < CHUNK:
            return
        position = rows[-1][0]


def _unsealed(before: datetime, limit: int) -> list[tuple[int, datetime, str]]:
    with connection.cursor() as cursor:
        cursor.execute(_UNSEALED, [before, limit])
        return list(cursor.fetchall())


def _count_unsealed(since: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pathway_auditevent e WHERE e.at >= %s"
            " AND NOT EXISTS (SELECT FROM pathway_auditseal s WHERE s.event = e.id)",
            [since],
        )
        return int(cursor.fetchone()[0])
