"""How the values of one invented patient go: a day in, what would be measured out. No database.

Everything is drawn from the patient's own stream of chance, so a course depends on nothing but the
seed and its number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from random import Random

from pathway.demo.casting import DAYS_PER_MONTH, DAYS_PER_YEAR, Part

ITEMS = {"bulbar": ("1", "2", "3"), "fine": ("4", "5", "6"), "gross": ("7", "8", "9"), "breathing": ("10", "11", "12")}
FULL, FLOOR_FVC, FLOOR_PRESSURE = 12.0, 14.0, 8.0
# At how many percent of lost FVC a symptom is certain.
SYMPTOMS = {"breathlessness": 90, "fatigue": 80, "disturbed-sleep": 110, "orthopnoea": 130, "morning-headache": 160}
LIVES_ON = 0.35  # of the loss goes on once there is a feeding tube


@dataclass
class Life:
    """The patient's own figures: a little faster or slower than the course, with noise at every look."""

    part: Part
    random: Random
    height: float  # cm at enrolment
    usual_weight: float  # kg
    pace: float
    tube_since: date | None = None
    ventilated_since: date | None = None
    worst: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, part: Part, seed: int) -> Life:
        random = Random(f"{seed}:{part.number}:life")
        height = _height(part, random)
        weight = part.course.start["bmi"] * random.uniform(0.9, 1.12) * (height / 100) ** 2
        return cls(part, random, height, round(weight, 1), random.uniform(0.75, 1.3))

    def month(self, day: date) -> float:
        return (day - self.part.enrolled_on).days / DAYS_PER_MONTH

    def level(self, what: str, day: date) -> float:
        """What is left of it on that day, without noise."""
        course = self.part.course
        return course.start[what] - course.monthly[what] * self.pace * self.month(day)

    def look(self, what: str, day: date, *, noise: float, low: float, high: float) -> float:
        return min(high, max(low, self.random.gauss(self.level(what, day), noise)))

    # function

    def points(self, domain: str, day: date) -> int:
        """A domain of the ALSFRS-R, 0 to 12; a form never shows more than the form before."""
        now = min(self.worst.get(domain, FULL), max(0.0, self.level(domain, day)))
        self.worst[domain] = now
        return round(now)

    def form(self, day: date) -> dict[str, int]:
        """The items of one ALSFRS-R form."""
        items: dict[str, int] = {}
        for domain, codes in ITEMS.items():
            points = self.points(domain, day)
            for place, code in enumerate(codes):
                items[code] = points // 3 + (1 if place < points % 3 else 0)
        handling = "5b" if self.tube_since is not None else "5a"
        items[handling] = items.pop("5")
        return items

    # breathing

    def fvc(self, day: date) -> float:
        return round(self.look("fvc", day, noise=1.5, low=FLOOR_FVC, high=130), 0)

    def pressure(self, which: str, day: date) -> float:
        return round(self.look(which, day, noise=2.0, low=FLOOR_PRESSURE, high=160), 0)

    def cough(self, day: date) -> float:
        return round(self.look("cough", day, noise=10, low=60, high=700), 0)

    def carbon_dioxide(self, day: date) -> float:
        relief = 0.6 if self.ventilated_since is not None else 0.0
        strain = max(0.0, (55 - max(FLOOR_FVC, self.level("fvc", day))) / 22)
        return round(max(4.4, 5.1 + strain - relief + self.random.gauss(0, 0.15)), 1)

    def saturation(self, day: date) -> int:
        strain = max(0.0, (60 - max(FLOOR_FVC, self.level("fvc", day))) / 12)
        return round(min(99.0, max(86.0, 97 - strain + self.random.gauss(0, 0.5))))

    def symptoms(self, day: date) -> list[str]:
        """The weaker the breath, the more of them."""
        weakness = max(0.0, 86 - self.level("fvc", day))
        if self.part.course.pathway.startswith("sma"):
            return []
        return [item for item, scale in SYMPTOMS.items() if self.random.random() < weakness / scale]

    # body

    def weight(self, day: date) -> float:
        """Kilograms, one decimal. A tube slows the loss."""
        monthly = self.part.course.monthly["weight_loss"] / 100 * self.pace
        lost = monthly * self.month(day)
        if self.tube_since is not None and day > self.tube_since:
            since = (day - self.tube_since).days / DAYS_PER_MONTH
            lost -= monthly * since * (1 - LIVES_ON)
        return round(max(0.55, 1 - lost) * self.usual_weight + self.random.gauss(0, 0.25), 1)

    def swallowing(self, day: date) -> int:
        """EAT-10."""
        return round(min(40, max(0, (FULL - max(0.0, self.level("bulbar", day))) * 2.0 + self.random.gauss(-1, 1))))

    def liver(self, day: date) -> int:
        """ALT in U/L; the limit of that laboratory is 40."""
        if self.part.fate == "liver" and 45 < (day - self.part.enrolled_on).days < 130:
            return round(self.random.uniform(130, 185))
        return round(self.random.uniform(14, 38))

    def growth(self, day: date) -> float:
        """Height on that day: children grow."""
        years = (day - self.part.enrolled_on).days / DAYS_PER_YEAR
        return round(self.height + (4.5 * years if self.is_child(day) else 0), 1)

    def is_child(self, day: date) -> bool:
        return (day - self.part.birth_date).days < 18 * DAYS_PER_YEAR

    def happens(self, day: date, until: date) -> list[tuple[date, str]]:
        """What happens after `day` up to `until`, by the course's odds per month."""
        return _events(self.part.course.events, self.random, day, until)

    def is_failing(self, day: date) -> bool:
        """So weak that the end is near."""
        return self.level("fvc", day) < 24 or sum(max(0.0, self.level(domain, day)) for domain in ITEMS) < 9


def _height(part: Part, random: Random) -> float:
    years = (part.enrolled_on - part.birth_date).days / DAYS_PER_YEAR
    if years < 17:
        return round(78 + 5.8 * years + random.gauss(0, 3), 1)
    return float(round(random.gauss(163 if part.sex == "female" else 177, 6)))


def _events(odds: Mapping[str, float], random: Random, day: date, until: date) -> list[tuple[date, str]]:
    found: list[tuple[date, str]] = []
    for what, monthly in odds.items():
        at = 0.0
        while monthly > 0:
            at += random.expovariate(monthly) * DAYS_PER_MONTH
            when = date.fromordinal(day.toordinal() + 1 + int(at))
            if when > until:
                break
            found.append((when, what))
    return sorted(found)
