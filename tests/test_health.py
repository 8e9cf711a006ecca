"""Health is read from the data."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pathway import clock, flow
from pathway.models import Enrollment
from pathway.selectors import health, judging
from tests import builders

pytestmark = pytest.mark.usefixtures("loaded")


def test_the_lag_is_the_age_of_the_oldest_rung_that_waits() -> None:
    builders.clinic()
    assert health.lag(builders.at(14, hour=8) - timedelta(seconds=1)) == timedelta()
    assert health.lag(builders.at(14, hour=9)) == timedelta(hours=1)
    flow.remind(at=builders.at(14, hour=9))
    assert health.lag(builders.at(14, hour=9)) == timedelta()


def test_without_a_sweep_the_machinery_is_late() -> None:
    with clock.simulated(builders.at(0)):
        assert health.state(builders.at(0)).last_sweep is None
        assert health.state(builders.at(0)).is_late
        flow.sweep(at=builders.at(0), trigger="test")
        assert not health.state(builders.at(0)).is_late
    assert health.state(builders.at(0) + timedelta(minutes=6)).is_late
    assert [name for name, one in health.state(builders.at(0)).heartbeats.items() if not one.is_old] == ["test"]


def test_a_rung_that_waits_makes_it_late_although_somebody_sweeps() -> None:
    builders.clinic()
    with clock.simulated(builders.at(14, hour=8, minute=3)):
        flow.sweep(at=builders.at(13), trigger="test")
    assert not health.state(builders.at(14, hour=8, minute=4)).is_late
    assert health.state(builders.at(14, hour=8, minute=6)).is_late


def test_each_site_waits_for_the_judge_from_its_own_midnight_on() -> None:
    east = builders.clinic(time_zone="Pacific/Auckland").enrollment
    west = builders.clinic(time_zone="America/Los_Angeles").enrollment
    Enrollment.objects.update(judged_on=builders.on(5))
    noon_of_day_5 = builders.at(5, hour=12)  # one hour into day 6 in Auckland
    assert judging.waiting(noon_of_day_5) == [east.pk]
    assert judging.waiting(builders.at(6, hour=7, minute=59)) == [east.pk]
    assert set(judging.waiting(builders.at(6, hour=8))) == {east.pk, west.pk}


def test_patients_who_left_are_not_judged() -> None:
    clinic = builders.clinic()
    flow.withdraw(clinic.enrollment.pk, reason="moved", at=builders.at(1), by=None)
    assert judging.waiting(builders.at(9)) == []


def test_enrollments_that_no_judge_visits_are_counted() -> None:
    builders.clinic()
    assert health.unjudged(builders.at(1)) == 0
    assert health.unjudged(builders.at(3)) == 1
    flow.judge_day(at=builders.at(3))
    assert health.unjudged(builders.at(3)) == 0
