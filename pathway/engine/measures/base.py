"""What a measure is, and the few steps that most measures share.

A measure is a plain function from a `Reader` to a `Reading`; a `Family` collects the measures
of one module by code. Values are exact: multiplied before they are divided, never rounded here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from pathway.engine.chart import Reader, Reading, Result
from pathway.engine.schedule import Period

Take = Callable[[Reader], Reading]

# Days of a mean month, a quarter, half a year and a year (CONVENTIONS 7) [D].
MONTH = Fraction("30.4375")
QUARTER = Fraction("91.3125")
HALF_YEAR = Fraction("182.625")
YEAR = Fraction("365.25")


@dataclass(frozen=True, slots=True)
class Measure:
    """One row of vocabulary section 5.

    `formula` is for people; `places` is for display; `changes_daily` says that the value may
    change as days pass without a new result (expiry aside).
    """

    code: str
    title: str
    formula: str
    unit: str
    places: int
    changes_daily: bool
    take: Take


class Family(dict[str, Measure]):
    """The measures of one module by code."""

    def measure(
        self, code: str, title: str, formula: str, unit: str = "", places: int = 0, *, changes_daily: bool = False
    ) -> Callable[[Take], Take]:
        """Decorator that registers a function under its code."""

        def register(take: Take) -> Take:
            self[code] = Measure(code, title, formula, unit, places, changes_daily, take)
            return take

        return register


def number(result: Result) -> Fraction:
    """The exact value of a quantity."""
    if not isinstance(result.value, Fraction):
        raise TypeError(f"{result.kind} is no quantity: {result.value!r}")
    return result.value


def days_between(earlier: Result, later: Result) -> int:
    return (later.day - earlier.day).days


def full_months(start: date, day: date) -> int:
    """Completed calendar months, each counted from `start` and clamped to the month's end (CONVENTIONS 5)."""
    months = (day.year - start.year) * 12 + day.month - start.month
    return months if Period(months, "mo").after(start) <= day else months - 1


def only(reading: Reading) -> Result:
    """The one result that a known reading of an observation rests on."""
    return reading.evidence[0]


def rate(reader: Reader, code: str, *, per: Fraction, at_least_days: int) -> Reading:
    """(newest - earlier) x per / days, earlier being the newest one at least that many days back (CONVENTIONS 8)."""
    present = reader.newest(code)
    if not present.is_known:
        return present
    newest = only(present)
    earlier = reader.earlier_than(code, newest.day, at_least_days=at_least_days)
    if earlier is None:
        return reader.reading(None, [newest], [code])
    return reader.reading((number(newest) - number(earlier)) * per / days_between(earlier, newest), [newest, earlier])


def negated(reader: Reader, reading: Reading) -> Reading:
    """A rise turned into a fall."""
    return reader.combine(lambda value: -value, reading)


def change(reader: Reader, code: str) -> Reading:
    """Newest valid value minus the newest one of an earlier day (`prev`)."""
    return reader.combine(lambda newest, earlier: newest - earlier, reader.read(code), reader.previous(code))


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """Kleene's `and`."""
    found = list(answers)
    if False in found:
        return False
    return None if None in found else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Kleene's `or`."""
    found = list(answers)
    if True in found:
        return True
    return None if None in found else False


def by_sex(reader: Reader, male: Fraction, female: Fraction) -> Reading:
    """A constant that differs by sex; unknown where the sex is."""
    if reader.chart.sex not in ("male", "female"):
        return reader.unknown("sex")
    return Reading(male if reader.chart.sex == "male" else female)
