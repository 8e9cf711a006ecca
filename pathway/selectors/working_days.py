"""On which days a site is at work."""

from __future__ import annotations

from datetime import date

from pathway.engine import schedule
from pathway.models import Site


def is_working_day(site: Site, day: date) -> bool:
    """A weekday on which the clinic is held, and no public holiday of its country.

    A site whose calendar cannot be read (no weekday, an unknown country) works every day: its messages must not wait
    for ever.
    """
    weekdays = {int(word) for word in site.clinic_weekdays.split(",") if word.strip().isdigit()}
    try:
        return schedule.working_days(site.holiday_country or None, weekdays)(day)
    except ValueError:
        return True
