"""A patient on a pathway in plain Python: three activities, their due dates, their reminders.

It reads the intervals from the shipped YAML and imports nothing of the product, so both are wrong in the same way only
by chance.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
WEIGHT, PHYSIO, SOCIAL = "weight", "physio-review", "psychosocial-review"
ACTIVITIES = (WEIGHT, PHYSIO, SOCIAL)
STAGES = {WEIGHT: "N0", PHYSIO: "K0", SOCIAL: "P0"}  # in which the patient stays
BEREAVEMENT, BEREAVEMENT_DAYS = "bereavement-contact", 28
ACTIVE, HELD, DEAD = "active", "on-hold", "deceased"

Told = tuple[str, int, date, str, date, str]  # activity, occurrence, due day, rung, day of the rung, role


def _read(path: str) -> Any:
    return yaml.safe_load((FIXTURES / path).read_text(encoding="utf-8"))


SCHEDULE = _read("pathways/als-limb.yaml")["schedule"]
OWNERS = {code: known["owner"] for code, known in _read("vocabulary/activities.yaml")["activities"].items()}
LADDER = sorted(_read("vocabulary/ladders.yaml")["ladders"]["default"], key=lambda rung: rung["offset_days"])
ROWS = {
    code: next(row for row in SCHEDULE if row["activity"] == code and row["stages"].partition("-")[0] == stage)
    for code, stage in STAGES.items()
}


def after(day: date, period: str) -> date:
    amount, unit = int(period.split()[0]), period.split()[1]
    if unit == "d":
        return day + timedelta(days=amount)
    assert unit == "mo", period
    year, month = divmod(day.year * 12 + day.month - 1 + amount, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


@dataclass(slots=True)
class Task:
    activity: str
    occurrence: int
    due: date
    due_set: date
    owner: str
    snoozed_until: date | None = None
    completed_by: int | None = None


@dataclass(slots=True)
class Patient:
    enrolled: date
    today: date
    status: str = ACTIVE
    before_death: str = ACTIVE
    quiet_until: date = date.min
    open: dict[str, Task] = field(default_factory=dict)
    closed: list[Task] = field(default_factory=list)
    put_by: dict[str, Task] = field(default_factory=dict)  # cancelled by a death
    weights: dict[int, date] = field(default_factory=dict)  # by number; voided ones are gone
    by_hand: list[tuple[str, date]] = field(default_factory=list)
    told: dict[tuple[str, int, date, str], Told] = field(default_factory=dict)
    occurrences: dict[str, int] = field(default_factory=dict)

    @classmethod
    def enroll(cls, day: date) -> Patient:
        made = cls(day, day)
        for code in ACTIVITIES:
            made._open(code, after(day, ROWS[code]["first"]))
        return made

    # what people do

    def complete(self, code: str, day: date) -> None:
        """Skipping is the same to the dates."""
        self.closed.append(self.open.pop(code))
        self.by_hand.append((code, day))
        self._open_next(code)

    def weigh(self, number: int, day: date) -> None:
        last = self._last(WEIGHT)
        self.weights[number] = day
        if last is None or day > last:
            task = self.open.pop(WEIGHT)
            task.completed_by = number
            self.closed.append(task)
            self._open_next(WEIGHT)

    def void(self, number: int) -> None:
        before = self._last(WEIGHT)
        del self.weights[number]
        last = self._last(WEIGHT)
        if last == before:
            return
        had = next((task.due for task in self.closed if task.completed_by == number), None)
        due = after(last, ROWS[WEIGHT]["every"]) if last is not None else had
        if due is not None and max(due, self.today) != self.open[WEIGHT].due:
            self.open[WEIGHT].due, self.open[WEIGHT].due_set = max(due, self.today), self.today

    def snooze(self, code: str, until: date) -> None:
        self.open[code].snoozed_until = until

    def reassign(self, code: str, to: str) -> None:
        self.open[code].owner = to

    def hold(self) -> None:
        self.status = HELD

    def resume(self) -> None:
        self.status, self.quiet_until = ACTIVE, self.today

    def die(self) -> None:
        self.before_death, self.status = self.status, DEAD
        self.put_by, self.open = self.open, {}
        self._open(BEREAVEMENT, self.today + timedelta(days=BEREAVEMENT_DAYS))

    def reverse(self) -> None:
        self.status, self.quiet_until = self.before_death, self.today
        self.closed += self.open.values()
        self.open, self.put_by = self.put_by, {}
        for task in self.open.values():
            task.due_set = self.today

    # time passes

    def sweep(self, day: date) -> None:
        """The latest rung whose day has come, of those that may be told at all."""
        self.today = day
        for task in self.open.values():
            if self.status != (DEAD if task.activity == BEREAVEMENT else ACTIVE):
                continue
            come = [(rung, on) for rung, on in self._rungs(task) if on <= day]
            for rung, on in come[-1:]:
                role = task.owner if rung["to"] == "owner" else rung["to"]
                key = (task.activity, task.occurrence, task.due, rung["code"])
                self.told.setdefault(key, (*key, on, role))

    def _rungs(self, task: Task) -> Iterator[tuple[dict[str, Any], date]]:
        for rung in LADDER:
            on = task.due + timedelta(days=rung["offset_days"])
            is_paused = task.snoozed_until is not None and on < task.snoozed_until
            if on > max(task.due_set, self.quiet_until) and not is_paused:
                yield rung, on

    def _last(self, code: str) -> date | None:
        days = [day for known, day in self.by_hand if known == code]
        return max([*days, *(self.weights.values() if code == WEIGHT else ())], default=None)

    def _open_next(self, code: str) -> None:
        last = self._last(code)
        assert last is not None
        self._open(code, after(last, ROWS[code]["every"]))

    def _open(self, code: str, due: date) -> None:
        self.occurrences[code] = self.occurrences.get(code, 0) + 1
        self.open[code] = Task(code, self.occurrences[code], due, self.today, OWNERS[code])
