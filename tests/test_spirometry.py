"""A site may have percent of predicted FVC computed from litres; what was measured always wins (facts 3.6)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from pathway import flow
from pathway.models import Alert, CareTask, Observation, Site
from pathway.selectors import cases
from pathway.services.observations import NewObservation
from tests import builders
from tests.builders import Clinic, result

pytestmark = pytest.mark.usefixtures("loaded")

# A woman of 60, 162 cm tall: ECSC 4.43 x 1.62 - 0.026 x 60 - 2.89 = 2.7266 L, of which half is 1.3633 L.
HALF, LESS = "1.3633", "1.3632"
TALL = result("height", 162, "cm")


def clinic(equation: str = "ecsc", facts: tuple[NewObservation, ...] = (TALL,), **columns: Any) -> Clinic:
    return builders.clinic(facts=facts, fvc_equation=equation, **columns)


def record(clinic: Clinic, *form: NewObservation, day: int = 1) -> list[Observation]:
    return flow.record(clinic.enrollment.pk, form, at=builders.at(day), by=clinic.people["respiratory-physio"])


def computed(clinic: Clinic, **wanted: Any) -> list[Observation]:
    found = Observation.objects.filter(patient=clinic.patient, kind="fvc-pct", source="derived", **wanted)
    return list(found.order_by("effective_at", "pk"))


def standing(clinic: Clinic) -> list[Decimal]:
    """Computed percentages that count."""
    return [row.value or Decimal(0) for row in computed(clinic, status="final")]


def present(clinic: Clinic, measure: str, day: int = 1) -> Any:
    return cases.lock(clinic.enrollment.pk, at=builders.at(day, 23), by=None).reader().read(measure).value


def alerts(clinic: Clinic, **wanted: Any) -> set[str]:
    return set(
        Alert.objects.filter(enrollment=clinic.enrollment, **wanted).values_list("episode__rule__code", flat=True)
    )


# what is computed


def test_litres_become_a_percentage_that_names_its_equation_and_its_litres() -> None:
    here = clinic()
    [litres] = record(here, result("fvc", HALF, "L"))
    [row] = computed(here)
    assert (row.value, row.reference, row.posture) == (50, "ecsc", "sitting")
    assert (row.source, row.source_id) == ("derived", f"fvc:{litres.pk}")
    assert (row.effective_at, row.recorded_by) == (litres.effective_at, litres.recorded_by)


def test_the_other_equation_gives_another_percentage() -> None:
    # NHANES III: -0.3560 + 0.01870 x 60 - 0.000382 x 60^2 + 0.00014815 x 162^2 = 3.2788486 L
    here = clinic("nhanes3")
    record(here, result("fvc", "1.6394243", "L"))
    [row] = computed(here)
    assert (row.value, row.reference) == (50, "nhanes3")


def test_the_worked_example_of_two_equations() -> None:
    """A man of 58, 178 cm: 2.20 L are 49.9 % by the one and 45.4 % by the other (facts 3.6)."""
    found = {}
    for equation in ("ecsc", "nhanes3"):
        site = builders.site(fvc_equation=equation)
        man = builders.patient(site, sex="male", birth_date=date(1966, 1, 1))
        enrollment = builders.enroll(man, facts=[result("height", 178, "cm"), result("fvc", "2.20", "L")])
        [row] = Observation.objects.filter(patient=enrollment.patient, source="derived")
        found[equation] = round(row.value or Decimal(0), 1)
    assert found == {"ecsc": Decimal("49.9"), "nhanes3": Decimal("45.4")}


def test_by_default_nothing_is_computed() -> None:
    here = builders.clinic(facts=[TALL])
    record(here, result("fvc", HALF, "L"))
    assert computed(here) == []


def test_rules_judge_the_computed_percentage_and_fifty_is_not_below_fifty() -> None:
    here = clinic()
    record(here, result("fvc", HALF, "L"))
    assert "NICE-FVC50" not in alerts(here)
    record(here, result("fvc", LESS, "L"), day=2)
    assert "NICE-FVC50" in alerts(here, status="open")


def test_millilitres_are_litres() -> None:
    here = clinic()
    record(here, result("fvc", "1363.3", "mL"))
    assert standing(here) == [50]


def test_the_task_is_completed_once_and_again_open_when_the_litres_are_voided() -> None:
    here = clinic()
    due = here.task("pft-set").due_on
    [litres] = record(here, result("fvc", HALF, "L"))
    done = CareTask.objects.get(enrollment=here.enrollment, activity="pft-set", status="completed")
    assert done.closed_on == builders.on(1)
    assert here.task("pft-set").due_on == date(2024, 4, 9)
    flow.void(litres.pk, reason="other patient", at=builders.at(2), by=None)
    assert here.task("pft-set").due_on == due


def test_a_correction_takes_over_the_completion() -> None:
    here = clinic()
    [litres] = record(here, result("fvc", HALF, "L"))
    better = result("fvc", "1.64", "L", effective=builders.on(1))
    flow.void(litres.pk, reason="typing error", at=builders.at(2), by=None, replace=better)
    [done] = CareTask.objects.filter(enrollment=here.enrollment, activity="pft-set", status="completed")
    assert done.completed_by is not None and done.completed_by.status == "final"
    assert here.task("pft-set").due_on == date(2024, 4, 9)


def test_results_of_an_earlier_day_are_judged_with_the_age_of_that_day() -> None:
    here = clinic()  # she was 59 until the end of 2023: 2.7526 L
    record(here, result("fvc", "1.3763", "L", effective=date(2023, 12, 31)))
    assert standing(here) == [50]


def test_of_two_results_of_a_day_the_newest_counts() -> None:
    here = clinic()
    record(here, result("fvc", "1.0", "L", effective=builders.at(1, 8)))
    record(here, result("fvc", HALF, "L", effective=builders.at(1, 9)))
    assert standing(here) == [50]


# what is not


@pytest.mark.parametrize(
    ("facts", "columns"),
    [
        ((), {}),
        ((TALL,), {"sex": "unknown"}),
        ((TALL,), {"birth_date": None}),
        ((TALL,), {"birth_date": date(1953, 1, 1)}),  # 71: the equation ends at 70
    ],
    ids=["no height", "no sex", "no birth date", "too old"],
)
def test_what_is_unknown_gives_no_percentage_and_nothing_reads_as_normal(
    facts: tuple[NewObservation, ...], columns: dict[str, Any]
) -> None:
    site = builders.site(fvc_equation="ecsc")
    someone = builders.patient(site, **columns)
    enrollment = builders.enroll(someone, facts=[*facts, result("fvc", "1.0", "L")])
    assert not Observation.objects.filter(patient=someone, source="derived").exists()
    case = cases.lock(enrollment.pk, at=builders.at(1), by=None)
    assert case.reader().read("fvc-pct").value is None
    assert case.judge.judge("RESP-R2").verdict.value == "unknown"


def test_litres_that_were_measured_lying_down_give_none() -> None:
    here = clinic()
    record(here, result("fvc", HALF, "L", context={"posture": "supine"}))
    assert computed(here) == []


def test_a_test_that_could_not_be_done_gives_none() -> None:
    here = clinic()
    record(here, result("fvc", performable=False, reason="no lip seal"))
    assert computed(here) == []


def test_an_implausible_percentage_refuses_no_litres() -> None:
    here = clinic()
    record(here, result("fvc", 9, "L"))  # 330 %
    assert computed(here) == []
    assert Observation.objects.filter(patient=here.patient, kind="fvc", status="final").exists()


# what was measured wins


def test_a_percentage_of_the_same_form_wins() -> None:
    here = clinic()
    record(here, result("fvc", LESS, "L"), result("fvc-pct", 61, "%", context={"reference": "device"}))
    assert computed(here) == []
    assert present(here, "fvc-pct") == 61


def test_a_percentage_of_lying_down_does_not_stand_in_for_sitting() -> None:
    here = clinic()
    record(here, result("fvc", HALF, "L"), result("fvc-pct", 40, "%", context={"posture": "supine"}))
    assert standing(here) == [50]
    assert present(here, "supine-drop") is None  # of two reference sets


def test_a_measured_percentage_that_comes_later_replaces_the_computed_one_and_what_rested_on_it() -> None:
    here = clinic()
    record(here, result("fvc", LESS, "L"))
    record(here, result("fvc-pct", 61, "%", effective=builders.at(1, 8)), day=2)
    assert standing(here) == []
    assert "NICE-FVC50" in alerts(here, status="withdrawn")
    assert present(here, "fvc-pct", day=2) == 61


def test_when_the_measured_one_is_voided_the_litres_speak_again() -> None:
    here = clinic()
    rows = record(here, result("fvc", LESS, "L"), result("fvc-pct", 61, "%"))
    flow.void(rows[1].pk, reason="wrong patient", at=builders.at(2), by=None)
    assert [round(value, 1) for value in standing(here)] == [Decimal("50.0")]
    assert "NICE-FVC50" in alerts(here, status="open")


def test_two_reference_sets_are_never_one_trend() -> None:
    here = clinic()
    record(here, result("fvc-pct", 80, "%"), day=0)
    record(here, result("fvc", HALF, "L"), day=100)
    assert present(here, "fvc-pct", day=100) == 50
    assert present(here, "fvc-pct-fall", day=100) is None
    record(here, result("fvc", "1.090640", "L"), day=200)
    # 50 to 40 % within 100 days, both by the same equation
    assert round(float(present(here, "fvc-pct-fall", day=200)), 3) == 18.262


# corrections


def test_voiding_the_litres_voids_the_percentage_and_withdraws_what_it_raised() -> None:
    here = clinic()
    [litres] = record(here, result("fvc", LESS, "L"))
    flow.void(litres.pk, reason="other patient", at=builders.at(2), by=None)
    assert standing(here) == []
    assert len(computed(here, status="voided")) == 1
    assert "NICE-FVC50" in alerts(here, status="withdrawn")


def test_correcting_the_litres_computes_anew() -> None:
    here = clinic()
    [litres] = record(here, result("fvc", LESS, "L"))
    [better] = flow.void(
        litres.pk,
        reason="typing error",
        at=builders.at(2),
        by=None,
        replace=result("fvc", "1.63596", "L", effective=builders.on(1)),
    )
    [row] = computed(here, status="final")
    assert (row.value, row.source_id) == (60, f"fvc:{better.pk}")
    assert "NICE-FVC50" in alerts(here, status="withdrawn")


def test_correcting_the_height_computes_anew() -> None:
    here = clinic(facts=())
    [height, _] = record(here, result("height", 182, "cm"), result("fvc", HALF, "L"))
    assert round(standing(here)[0], 1) == Decimal("37.7")  # of 3.6126 L
    flow.void(height.pk, reason="typing error", at=builders.at(2), by=None, replace=TALL)
    assert standing(here) == [50]


def test_a_computed_percentage_that_a_person_voided_does_not_come_back() -> None:
    here = clinic()
    record(here, result("fvc", HALF, "L"))
    flow.void(computed(here)[0].pk, reason="scoliosis: height says nothing", at=builders.at(2), by=None)
    record(here, result("fvc", "1.0", "L", context={"posture": "supine"}, effective=builders.on(1)), day=3)
    assert standing(here) == []


def test_another_choice_of_the_site_is_for_new_litres() -> None:
    here = clinic()
    record(here, result("fvc", HALF, "L"))
    Site.objects.filter(pk=here.site.pk).update(fvc_equation="")
    record(here, result("fvc", HALF, "L"), day=2)
    assert standing(here) == [50]
    [litres] = Observation.objects.filter(patient=here.patient, kind="fvc", effective_on=builders.on(1))
    flow.void(litres.pk, reason="other patient", at=builders.at(3), by=None)
    assert standing(here) == []


def test_after_a_death_what_was_measured_before_is_computed_silently_and_what_came_later_is_held() -> None:
    here = clinic()
    flow.record_death(here.enrollment.pk, effective=builders.on(2), at=builders.at(2), by=None)
    record(here, result("fvc", LESS, "L", effective=builders.on(1)), day=4)
    record(here, result("fvc", LESS, "L", effective=builders.on(3)), day=4)
    assert [row.status for row in computed(here)] == ["final", "held"]
    assert "NICE-FVC50" not in alerts(here)


# the choice


def test_an_equation_that_is_not_listed_cannot_be_stored() -> None:
    with pytest.raises(IntegrityError, match="known_fvc_equation"), transaction.atomic():
        builders.site(fvc_equation="gli-2012")
