"""What has been done of an activity: results that complete it, and completions and skips by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pathway.engine import calendars
from pathway.engine.chart import Result
from pathway.engine.definitions import Activity
from pathway.selectors import charts
from pathway.selectors.cases import Case

COMPLETE_FORMS = {"alsfrs-r": ("1", "2", "3", "4", "6", "7", "8", "9", "10", "11", "12")}


@dataclass(frozen=True, slots=True)
class Done:
    """Days on which an activity was done since care began, by results and by hand (skips among them)."""

    results: tuple[date, ...] = ()
    by_hand: tuple[date, ...] = ()

    @property
    def last(self) -> date | None:
        return max((*self.results, *self.by_hand), default=None)

    @property
    def completions(self) -> list[calendars.Completion]:
        return [calendars.Completion(day) for day in self.results] + [
            calendars.Completion(day, by_hand=True) for day in self.by_hand
        ]


def counts_for(activity: Activity, result: Result) -> bool:
    """Whether this result does what the activity asks for; incomplete forms and tests not performable do not."""
    if not result.performable or result.kind not in activity.completed_by:
        return False
    wanted = activity.context.get(result.kind, {})
    if any(result.context.get(key, value) != value for key, value in wanted.items()):
        return False
    return is_complete(result)


def is_complete(result: Result) -> bool:
    """A form counts when no item is missing."""
    needed = COMPLETE_FORMS.get(result.kind)
    if needed is None:
        return True
    has_item_5 = any(result.items.get(item) is not None for item in ("5a", "5b"))
    return has_item_5 and all(result.items.get(item) is not None for item in needed)


def done(case: Case, activity: Activity, *, without: Iterable[int] = (), since: date | None = None) -> Done:
    """All that remains of an activity since care began (or `since`); `without` leaves results out by key."""
    begin = since or case.enrollment.care_since
    left_out = set(without)
    found = [
        result.day
        for kind in activity.completed_by
        for result in case.chart().results.get(kind, ())
        if result.key not in left_out and result.day >= begin and counts_for(activity, result)
    ]
    # A plan may have begun in an earlier time of care.
    is_older = begin < case.enrollment.care_since
    by_hand = charts.by_hand(case.patient.pk, begin) if is_older else case.hand_completions
    return Done(tuple(found), by_hand.get(activity.code, ()))
