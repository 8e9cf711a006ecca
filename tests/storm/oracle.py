"""What has to be prompted, to whom: reckoned from the shipped YAML by calendar sums of its own.

Nothing of the product is imported here, so a fault of its sums is no fault of these.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PATHWAY = "als-limb"
COORDINATOR = "nurse-coordinator"
OWNER = "owner"
SURNAME = "Petrel"  # of every patient, to be looked for where it must not be


class Doing(StrEnum):
    """What was done for a patient before anything fell due."""

    NOTHING = "nothing"
    COMPLETED = "completed"  # the weight
    REASSIGNED = "reassigned"  # the physiotherapy review, to the dietitian
    SNOOZED = "snoozed"  # the ALSFRS-R, until tomorrow
    HELD = "held"
    RESUMED = "resumed"  # held, and resumed today
    DIED = "died"


COMPLETED, REASSIGNED, SNOOZED = "weight", "physio-review", "alsfrs-r"
REASSIGNED_TO = "dietitian"
SILENT = (Doing.HELD, Doing.RESUMED, Doing.DIED)


@dataclass(frozen=True, slots=True)
class Story:
    """One patient: known by a number, enrolled on a day, cared for by one person per role."""

    patient: str
    enrolled_on: date
    doing: Doing
    team: Mapping[str, str]  # role → who

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Story:
        return cls(
            plain["patient"], date.fromisoformat(plain["enrolled_on"]), Doing(plain["doing"]), dict(plain["team"])
        )


@dataclass(frozen=True, slots=True, order=True)
class Prompt:
    """One rung of one task, and who has to see it."""

    patient: str
    activity: str
    due_on: date
    rung: str
    on: date
    role: str
    person: str


@dataclass(slots=True)
class Expected:
    """`required` by the end of today; `allowed` besides: the rung before one of today, if a sweep came in between."""

    required: set[Prompt] = field(default_factory=set)
    allowed: set[Prompt] = field(default_factory=set)


def expected(stories: Iterable[Story], today: date) -> Expected:
    found = Expected()
    for story in stories:
        if story.doing in SILENT:
            continue
        for activity, due in first_tasks(story.enrolled_on).items():
            come = list(prompts(story, activity, due, today))
            found.required.update(come[-1:])
            if come and come[-1].on == today:
                found.allowed.update(come[-2:-1])
    return found


def prompts(story: Story, activity: str, due: date, today: date) -> Iterator[Prompt]:
    """The rungs of one task whose day has come since the enrollment, today included, earliest first."""
    is_done = story.doing == Doing.COMPLETED and activity == COMPLETED  # the next one is months away
    is_snoozed = story.doing == Doing.SNOOZED and activity == SNOOZED
    if is_done or is_snoozed:
        return
    for rung in sorted(LADDER, key=lambda one: one["offset_days"]):
        day = due + timedelta(days=rung["offset_days"])
        if story.enrolled_on < day <= today:
            role = rung["to"] if rung["to"] != OWNER else _owner(story, activity)
            person = story.team.get(role, story.team[COORDINATOR])
            yield Prompt(story.patient, activity, due, rung["code"], day, role, person)


def first_tasks(enrolled: date) -> dict[str, date]:
    """What enrolling lays out, of a patient of whom nothing is known."""
    return {
        row["activity"]: after(enrolled, row.get("first") or row.get("entry") or row["every"])
        for row in SCHEDULE["schedule"]
        if "when" not in row and row.get("mode") != "speed-up" and _is_initial(row["stages"])
    }


def after(day: date, period: str) -> date:
    """Months and years end with the month where it is shorter."""
    amount, unit = period.split()
    if unit in ("d", "wk"):
        return day + timedelta(days=int(amount) * (7 if unit == "wk" else 1))
    months = day.year * 12 + day.month - 1 + int(amount) * (12 if unit == "a" else 1)
    year, month = divmod(months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def roles() -> set[str]:
    """Whoever has a task of these, or hears of one."""
    owners = {ACTIVITIES[code]["owner"] for code in first_tasks(date(2024, 1, 1))}
    return owners | {rung["to"] for rung in LADDER} - {OWNER}


def _owner(story: Story, activity: str) -> str:
    if story.doing == Doing.REASSIGNED and activity == REASSIGNED:
        return REASSIGNED_TO
    return str(ACTIVITIES[activity]["owner"])


def _is_initial(stages: str) -> bool:
    letter, (low, _, high) = stages[0], stages.partition("-")
    return any(
        stage[0] == letter and int(low[1:]) <= int(stage[1:]) <= int((high or low)[1:])
        for stage in SCHEDULE["initial"].values()
    )


def _read(path: str) -> Any:
    return yaml.safe_load((FIXTURES / path).read_text(encoding="utf-8"))


SCHEDULE = _read(f"pathways/{PATHWAY}.yaml")
ACTIVITIES = _read("vocabulary/activities.yaml")["activities"]
LADDER = _read("vocabulary/ladders.yaml")["ladders"]["default"]
LAST_RUNG = max(LADDER, key=lambda rung: rung["offset_days"])["code"]
