"""Who is in the demo clinic: the files of `fixtures/demo/` in, a cast of invented patients out. No database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from pathway.engine import yamltext
from pathway.vocabulary import Role

DAYS_PER_MONTH = 30.4375
DAYS_PER_YEAR = 365.25
PREVALENT = 0.15  # the part that is on the books when the clinic begins
LATEST_START = 21  # nobody but the new patient begins in the last days
LONG_ENOUGH = (0.3, 0.65)  # of all months: whoever has a fate needs the time for it
SMALL_TEAM_EVERY = 6  # every so manieth patient is the small team's


@dataclass(frozen=True, slots=True)
class Course:
    """How one kind of patient fares; see the head of `courses.yaml` for what the figures mean."""

    code: str
    pathway: str
    share: int
    keeps: float
    age: tuple[int, int]
    start: Mapping[str, float]
    monthly: Mapping[str, float]
    events: Mapping[str, float]
    treatment: str


@dataclass(frozen=True, slots=True)
class Names:
    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]
    staff: Mapping[Role, tuple[str, str]]
    small_team: Mapping[Role, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Script:
    """All that the files say. `fates` are (fate, courses that fit; none: any)."""

    names: Names
    courses: Mapping[str, Course]
    fates: tuple[tuple[str, frozenset[str]], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One invented patient before anything has happened."""

    number: int
    given_name: str
    family_name: str
    sex: str
    birth_date: date
    course: Course
    fate: str
    enrolled_on: date
    is_small_teams: bool

    @property
    def identifier(self) -> str:
        return f"DEMO-{self.number:04d}"


def read(folder: Path) -> Script:
    """Raises ContentError for a file that is no YAML, and KeyError or ValueError for one that says too little."""
    names: Any = yamltext.read(folder / "names.yaml")
    told: Any = yamltext.read(folder / "courses.yaml")
    family = tuple(f"{one}{two}" for one in names["family"]["first"] for two in names["family"]["second"])
    given = names["given"]
    staff, small = _staff(names["staff"]), _staff(names["small_team"])
    return Script(
        Names(tuple(given["female"]), tuple(given["male"]), family, staff, small),
        {code: _course(code, one) for code, one in told["courses"].items()},
        tuple((one["fate"], frozenset(one.get("courses", ()))) for one in told["fates"]),
    )


def cast(script: Script, *, patients: int, months: int, seed: int, today: date) -> list[Part]:
    """The same people for the same numbers, at the same distance from `today`."""
    random = Random(f"cast {seed}")
    courses = _shared_out(list(script.courses.values()), patients)
    random.shuffle(courses)
    fates = _fates(script, courses)
    families = random.sample(script.names.family, k=min(patients, len(script.names.family)))
    return [
        _part(script, number, course, fate, families[number % len(families)], months, Random(f"{seed}:{number}"), today)
        for number, (course, fate) in enumerate(zip(courses, fates, strict=True), start=1)
    ]


def _part(
    script: Script, number: int, course: Course, fate: str, family: str, months: int, random: Random, today: date
) -> Part:
    sex = "female" if random.random() < 0.46 else "male"
    given = random.choice(script.names.female if sex == "female" else script.names.male)
    ago = _days_ago(fate, round(months * DAYS_PER_MONTH), random)
    enrolled = today - timedelta(days=ago)
    age_days = round(random.uniform(*course.age) * DAYS_PER_YEAR)
    return Part(
        number,
        given,
        family,
        sex,
        enrolled - timedelta(days=age_days),
        course,
        fate,
        enrolled,
        is_small_teams=number % SMALL_TEAM_EVERY == 0,
    )


def _days_ago(fate: str, days: int, random: Random) -> int:
    """When the patient was enrolled. The draw is the same whatever the fate, so that others keep theirs."""
    draw, spread = random.random(), random.random()
    if fate == "new":
        return 1
    if fate:
        shortest, longest = LONG_ENOUGH
        return round(days * (shortest + (longest - shortest) * spread))
    if draw < PREVALENT:
        return round(days * (0.85 + 0.15 * spread))
    return round(LATEST_START + max(0.0, days * 0.85 - LATEST_START) * spread * spread)


def _shared_out(courses: Sequence[Course], patients: int) -> list[Course]:
    """By shares, the largest remainders first; where there are few patients, the frequent courses."""
    total = sum(course.share for course in courses)
    exact = [patients * course.share / total for course in courses]
    counts = [int(part) for part in exact]
    order = sorted(range(len(courses)), key=lambda i: (counts[i] - exact[i], i))
    for index in order[: patients - sum(counts)]:
        counts[index] += 1
    return [course for course, count in zip(courses, counts, strict=True) for _ in range(count)]


def _fates(script: Script, courses: Sequence[Course]) -> list[str]:
    """Each fate to the first patient left whose course fits; at most every second patient has one."""
    fates = [""] * len(courses)
    for fate, fitting in script.fates[: len(courses) // 2]:
        free = (i for i, course in enumerate(courses) if not fates[i] and (not fitting or course.code in fitting))
        index = next(free, None)
        if index is not None:
            fates[index] = fate
    return fates


def _staff(told: Mapping[str, Sequence[str]]) -> dict[Role, tuple[str, str]]:
    return {Role(role): (name[0], name[1]) for role, name in told.items()}


def _course(code: str, told: Mapping[str, Any]) -> Course:
    return Course(
        code=code,
        pathway=told["pathway"],
        share=int(told["share"]),
        keeps=float(told["keeps"]),
        age=(int(told["age"][0]), int(told["age"][1])),
        start=_numbers(told["start"]),
        monthly=_numbers(told["monthly"]),
        events=_numbers(told["events"]),
        treatment=told["treatment"],
    )


def _numbers(told: Mapping[str, Any]) -> dict[str, float]:
    return {str(key): float(value) for key, value in told.items()}
