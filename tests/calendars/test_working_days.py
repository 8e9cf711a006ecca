"""Which days a site works on, and calendars that nobody could read."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from pathway.models import Closure, Site
from pathway.selectors import working_days
from tests import builders, walls

pytestmark = pytest.mark.usefixtures("loaded")


def close(site: Site, first: date, last: date | None = None) -> Closure:
    made = Closure.objects.create(site=site, first_day=first, last_day=last or first, reason="works")
    site.refresh_from_db()
    return made


def test_weekdays_holidays_and_closures() -> None:
    site = builders.site(holiday_country="GB-SCT", clinic_weekdays="0,2,4")
    assert working_days.is_working_day(site, date(2025, 9, 1))
    assert not working_days.is_working_day(site, date(2025, 9, 2))  # a Tuesday
    assert not working_days.is_working_day(site, date(2026, 1, 2))  # a Friday, and a holiday in Scotland
    assert working_days.is_working_day(builders.site(holiday_country="GB-ENG"), date(2026, 1, 2))
    assert working_days.is_working_day(builders.site(holiday_country=""), date(2025, 12, 25))


def test_a_closure_counts_from_its_first_to_its_last_day_and_for_its_site_alone() -> None:
    site, other = builders.site(), builders.site()
    assert working_days.is_working_day(site, date(2025, 12, 29))
    close(site, date(2025, 12, 29), date(2026, 1, 6))
    days = [date(2025, 12, 26) + timedelta(days=n) for n in range(14)]
    at_work = [day for day in days if working_days.is_working_day(site, day)]
    assert at_work == [date(2025, 12, 26), date(2026, 1, 7), date(2026, 1, 8)]
    assert working_days.is_working_day(other, date(2025, 12, 29))


def test_a_closure_that_changes_or_goes_is_seen_at_once_and_a_stale_instance_brings_nothing_back() -> None:
    site = builders.site()
    stale = Site.objects.get(pk=site.pk)
    closure = close(site, date(2025, 9, 1))
    assert not working_days.is_working_day(site, date(2025, 9, 1))
    stale.name = "Renamed"
    stale.save()
    assert not working_days.is_working_day(Site.objects.get(pk=site.pk), date(2025, 9, 1))
    Closure.objects.filter(pk=closure.pk).update(first_day=date(2025, 9, 2), last_day=date(2025, 9, 2))
    site.refresh_from_db()
    assert working_days.is_working_day(site, date(2025, 9, 1))
    assert not working_days.is_working_day(site, date(2025, 9, 2))
    closure.delete()
    site.refresh_from_db()
    assert working_days.is_working_day(site, date(2025, 9, 2))


def test_a_year_of_a_site_is_read_once() -> None:
    site = builders.site(holiday_country="DE")
    with CaptureQueriesContext(
        connection,
    ) as captured:
        for number in range(365):
            working_days.is_working_day(site, date(2031, 1, 1) + timedelta(days=number))
    assert len(captured) == 1


@pytest.mark.parametrize("country", ["ZZ", "GB-XYZ", "gb", "England"])
def test_a_site_with_an_unknown_country_is_not_saved(country: str) -> None:
    before = Site.objects.count()
    with pytest.raises(ValidationError, match="holiday"):
        builders.site(holiday_country=country)
    site = builders.site()
    site.holiday_country = country
    with pytest.raises(ValidationError):
        site.save()
    site.refresh_from_db()
    assert site.holiday_country == ""
    assert Site.objects.count() == before + 1


@pytest.mark.parametrize("weekdays", ["", "7", "0,,1", "Monday", "0;1"])
def test_a_site_that_never_works_is_not_saved(weekdays: str) -> None:
    with pytest.raises(ValidationError):
        builders.site(clinic_weekdays=weekdays)


def test_closures_neither_overlap_nor_end_before_they_begin() -> None:
    site = builders.site()
    close(site, date(2025, 8, 4), date(2025, 8, 22))
    for first, last in ((22, 25), (1, 4), (10, 11), (1, 31)):
        with pytest.raises(IntegrityError, match="closures_do_not_overlap"), transaction.atomic():
            close(site, date(2025, 8, first), date(2025, 8, last))
    with pytest.raises(IntegrityError, match="closure_ends"), transaction.atomic():
        close(site, date(2025, 9, 2), date(2025, 9, 1))
    close(site, date(2025, 8, 23), date(2025, 8, 31))
    close(builders.site(), date(2025, 8, 4))
    assert Closure.objects.filter(site=site).count() == 2


@pytest.mark.parametrize("role", ["pathway_judge", "pathway_deliver", "pathway_web"])
def test_whoever_lays_out_or_sends_may_ask(role: str) -> None:
    site = builders.site()
    close(site, date(2025, 9, 1))
    with walls.role(role), transaction.atomic():
        assert not working_days.is_working_day(site, date(2025, 9, 1))
