"""Series: doses given one after another, each counted from the one before as actually given.

A series runs through its loading doses (L1, L2, … or D1) and then, where it has any, through
maintenance doses (M1, M2, …). Extra doses after a long gap are numbered on through the whole
series (X1, X2, …). Vocabulary 7.3, CONVENTIONS 29.

What is asked here concerns one course of one intervention: a new start begins a new course.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta

from pathway import errors
from pathway.engine.chart import Dose
from pathway.engine.definitions import Series
from pathway.engine.schedule import Period

HORIZON = 12  # maintenance doses that are laid out ahead
INTERVAL_SHORT = "interval-short"

# A missed maintenance dose on a calendar, by the time since the dose before [V:NUS-US].
ONE_EXTRA_FROM = Period(8, "mo")
TWO_EXTRAS_FROM = Period(16, "mo")
START_AGAIN_FROM = Period(40, "mo")
EXTRA_SPACING = Period(14, "d")

_NUMBERED = re.compile(r"^([MX])([1-9]\d*)$")


class DoseRefused(errors.NotAllowed, ValueError):
    """This dose cannot be the next one of the series (`not-allowed`)."""

    def __init__(self, reason: str) -> None:
        super().__init__("not-allowed", reason, "dose")


@dataclass(frozen=True, slots=True)
class Admission:
    """A dose that may be stored: the day it was planned for, and the flags it raises."""

    planned: date
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Course:
    """How far a series has come. `anchor` and `base`: M(base + n) is due n intervals after the anchor."""

    last: date | None = None
    loaded: int = 0
    maintained: int = 0
    extras_given: int = 0
    extras_due: int = 0
    anchor: date | None = None
    base: int = 0


def next_dose(series: Series, start: date, doses: Iterable[Dose]) -> tuple[str, date] | None:
    """Label and planned day of the next dose; None when the series is complete."""
    return _next(series, start, _course(series, start, doses))


def planned(series: Series, start: date, doses: Iterable[Dose]) -> dict[str, date]:
    """Coming labels with their days, as if each dose from now on were given on its day.

    All loading and extra doses that remain, then the next `HORIZON` maintenance doses.
    """
    course, coming = _course(series, start, doses), dict[str, date]()
    end = course.maintained + HORIZON
    while course.maintained < end and (dose := _next(series, start, course)) is not None:
        coming[dose[0]] = dose[1]
        course = _given(series, start, course, *dose)
    return coming


def admit(series: Series, start: date, doses: Iterable[Dose], label: str, day: date) -> Admission:
    """May this dose be recorded? Early and late doses may; one out of turn may not.

    Raises DoseRefused when another label is next, when the day lies before that of the dose before,
    when the series is complete, and when so long a gap means starting again.
    """
    course = _course(series, start, doses)
    dose = _next(series, start, course)
    if dose is None:
        raise DoseRefused(f"{label}: all doses of this series have been given")
    if label != dose[0]:
        raise DoseRefused(f"{label}: the next dose of this series is {dose[0]}, planned for {dose[1]}")
    if course.last is None:
        return Admission(dose[1])
    if day < course.last:
        raise DoseRefused(f"{label}: {day} lies before the dose before it, given on {course.last}")
    if _keeps_calendar(series, label) and day >= START_AGAIN_FROM.after(course.last):
        raise DoseRefused(f"{label}: {START_AGAIN_FROM} or more since {course.last}; the series starts again")
    is_short = (day - course.last).days < series.minimum_days
    return Admission(dose[1], (INTERVAL_SHORT,) if is_short else ())


def earliest(series: Series, doses: Iterable[Dose]) -> date | None:
    """The day before which the next dose would come too soon after the last one; None before the first."""
    last = max((dose.day for dose in doses), default=None)
    return None if last is None else last + timedelta(days=series.minimum_days)


def labs_window(series: Series, day: date) -> tuple[date, date]:
    """First and last day for the laboratory tests before a dose planned for `day`."""
    return day - timedelta(days=series.labs_days), day


def _course(series: Series, start: date, doses: Iterable[Dose]) -> _Course:
    course = _Course()
    for dose in sorted(doses, key=lambda one: one.day):
        course = _given(series, start, course, dose.label, dose.day)
    return course


def _next(series: Series, start: date, course: _Course) -> tuple[str, date] | None:
    last = course.last or start
    if course.loaded < len(series.loading):
        dose = series.loading[course.loaded]
        return dose.label, start if course.last is None or dose.spacing is None else dose.spacing.after(last)
    if course.extras_due:
        return f"X{course.extras_given + 1}", EXTRA_SPACING.after(last)
    if series.maintenance == "none" or series.maintenance_every is None:
        return None
    label = f"M{course.maintained + 1}"
    if series.maintenance == "from-last":
        return label, series.maintenance_every.after(last)
    on_calendar = series.maintenance_every.times(course.maintained + 1 - course.base).after(course.anchor or last)
    return label, max(on_calendar, last + timedelta(days=series.minimum_days))


def _given(series: Series, start: date, course: _Course, label: str, day: date) -> _Course:
    """The course after a dose. It goes by the label, so that a history with a gap is still read."""
    loading = [dose.label for dose in series.loading]
    if label in loading:
        loaded = max(course.loaded, loading.index(label) + 1)
        return replace(course, last=day, loaded=loaded, anchor=day, base=0)
    match = _NUMBERED.match(label)
    if match is None:
        raise DoseRefused(f"{label}: no dose of this series has that name")
    number = int(match.group(2))
    if match.group(1) == "M":
        extras = _extras(series, start, course, label, day)
        return replace(course, last=day, maintained=max(course.maintained, number), extras_due=extras)
    return _extra_given(course, number, day)


def _extra_given(course: _Course, number: int, day: date) -> _Course:
    """The last extra dose starts a new calendar for the maintenance doses after it."""
    left = max(course.extras_due - 1, 0)
    after = replace(course, last=day, extras_given=max(course.extras_given, number), extras_due=left)
    return after if left else replace(after, anchor=day, base=course.maintained)


def _extras(series: Series, start: date, course: _Course, label: str, day: date) -> int:
    """Extra doses that a late maintenance dose asks for. One that is not late asks for none."""
    due = _next(series, start, course)
    if not _keeps_calendar(series, label) or course.last is None or due is None or day <= due[1]:
        return 0
    return sum(1 for gap in (ONE_EXTRA_FROM, TWO_EXTRAS_FROM) if day >= gap.after(course.last))


def _keeps_calendar(series: Series, label: str) -> bool:
    return series.maintenance == "calendar" and label.startswith("M")
