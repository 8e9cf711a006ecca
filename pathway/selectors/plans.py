"""What running interventions ask for: the next date of each calendar, the next dose of each series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pathway.engine import calendars, rules, series
from pathway.engine.chart import Dose
from pathway.engine.definitions import Calendar
from pathway.engine.definitions import Intervention as Kind
from pathway.models import Intervention
from pathway.selectors import completions
from pathway.selectors.cases import Case


@dataclass(frozen=True, slots=True)
class Wanted:
    """One task that a plan asks for now. `first` and `last`: where its day may move to, off a day without clinic."""

    activity: str
    due: date
    intervention_id: int
    label: str = ""
    opens: date | None = None
    first: date | None = None
    last: date | None = None
    since: date | None = None  # the completion that what recurs is counted from

    @property
    def window(self) -> tuple[date | None, date | None]:
        if self.opens is not None:
            return max(self.first or self.opens, self.opens), min(self.last or self.due, self.due)
        return self.first, self.last


def wanted(case: Case) -> dict[str, Wanted]:
    """By activity, what calendars and series ask for now. Nothing for an activity whose plan has ended."""
    found: dict[str, Wanted] = {}
    for row in case.running:
        kind = case.vocabulary.interventions[row.kind_id]
        for one in [*_from_calendars(case, row), *_from_series(case, row, kind)]:
            found.setdefault(one.activity, one)
    return found


def activities_of(case: Case, code: str) -> set[str]:
    """The activities of an intervention's calendars and series: what stopping it cancels."""
    kind = case.vocabulary.interventions[code]
    found = {c.activity for c in case.vocabulary.calendars if c.anchor_intervention == code}
    return found | ({kind.series.task, kind.series.labs} - {""} if kind.series else set())


def planned(case: Case) -> dict[str, dict[str, date]]:
    """Coming dates by activity (calendars) or intervention (series, programmes) and label."""
    found: dict[str, dict[str, date]] = {}
    for row in case.running:
        kind = case.vocabulary.interventions[row.kind_id]
        for calendar, anchor in _calendars(case, row):
            done = completions.done(case, case.vocabulary.activities[calendar.activity], since=anchor).completions
            found.setdefault(calendar.activity, {}).update(calendars.planned(calendar, anchor, done))
        if kind.series is not None:
            found.setdefault(kind.code, {}).update(series.planned(kind.series, row.started_on, _doses(case, row)))
        for task in kind.tasks:
            if task.label and task.on == "start":
                found.setdefault(kind.code, {})[task.label] = task.due.after(row.started_on)
        for one in kind.planned:
            found.setdefault(one.code, {})[one.label] = row.started_on + timedelta(days=one.offset_days)
    _add_decided(case, found)
    return found


def _from_calendars(case: Case, row: Intervention) -> list[Wanted]:
    found = []
    for calendar, anchor in _calendars(case, row):
        done = completions.done(case, case.vocabulary.activities[calendar.activity], since=anchor).completions
        position = calendars.position(calendar, anchor, done, goes_on=_goes_on(case, calendar))
        if position.next is not None:
            first, last = calendars.window(calendar, anchor, position.done)
            label, day = position.next
            found.append(
                Wanted(calendar.activity, day, row.pk, label or "", first=first, last=last, since=position.last)
            )
    return found


def _calendars(case: Case, row: Intervention) -> list[tuple[Calendar, date]]:
    """The calendars that this intervention anchors, with their anchors; those of a dose once it is given."""
    found = []
    for calendar in case.vocabulary.calendars:
        if calendar.anchor_intervention != row.kind_id:
            continue
        if not calendar.anchor_dose:
            found.append((calendar, row.started_on))
        else:
            given = [dose.day for dose in _doses(case, row) if dose.label == calendar.anchor_dose]
            found += [(calendar, day) for day in given[:1]]
    return found


def _goes_on(case: Case, calendar: Calendar) -> bool:
    condition = case.expressions.goes_on.get(calendar.activity)
    # On the last known values: what has ended does not begin again because they expire.
    reader = case.reader(last_known=True)
    return condition is None or rules.evaluate(condition, reader, case.judge.judge).value is not False


def _from_series(case: Case, row: Intervention, kind: Kind) -> list[Wanted]:
    if kind.series is None:
        return []
    given = _doses(case, row)
    dose = series.next_dose(kind.series, row.started_on, given)
    if dose is None:
        return []
    label, planned_day = dose
    first = series.earliest(kind.series, given)
    # Its tests come before the dose, so they are laid out from the day that it has in the end.
    day = case.shifted(kind.series.task, planned_day, first)
    found = [Wanted(kind.series.task, day, row.pk, label, first=first)]
    if kind.series.labs:
        opens, due = series.labs_window(kind.series, day)
        found.append(Wanted(kind.series.labs, due, row.pk, label, opens))
    return found


def _doses(case: Case, row: Intervention) -> list[Dose]:
    """The doses of this course."""
    return [Dose(row.kind_id, label, day) for label, day in case.doses_of(row.pk)]


def _add_decided(case: Case, found: dict[str, dict[str, date]]) -> None:
    """Dates that an accepted proposal lays out, such as the end of a steroid course."""
    running_codes = set(found)
    for decision in case.chart().decisions:
        for one in case.vocabulary.proposals[decision.code].planned:
            if one.code in running_codes:
                found[one.code][one.label] = decision.day + timedelta(days=one.offset_days)
