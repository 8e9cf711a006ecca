"""Exercise through the river: breathing training with its end, too much, too little, and what is refused."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pathway import errors, flow
from pathway.models import Alert, CareTask, ExerciseItem, Proposal, QualityFlag
from pathway.selectors import cases, plans
from tests import builders
from tests.builders import Clinic, at, on, result

pytestmark = pytest.mark.usefixtures("loaded")


def record(clinic: Clinic, *results: Any, day: int) -> None:
    flow.record(clinic.enrollment.pk, results, at=at(day), by=clinic.people["physiotherapist"])


def case_of(clinic: Clinic, day: int) -> cases.Case:
    return cases.lock(clinic.enrollment.pk, at=at(day, 23), by=None)


def take(clinic: Clinic, code: str, day: int) -> Any:
    return case_of(clinic, day).reader().read(code).value


def verdict(clinic: Clinic, rule: str, day: int) -> str:
    return case_of(clinic, day).judge.judge(rule).verdict.value


def alert(clinic: Clinic, rule: str) -> Alert | None:
    return Alert.objects.filter(enrollment=clinic.enrollment, episode__rule__code=rule).order_by("-pk").first()


def due(clinic: Clinic, activity: str) -> date | None:
    task = CareTask.objects.live().filter(enrollment=clinic.enrollment, activity=activity).first()
    return task.due_on if task is not None else None


# inspiratory muscle training, 24 weeks


@pytest.fixture
def training() -> Clinic:
    clinic = builders.clinic(facts=[result("mip", 60, "cm[H2O]")])
    flow.start(clinic.enrollment.pk, "imt-programme", at=at(0, 11), by=clinic.people["respiratory-physio"])
    return clinic


def complete(clinic: Clinic, activity: str, day: int) -> None:
    flow.complete(clinic.task(activity).pk, at=at(day), by=clinic.people["respiratory-physio"])


def test_a_programme_lays_out_three_reviews_and_its_outcome(training: Clinic) -> None:
    found = plans.planned(case_of(training, 0))
    assert found["imt-review"] == {"D42": on(42), "D84": on(84), "D126": on(126)}
    assert found["imt-programme"] == {"end": on(168)}
    assert due(training, "imt-review") == on(42)
    assert due(training, "imt-outcome") == on(168)


def test_reviews_follow_one_another_on_their_days_and_end(training: Clinic) -> None:
    for done, following in ((44, 84), (80, 126), (126, None)):  # late, early, on the day
        complete(training, "imt-review", done)
        assert due(training, "imt-review") == (on(following) if following else None)
    assert due(training, "imt-outcome") == on(168)


def test_a_stop_cancels_the_reviews_and_leaves_the_outcome(training: Clinic) -> None:
    flow.stop(training.enrollment.pk, "imt-programme", reason="too tiring", at=at(100), by=None)
    assert due(training, "imt-review") is None
    assert due(training, "imt-outcome") == on(168)
    cancelled = CareTask.objects.get(enrollment=training.enrollment, activity="imt-review", status="cancelled")
    assert cancelled.closed_at == at(100)
    flow.pass_day(training.enrollment.pk, at=at(130))
    assert due(training, "imt-review") is None
    complete(training, "imt-outcome", 168)
    assert due(training, "imt-outcome") is None


def test_the_change_of_pressure_is_known_once_it_was_measured_after_the_start(training: Clinic) -> None:
    assert take(training, "imt-mip-change", 0) is None
    record(training, result("mip", 75, "cm[H2O]"), day=84)
    assert take(training, "imt-mip-change", 84) == 25
    flow.stop(training.enrollment.pk, "imt-programme", at=at(100), by=None)
    record(training, result("mip", 66, "cm[H2O]"), day=168)
    assert take(training, "imt-mip-change", 168) == 10


# too much


def test_one_long_soreness_is_no_overwork_and_24_hours_are_not_long() -> None:
    clinic = builders.clinic()
    record(clinic, result("post-exercise-soreness", 30, "h"), day=1)
    record(clinic, result("post-exercise-soreness", 24, "h"), day=2)
    assert alert(clinic, "OVERWORK") is None
    assert verdict(clinic, "OVERWORK", 2) == "miss"


def test_a_second_one_within_14_days_raises_proposes_the_modified_plan_and_asks_for_a_review() -> None:
    clinic = builders.clinic()
    record(clinic, result("post-exercise-soreness", 30, "h"), day=1)
    record(clinic, result("post-exercise-soreness", "24.1", "h"), day=14)
    raised = alert(clinic, "OVERWORK")
    assert raised is not None and raised.status == "open"
    proposal = Proposal.objects.get(enrollment=clinic.enrollment, status="open", track="musculoskeletal")
    assert proposal.stage is not None and proposal.stage.code == "K1"
    assert due(clinic, "physio-review") == on(28)
    flow.accept(proposal.pk, at=at(14, 12), by=clinic.people["physiotherapist"])
    flow.complete(clinic.task("physio-review").pk, at=at(20), by=clinic.people["physiotherapist"])
    assert due(clinic, "physio-review") == on(34)  # every 14 days with the modified plan


def test_a_fall_of_strength_after_exercise_is_enough_and_its_void_takes_all_back() -> None:
    clinic = builders.clinic()
    [row] = flow.record(clinic.enrollment.pk, [result("strength-fall", True)], at=at(1), by=None)
    assert Proposal.objects.filter(enrollment=clinic.enrollment, status="open", stage__code="K1").exists()
    flow.void(row.pk, reason="other patient", at=at(2), by=None)
    raised = alert(clinic, "OVERWORK")
    assert raised is not None and raised.status == "withdrawn"
    assert not Proposal.objects.filter(enrollment=clinic.enrollment, status="open", stage__code="K1").exists()


# too little


def test_without_any_session_inactivity_is_unknown_and_silent() -> None:
    clinic = builders.clinic()
    flow.pass_day(clinic.enrollment.pk, at=at(60))
    assert verdict(clinic, "LOW-ACTIVITY", 60) == "unknown"
    assert alert(clinic, "LOW-ACTIVITY") is None


def test_the_fifteenth_day_without_a_session_raises_and_a_session_marks_it_no_longer_met() -> None:
    clinic = builders.clinic()
    record(clinic, result("exercise-session", 20, "min"), day=0)
    flow.pass_day(clinic.enrollment.pk, at=at(14))
    assert alert(clinic, "LOW-ACTIVITY") is None
    flow.pass_day(clinic.enrollment.pk, at=at(15))
    raised = alert(clinic, "LOW-ACTIVITY")
    assert raised is not None and (raised.status, raised.no_longer_met) == ("open", False)
    record(clinic, result("exercise-session", 20, "min"), day=16)
    raised.refresh_from_db()
    assert (raised.status, raised.no_longer_met) == ("open", True)


def test_with_a_modified_plan_rest_is_no_inactivity() -> None:
    clinic = builders.clinic()
    record(clinic, result("exercise-session", 20, "min"), day=0)
    flow.move(clinic.enrollment.pk, "musculoskeletal", "K1", reason="overwork", at=at(1), by=None)
    flow.pass_day(clinic.enrollment.pk, at=at(30))
    assert verdict(clinic, "LOW-ACTIVITY", 30) == "not-applicable"
    assert alert(clinic, "LOW-ACTIVITY") is None


# the prescription


@pytest.mark.parametrize(
    ("type", "load"), [("eccentric", "low"), ("walking", "high"), ("eccentric", "high"), ("weight-lifting", "low")]
)
def test_what_the_plan_restricts_is_refused_for_every_pathway(type: str, load: str) -> None:
    for pathway in ("als-limb", "sma-walker", "pma"):
        clinic = builders.clinic(pathway, roles=["physiotherapist"])
        with pytest.raises(errors.NotAllowed) as refusal:
            flow.prescribe(clinic.enrollment.pk, type=type, load=load, at=at(), by=clinic.people["physiotherapist"])
        assert refusal.value.code == "restricted"
    assert not ExerciseItem.objects.exists()


def test_an_item_keeps_type_load_minutes_and_rest() -> None:
    clinic = builders.clinic()
    flow.prescribe(clinic.enrollment.pk, type="swimming", load="low", minutes=20, rest_days=2, at=at(), by=None)
    [item] = ExerciseItem.objects.values_list("type", "load", "minutes", "rest_days")
    assert item == ("swimming", "low", 20, 2)
    assert not QualityFlag.objects.exists()


def test_no_day_of_rest_is_stored_and_flagged() -> None:
    clinic = builders.clinic()
    flow.prescribe(clinic.enrollment.pk, type="walking", load="moderate", minutes=20, rest_days=0, at=at(), by=None)
    assert ExerciseItem.objects.count() == 1
    assert [flag.code for flag in QualityFlag.objects.all()] == ["no-rest-day"]


def test_nothing_is_prescribed_after_a_death() -> None:
    clinic = builders.clinic()
    flow.record_death(clinic.enrollment.pk, at=at(1), by=None)
    with pytest.raises(errors.NotAllowed):
        flow.prescribe(clinic.enrollment.pk, type="walking", load="low", at=at(2), by=None)
