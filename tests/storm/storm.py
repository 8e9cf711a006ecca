"""The storm: work falls due while everything that does it is killed, frozen, restarted and lied to, at random."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from tests.storm import judging, machinery, oracle
from tests.storm.machinery import BROKER, Machinery

PAUSES = (0.3, 2.0)  # seconds between two faults
FREEZES = (machinery.LEASE_SECONDS + 1.0, machinery.LEASE_SECONDS + 4.0)
CALM = 600.0  # seconds within which all has to be settled after the last fault
TICK = 0.25

_UNSETTLED = """
SELECT (SELECT count(*) FROM pathway_caretask WHERE status IN ('open', 'in-progress') AND next_rung_at <= now())
     + (SELECT count(*) FROM pathway_reminder WHERE resolved_at IS NULL)
     + (SELECT count(*) FROM pathway_delivery WHERE status = 'queued' AND dispatch_id IS NULL)
     + (SELECT count(*) FROM pathway_dispatch
        WHERE status = 'in-flight' OR status = 'queued' AND (attempts > 0 OR next_at <= now()))
"""
_LEFT_TODAY = "SELECT count(*) FROM pathway_site WHERE (now() AT TIME ZONE time_zone)::time <= reminder_time"


@dataclass(frozen=True, slots=True)
class Size:
    """How much work there is, and how many faults of each kind there have to be at least."""

    patients: int
    sites: int
    spread: float  # seconds
    faults: int
    kills: int = 0
    restarts: int = 0


SHORT = Size(patients=72, sites=4, spread=12.0, faults=12, kills=3, restarts=1)
LONG = Size(patients=1900, sites=12, spread=420.0, faults=180, kills=100, restarts=20)


@dataclass(slots=True)
class Outcome:
    size: Size
    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    required: int = 0
    found: judging.Found = field(default_factory=judging.Found)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def kills(self) -> int:
        return sum(count for name, count in self.faults.items() if name.startswith("kill"))

    @property
    def is_enough(self) -> bool:
        size = self.size
        enough = self.faults.total() >= size.faults and self.kills >= size.kills
        return enough and self.faults["restart the database"] >= size.restarts

    def lines(self) -> list[str]:
        found = self.found
        return [
            f"reminders: {len(found.reminders)} written, {self.required} required by the oracle",
            f"inboxes: {sum(d.channel == 'inbox' and d.status == 'sent' for d in found.deliveries)} messages",
            f"mail: {sum(one.status == 'sent' for one in found.dispatches)} sent, {len(found.mails)} came,"
            f" {found.repeats} of them again under the same Message-ID",
            f"faults: {self.faults.total()} ({self.kills} kills), "
            + ", ".join(f"{count} × {name}" for name, count in sorted(self.faults.items())),
            f"took {self.seconds:.0f} s; problems: {len(self.problems)}",
        ]


def run(size: Size, seed: int, say: Callable[[str], None]) -> Outcome:
    """One storm from the empty database to the verdict."""
    say(f"seed {seed}: {size}")
    began, outcome = time.monotonic(), Outcome(size, seed)
    chance = random.Random(seed)
    with machinery.running(chance) as machines:
        plan = machines.prepare(size.patients, size.sites, size.spread)
        expected = oracle.expected(map(oracle.Story.read, plan["stories"]), date.fromisoformat(plan["today"]))
        outcome.required = len(expected.required)
        say(f"{size.patients} patients, {outcome.required} reminders required; the storm begins")
        machines.start()
        Storm(machines, chance, outcome, say).rage()
        if not settle(machines):
            outcome.problems.append(f"not settled {CALM:.0f} s after the last fault")
        outcome.found = judging.look(machines.ask, machines.sink.kept)
        outcome.problems += judging.problems(outcome.found, expected, forbidden=oracle.SURNAME)
        outcome.problems += invariants(machines)
    outcome.seconds = time.monotonic() - began
    return outcome


def settle(machines: Machinery) -> bool:
    """Nothing breaks any more; the machinery comes to the end of its work by itself."""
    deadline = time.monotonic() + CALM
    while time.monotonic() < deadline:
        machines.mend()
        if not any(count for query in (_UNSETTLED, _LEFT_TODAY) for (count,) in machines.ask(query)):
            return True
        time.sleep(1)
    return False


def invariants(machines: Machinery) -> list[str]:
    try:
        machines.run("manage.py", "check_invariants")
    except RuntimeError as error:
        return [str(error)]
    return []


class Storm:
    """Every kind of fault once in any order, then by weight until there were enough."""

    def __init__(
        self, machines: Machinery, chance: random.Random, outcome: Outcome, say: Callable[[str], None]
    ) -> None:
        self._machines, self._chance, self._outcome, self._say = machines, chance, outcome, say
        self._frozen: dict[str, float] = {}  # until when
        self._began = time.monotonic()
        self._weights: dict[str, int] = {
            "kill a sweeper": 5,
            "kill the worker": 3,
            "kill a child of the worker": 3,
            "kill the beat": 1,
            "kill the broker": 2,
            "freeze a sweeper": 2,
            "freeze the worker": 1,
            "freeze the broker": 1,
            "flush the broker": 2,
            "restart the database": 4,
        }

    def rage(self) -> None:
        self._machines.is_stormy = True
        first = list(self._weights)
        self._chance.shuffle(first)
        while not (self._outcome.is_enough and time.monotonic() - self._began > self._outcome.size.spread):
            self._pass(self._chance.uniform(*PAUSES))
            names, weights = list(self._weights), list(self._weights.values())
            name = first.pop() if first else self._chance.choices(names, weights)[0]
            if self._strike(name):
                self._note(name)
        while self._frozen:
            self._pass(TICK)
        self._machines.is_stormy = False

    def _pass(self, seconds: float) -> None:
        """Who was frozen long enough goes on, and what ended is started again."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for name in [name for name, end in self._frozen.items() if end <= time.monotonic()]:
                del self._frozen[name]
                self._machines.signal_all(name, signal.SIGCONT)
            self._machines.mend()
            time.sleep(TICK)

    def _strike(self, name: str) -> bool:
        """False where there was nothing to hit."""
        verb, _, rest = name.partition(" ")
        victim = self._victim(rest)
        if verb == "kill" and "child" in rest:
            return self._machines.kill_child(victim)
        if verb == "kill":
            self._frozen.pop(victim, None)
            self._machines.kill(victim)
        elif verb == "freeze":
            if victim in self._frozen:
                return False
            self._machines.signal_all(victim, signal.SIGSTOP)
            self._frozen[victim] = time.monotonic() + self._chance.uniform(*FREEZES)
        elif verb == "flush":
            self._machines.flush_broker()
        else:
            self._machines.restart_database()
        return True

    def _victim(self, words: str) -> str:
        if "sweeper" in words:
            return self._chance.choice(["sweeper 1", "sweeper 2"])
        return next((name for name in ("worker", "beat", BROKER) if name in words), "")

    def _note(self, name: str) -> None:
        faults = self._outcome.faults
        faults[name] += 1
        self._say(f"{time.monotonic() - self._began:6.1f} s  {faults.total():3}  {name}")
