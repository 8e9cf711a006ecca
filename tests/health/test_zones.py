"""Clocks of eight places, both changes of the year: each rung once, on its day, by the wall clock of the site."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from pathway import flow
from pathway.engine import schedule
from pathway.models import CareTask, Reminder, Site
from tests import builders

pytestmark = pytest.mark.usefixtures("loaded")

ZONES = (
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",  # half an hour off
    "America/Santiago",  # at midnight
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Auckland",
    "Africa/Casablanca",  # for Ramadan
)
YEAR = 2025
# The usual time, and times that are left out or come twice in one of the zones.
TIMES = (time(8, 0), time(0, 30), time(1, 30), time(2, 15), time(3, 0))
STEP = timedelta(minutes=15)


def changes(zone: str) -> Iterator[date]:
    """Local days of the year on which the clock of the place is changed."""
    place = ZoneInfo(zone)
    moment = datetime(YEAR, 1, 1, tzinfo=UTC)
    while moment.year == YEAR:
        after = moment + timedelta(hours=1)
        if moment.astimezone(place).utcoffset() != after.astimezone(place).utcoffset():
            yield after.astimezone(place).date()
        moment = after


def waiting(clinic: builders.Clinic, on: date, at: time) -> CareTask:
    """A task with one rung to come, at that time of that day; the others of the patient are silent."""
    CareTask.objects.update(next_rung_at=None)
    task = clinic.task("dietitian-review")
    Site.objects.filter(pk=clinic.site.pk).update(reminder_time=at)
    CareTask.objects.filter(pk=task.pk).update(
        due_on=on,
        due_set_on=on - timedelta(days=5),
        next_rung_at=schedule.instant(on, at, clinic.site.time_zone),
    )
    Reminder.objects.all().delete()
    return task


def told_at(first: datetime, last: datetime) -> list[datetime]:
    """The instants of the sweeps that told something."""
    found, moment = [], first
    while moment <= last:
        if flow.remind(at=moment):
            found.append(moment)
        moment += STEP
    return found


@pytest.mark.parametrize("zone", ZONES)
def test_on_the_day_of_a_change_a_rung_is_told_once_and_at_its_time(zone: str) -> None:
    clinic = builders.clinic(time_zone=zone)
    days = list(changes(zone))
    assert len(days) == 2
    for day in days:
        for at in TIMES:
            waiting(clinic, day, at)
            nominal = schedule.instant(day, at, zone)
            found = told_at(nominal - timedelta(hours=2), nominal + timedelta(hours=26))
            assert len(found) == 1, (day, at)
            # A time that does not come, or comes twice, may be told up to the length of the change later.
            assert timedelta() <= found[0] - nominal <= timedelta(hours=1), (day, at)
            assert found[0].astimezone(ZoneInfo(zone)).date() == day
            if at == time(8, 0):
                assert found[0] == nominal


@pytest.mark.parametrize("zone", ZONES)
def test_the_days_around_a_change_are_told_at_the_same_time_of_the_wall_clock(zone: str) -> None:
    clinic = builders.clinic(time_zone=zone)
    for change in changes(zone):
        for day in (change - timedelta(days=1), change, change + timedelta(days=1)):
            waiting(clinic, day, time(8, 0))
            nominal = schedule.instant(day, time(8, 0), zone)
            assert told_at(nominal - timedelta(hours=2), nominal + timedelta(hours=2)) == [nominal]
            assert nominal.astimezone(ZoneInfo(zone)).time() == time(8, 0)


@pytest.mark.parametrize("zone", ZONES)
def test_each_rung_of_a_ladder_across_a_change_is_told_once_by_sweeps_of_every_six_hours(zone: str) -> None:
    clinic = builders.clinic(time_zone=zone)
    for change in changes(zone):
        task = waiting(clinic, change, time(8, 0))
        ahead = change - timedelta(days=14)
        CareTask.objects.filter(pk=task.pk).update(
            due_set_on=ahead - timedelta(days=1), next_rung_at=schedule.instant(ahead, time(8, 0), zone)
        )
        moment = schedule.instant(ahead - timedelta(days=1), time(0, 0), zone)
        while moment < schedule.instant(change + timedelta(days=30), time(0, 0), zone):
            flow.remind(at=moment)
            moment += timedelta(hours=6)
        found = Reminder.objects.filter(task=task).order_by("created_at").values_list("rung", "on")
        offsets = {"ahead": -14, "due": 0, "overdue": 14, "escalated": 28}
        assert list(found) == [(rung, change + timedelta(days=days)) for rung, days in offsets.items()]


@pytest.mark.parametrize(
    "day", [date(2024, 1, 31), date(2024, 2, 29), date(2024, 12, 31), date(2025, 2, 28), date(2028, 2, 29)]
)
def test_the_last_days_of_months_and_the_leap_day_are_days_as_others(day: date) -> None:
    clinic = builders.clinic()
    waiting(clinic, day, time(8, 0))
    nominal = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    assert told_at(nominal - timedelta(days=1), nominal + timedelta(days=1)) == [nominal]


@pytest.mark.parametrize(
    ("before", "after"), [("Europe/London", "Pacific/Auckland"), ("Pacific/Auckland", "Europe/London")]
)
def test_a_site_that_changes_its_zone_is_told_by_the_new_wall_clock_and_of_nothing_twice(
    before: str, after: str
) -> None:
    clinic = builders.clinic(time_zone=before)
    day = date(2024, 6, 12)
    task = waiting(clinic, day, time(8, 0))
    first = schedule.instant(day, time(8, 0), before)
    assert told_at(first, first + timedelta(hours=1)) == [first]
    Site.objects.filter(pk=clinic.site.pk).update(time_zone=after)
    told_at(first, first + timedelta(days=13))
    assert task.reminders.count() == 1
    overdue = day + timedelta(days=14)
    found = told_at(first + timedelta(days=13), first + timedelta(days=16))
    assert len(found) == 1
    # What was reckoned by the old clock is looked at then, and told by the new one: never before its time.
    assert found[0] >= schedule.instant(overdue, time(8, 0), after)
    assert found[0] <= max(schedule.instant(overdue, time(8, 0), zone) for zone in (before, after))
    assert [one.on for one in task.reminders.order_by("pk")] == [day, overdue]


@pytest.mark.parametrize("walk", [(-2, 400 * 24, -30, 5), (400 * 24, -400 * 24, 24, 24), (1, -1, 1, -1, 48)])
def test_whatever_way_the_clock_takes_a_rung_is_told_once_and_in_the_end(walk: tuple[int, ...]) -> None:
    clinic = builders.clinic()
    moment = builders.at(10)
    for hours in walk:
        moment += timedelta(hours=hours)
        flow.remind(at=moment)
    for day in range(800):
        flow.remind(at=builders.at(day))
    keys = list(Reminder.objects.values_list("task", "due_on", "rung"))
    assert len(keys) == len(set(keys))
    assert {rung for task, _due, rung in keys if task == clinic.task("dietitian-review").pk} >= {"escalated"}
    assert not CareTask.objects.live().filter(next_rung_at__lte=builders.at(799)).exists()
