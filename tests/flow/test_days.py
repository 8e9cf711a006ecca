"""The daily judge: everybody once a day, and one whom it cannot judge stops nobody."""

from __future__ import annotations

from typing import Any

import pytest

from pathway import clock, flow, nudge
from pathway.jobs import judge
from pathway.models import Enrollment
from pathway.services import observations
from tests import builders
from tests.builders import on
from tests.flow import cast

pytestmark = pytest.mark.usefixtures("loaded")


@pytest.fixture
def three(loaded: None, monkeypatch: pytest.MonkeyPatch) -> list[Enrollment]:
    """Three patients; the first one's chart makes every judging fail."""
    site = builders.site()
    enrollments = [builders.enroll(builders.patient(site)) for _ in range(3)]
    real = observations.flag_stale_weight

    def fail(case: Any) -> None:
        if case.enrollment.pk == enrollments[0].pk:
            raise LookupError("a broken row")
        real(case)

    monkeypatch.setattr(observations, "flag_stale_weight", fail)
    return enrollments


def judged_on() -> list[Any]:
    return list(Enrollment.objects.order_by("pk").values_list("judged_on", flat=True))


def test_one_who_cannot_be_judged_stops_nobody_and_is_a_row_to_read(three: list[Enrollment]) -> None:
    assert flow.judge_day(at=builders.at(1)) == 2
    assert judged_on() == [on(0), on(1), on(1)]
    failed = Enrollment.objects.exclude(judge_failed_at=None)
    assert [one.pk for one in failed] == [three[0].pk]


def test_failures_stand_behind_the_others(three: list[Enrollment]) -> None:
    counts = [flow.judge_day(at=builders.at(1), limit=1) for _ in range(4)]
    assert counts == [0, 1, 1, 0]
    assert judged_on()[1:] == [on(1), on(1)]


def test_a_success_forgets_the_failure(three: list[Enrollment], monkeypatch: pytest.MonkeyPatch) -> None:
    flow.judge_day(at=builders.at(1))
    monkeypatch.setattr(observations, "flag_stale_weight", lambda case: None)
    assert flow.judge_day(at=builders.at(1)) == 1
    assert not Enrollment.objects.exclude(judge_failed_at=None).exists()
    assert flow.judge_day(at=builders.at(1)) == 0


def test_the_job_asks_for_the_next_batch_also_when_one_of_this_failed(
    three: list[Enrollment], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(nudge, "nudge", asked.append)
    with clock.simulated(builders.at(1)):
        judge.judge_daily()
        judge.judge_daily()
    assert asked == ["pathway.jobs.judge.judge_daily"]


def test_time_alone_opens_what_it_should_and_nothing_twice() -> None:
    story = cast.well_known(cast.weight("75"))
    story.decline(1, "N1", until=10)
    for _ in range(2):
        flow.judge_day(at=builders.at(10))
    assert story.proposals() == {"N1"}
    assert story.told("alert.raised") == len(story.alerts())
