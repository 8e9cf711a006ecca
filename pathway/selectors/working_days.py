"""On which days a site is at work: its weekdays, the public holidays of its country, and what it has closed itself."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from uuid import UUID

from pathway.engine import schedule
from pathway.engine.schedule import WorkingDay
from pathway.models import Closure, Site

KEPT = 256  # years of sites


def is_working_day(site: Site, day: date) -> bool:
    """A weekday on which the clinic is held, no public holiday of its country, and nothing that it has closed for.

    A site whose calendar cannot be read (no weekday, an unknown country) works every day: its messages must not wait
    for ever. No such site can be saved.
    """
    return day in _working_days(site.pk, site.calendar_key, site.clinic_weekdays, site.holiday_country, day.year)


def calendar_of(site: Site) -> WorkingDay:
    """The same as a test for days, as the engine asks for it."""
    return lambda day: is_working_day(site, day)


# The key of the calendar changes whenever a closure does: what is kept under it never grows old. They are
# read in the transaction that asks, so that whoever changed one sees it at once.
@lru_cache(maxsize=KEPT)
def _working_days(site: int, _calendar_key: UUID, weekdays: str, country: str, year: int) -> frozenset[date]:
    first, last = date(year, 1, 1), date(year, 12, 31)
    closed = list(
        Closure.objects.filter(site=site, first_day__lte=last, last_day__gte=first).values_list("first_day", "last_day")
    )
    days = [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]
    open_days = [day for day in days if not any(begins <= day <= ends for begins, ends in closed)]
    try:
        works = schedule.working_days(country or None, {int(word) for word in weekdays.split(",") if word.isdigit()})
    except ValueError:
        return frozenset(open_days)
    return frozenset(day for day in open_days if works(day))
