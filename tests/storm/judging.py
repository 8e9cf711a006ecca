"""What is found in the database and in the ledger of the mail server, held against what the oracle expects.

Plain rows in, sentences about what is wrong out; none of the product's code has a say in it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.delivery.sink import Kept
from tests.storm import oracle
from tests.storm.oracle import Expected, Prompt

INBOX = "inbox"

Ask = Callable[[str], Iterable[Sequence[Any]]]

_REMINDERS = """
SELECT r.id, p.identifier, t.activity_id, r.due_on, r.rung, r.on, r.to_role
FROM pathway_reminder r
JOIN pathway_caretask t ON t.id = r.task_id
JOIN pathway_enrollment e ON e.id = t.enrollment_id
JOIN pathway_patient p ON p.id = e.patient_id
"""
_DELIVERIES = """
SELECT d.reminder_id, u.username, d.channel, d.status, d.dispatch_id, d.reason
FROM pathway_delivery d JOIN pathway_user u ON u.id = d.person_id
"""
_DISPATCHES = """
SELECT x.id, x.key, u.username, u.email, x.kind, x.status, x.attempts
FROM pathway_dispatch x JOIN pathway_user u ON u.id = x.person_id WHERE x.channel = 'email'
"""


@dataclass(frozen=True, slots=True)
class Reminder:
    pk: int
    task: tuple[str, str, date, str]  # patient, activity, due day, rung: what no two may share
    on: date
    role: str


@dataclass(frozen=True, slots=True)
class Delivery:
    reminder: int
    person: str
    channel: str
    status: str
    dispatch: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    pk: int
    key: str
    person: str
    address: str
    kind: str
    status: str
    attempts: int


@dataclass(slots=True)
class Found:
    reminders: list[Reminder] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    dispatches: list[Dispatch] = field(default_factory=list)
    mails: list[Kept] = field(default_factory=list)

    @property
    def repeats(self) -> int:
        """Mails that came more than once."""
        return len(self.mails) - len({one.message_id for one in self.mails})


def look(ask: Ask, mails: Sequence[Kept]) -> Found:
    return Found(
        [Reminder(row[0], (row[1], row[2], row[3], row[4]), row[5], row[6]) for row in ask(_REMINDERS)],
        [Delivery(*row) for row in ask(_DELIVERIES)],
        [Dispatch(row[0], str(row[1]), *row[2:]) for row in ask(_DISPATCHES)],
        list(mails),
    )


def problems(found: Found, expected: Expected, *, forbidden: str = "") -> list[str]:
    """Empty where every promise was kept. `forbidden` is a word that no mail may have in it."""
    return [
        *_of_reminders(found, expected),
        *_of_inboxes(found),
        *_of_mails(found, expected, forbidden),
        *_of_ends(found),
    ]


def _of_reminders(found: Found, expected: Expected) -> Iterator[str]:
    persons: dict[int, set[str]] = defaultdict(set)
    for delivery in found.deliveries:
        persons[delivery.reminder].add(delivery.person)
    written = {
        Prompt(*row.task, row.on, row.role, person)
        for row in found.reminders
        for person in persons[row.pk] or {"nobody"}
    }
    yield from (f"missing: {one}" for one in sorted(expected.required - written))
    yield from (f"nobody asked for: {one}" for one in sorted(written - expected.required - expected.allowed))
    for task, times in Counter(row.task for row in found.reminders).items():
        if times > 1:
            yield f"written {times} times: {task}"


def _of_inboxes(found: Found) -> Iterator[str]:
    reached = {d.reminder for d in found.deliveries if d.channel == INBOX and d.status == "sent"}
    yield from (f"in no inbox: {row.task}" for row in found.reminders if row.pk not in reached)
    for one, times in Counter((d.reminder, d.person, d.channel) for d in found.deliveries).items():
        if times > 1:
            yield f"delivered {times} times: {one}"


def _of_mails(found: Found, expected: Expected, forbidden: str) -> Iterator[str]:
    """What is marked as sent was handed over, and what was handed over is known, under one key however often."""
    known = {dispatch.key: dispatch for dispatch in found.dispatches}
    came: dict[str, set[str]] = defaultdict(set)  # key → addresses
    for mail in found.mails:
        key = mail.message_id.strip("<>").partition("@")[0]
        came[key].add(mail.recipient)
        if forbidden and forbidden.encode() in mail.raw:
            yield f"names a patient: {mail.message_id}"
    for key, addresses in came.items():
        if key not in known or addresses != {known[key].address}:
            yield f"a mail that nobody asked for: {key} to {', '.join(sorted(addresses))}"
    for dispatch in found.dispatches:
        if dispatch.status == "sent" and dispatch.key not in came:
            yield f"marked as sent and never handed over: {dispatch}"
    urgent = Counter(one.person for one in expected.required if one.rung == oracle.LAST_RUNG)
    singles = Counter(known[key].person for key in came if key in known and known[key].kind == "single")
    for person in sorted(urgent.keys() | singles.keys()):
        if urgent[person] != singles[person]:
            yield f"{singles[person]} urgent mails to {person}, not {urgent[person]}"


def _of_ends(found: Found) -> Iterator[str]:
    """Everything was sent, but a digest that has not left yet; and its deliveries say the same."""
    statuses = {dispatch.pk: dispatch.status for dispatch in found.dispatches}
    for dispatch in found.dispatches:
        is_for_later = dispatch.kind == "digest" and (dispatch.status, dispatch.attempts) == ("queued", 0)
        if dispatch.status != "sent" and not is_for_later:
            yield f"not sent: {dispatch}"
    mailed = [d for d in found.deliveries if d.channel == "email"]
    for delivery in mailed:
        if delivery.dispatch is None or statuses[delivery.dispatch] != delivery.status:
            yield f"does not say what its mail says: {delivery}"
    for row in {row.pk for row in found.reminders} - {d.reminder for d in mailed}:
        yield f"not told by e-mail: reminder {row}"
