"""What is known decides, not the order in which it came to be known: measures and present verdicts (invariant 8)."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pathway.models import Judgement, Measure, Observation
from pathway.services.observations import NewObservation
from tests import builders
from tests.flow import cast
from tests.flow.cast import Story

pytestmark = pytest.mark.usefixtures("loaded")

ENTERED = 120  # the day on which all is entered
SYMPTOMS = ("orthopnoea", "nightmares", "fatigue")

Measured = dict[str, tuple[object, ...]]
Judged = dict[str, tuple[str, date | None]]


def tenths(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low * 10, high * 10).map(lambda number: f"{number / 10:.1f}")


@st.composite
def forms(draw: st.DrawFn, day: date) -> NewObservation:
    asked = st.dictionaries(st.sampled_from(["1", "2", "3", "8", "10", "12"]), st.sampled_from([0, 1, 2, 3, None]))
    answers: dict[str, int | None] = dict(draw(asked))
    if draw(st.booleans()):
        answers |= {"5a": None, "5b": draw(st.integers(0, 4))}
    return cast.form(answers, effective=day)


@st.composite
def facts(draw: st.DrawFn, day: date) -> NewObservation:
    """Weights lie so near to one another that none is taken for another unit."""
    symptoms = st.lists(st.sampled_from(SYMPTOMS), unique=True)
    made: NewObservation = draw(
        st.one_of(
            tenths(58, 82).map(lambda kg: cast.weight(kg, effective=day)),
            tenths(20, 110).map(lambda percent: cast.fvc(percent, effective=day)),
            tenths(20, 110).map(lambda cm: builders.result("snip", cm, "cm[H2O]", effective=day)),
            symptoms.map(lambda found: builders.result("respiratory-symptoms", found, effective=day)),
            st.integers(0, 20).map(lambda score: cast.eat(str(score), effective=day)),
            st.sampled_from(["fvc-pct", "snip"]).map(
                lambda kind: builders.result(kind, performable=False, effective=day)
            ),
            forms(day),
        )
    )
    return made


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[NewObservation], list[NewObservation]]:
    """Facts of distinct days, and the same in another order."""
    days = draw(st.lists(st.integers(0, ENTERED), min_size=2, max_size=7, unique=True))
    found = [draw(facts(builders.on(day))) for day in days]
    return found, draw(st.permutations(found))


def outcome(story: Story) -> tuple[Measured, Judged]:
    """Known measures and the verdict of every rule."""
    known = Measure.objects.filter(patient=story.patient).exclude(value=None, text="")
    measured = {code: tuple(says) for code, *says in known.values_list("kind_id", "value", "text", "day")}
    rows = Judgement.objects.filter(enrollment=story.enrollment).values_list("rule__code", "verdict", "day")
    return measured, {code: (verdict, day) for code, verdict, day in rows}


def entered(order: list[NewObservation]) -> tuple[Any, ...]:
    """What comes of facts entered one after the other; the database forgets it again."""
    with transaction.atomic():
        story = cast.well_known()
        for fact in order:
            story.record(ENTERED, fact)
        assert not Observation.objects.filter(patient=story.patient, status="held").exists()
        found = (*outcome(story), story.stage("nutrition"), story.due("weight"), story.due("alsfrs-r"))
        transaction.set_rollback(True)
    return found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(histories())
def test_no_order_of_entry_changes_a_measure_or_a_verdict(
    orders: tuple[list[NewObservation], list[NewObservation]],
) -> None:
    first, second = orders
    assert entered(first) == entered(second)


def test_litres_and_height_give_a_percentage_in_any_order() -> None:
    tall = builders.result("height", "178", "cm")
    litres = [builders.result("fvc", value, "L", effective=builders.on(day)) for day, value in ((3, "1.9"), (9, "1.5"))]
    found = []
    for order in itertools.permutations([tall, *litres]):
        patient = builders.patient(builders.site(fvc_equation="ecsc"))
        story = Story(patient, builders.enroll(patient))
        for fact in order:
            story.record(10, fact)
        percents = Observation.objects.filter(patient=patient, kind="fvc-pct", status="final").order_by("effective_at")
        found.append((outcome(story), story.alerts(), [(row.effective_on, row.value) for row in percents]))
        assert len(percents) == 2
    assert "NICE-FVC50" in found[0][1]
    assert all(one == found[0] for one in found)


def test_a_height_computes_nothing_where_the_site_has_chosen_no_equation() -> None:
    story = cast.story(builders.result("fvc", "1.9", "L"))
    story.record(1, cast.TALL)
    assert not Observation.objects.filter(patient=story.patient, kind="fvc-pct").exists()


def test_a_voiding_leads_back_to_what_was_known_before() -> None:
    story = cast.well_known(cast.weight("76"), cast.form())
    before = outcome(story)
    rows = story.record(0, cast.weight("60"), cast.fvc("45"), cast.form({"8": 1}))
    assert outcome(story) != before
    for row in rows:
        story.void(0, row)
    assert outcome(story) == before


def test_a_correction_leads_where_the_right_value_would_have_led() -> None:
    right = cast.well_known(cast.weight("70"))
    wrong = cast.well_known(cast.weight("79"))
    row = Observation.objects.get(patient=wrong.patient, kind="weight")
    wrong.void(0, row, replace=cast.weight("70"))
    assert outcome(wrong) == outcome(right)
    assert (wrong.alerts(), wrong.proposals()) == (right.alerts(), right.proposals())
