"""Facts: kept for ever, held where a person should look first, corrected by voiding."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction

from pathway import errors, flow
from pathway.models import (
    Measure,
    Observation,
    ObservationItem,
    PathwayVersion,
    QualityFlag,
    Route,
    Rule,
    RuleSetVersion,
)
from pathway.services.observations import NewObservation
from tests import builders
from tests.builders import on
from tests.flow import cast

pytestmark = pytest.mark.usefixtures("loaded")

POUNDS = "154.3"  # 70 kg, read off the wrong scale


def flags_of(row: Observation) -> set[str]:
    return set(QualityFlag.objects.filter(observation=row).values_list("code", flat=True))


def loss(story: cast.Story) -> Decimal | None:
    row = story.measure("loss-pct")
    return None if row is None else row.value


# held


def test_pounds_for_kilograms_are_held_and_used_by_nothing() -> None:
    story = cast.well_known(cast.weight("70"))
    told, due = story.alerts(), story.due("weight")
    row = story.weigh(14, POUNDS)
    assert (row.status, row.held_for, flags_of(row)) == ("held", "unit-mixup", {"unit-mixup"})
    assert (story.alerts(), story.due("weight")) == (told, due)
    assert not story.alert("NUT-5").no_longer_met
    assert loss(story) == Decimal("12.5")


def test_a_confirmed_value_counts_from_its_own_day() -> None:
    story = cast.well_known(cast.weight("70"))
    row = story.weigh(14, POUNDS)
    flow.confirm(row.pk, reason="weighed again", at=builders.at(20), by=None)
    assert Observation.objects.get(pk=row.pk).status == "final"
    assert story.alert("NUT-5").no_longer_met
    assert story.tasks()["weight"] == date(2024, 4, 22)
    with pytest.raises(errors.NotAllowed):
        flow.confirm(row.pk, reason="weighed again", at=builders.at(21), by=None)


def test_a_held_value_is_released_when_a_correction_makes_it_plausible() -> None:
    story = cast.well_known()
    wrong = story.weigh(1, "154.3")
    right = story.weigh(5, "70")
    assert right.held_for == "unit-mixup"
    story.void(6, wrong)
    assert Observation.objects.get(pk=right.pk).status == "final"
    assert "NUT-10" in story.alerts()


def test_the_second_weight_of_one_day_is_compared_with_the_first() -> None:
    story = cast.story()
    story.record(5, cast.weight("70", effective=on(4)))
    assert story.record(6, cast.weight(POUNDS, effective=on(4)))[0].held_for == "unit-mixup"


# corrections


def test_a_correction_is_not_compared_with_what_it_replaces() -> None:
    story = cast.story(cast.TALL)
    story.weigh(1, "70.5")
    wrong = story.weigh(20, "80.2")
    assert flags_of(wrong) == {"rapid-change"}
    right = story.void(21, wrong, replace=cast.weight("70.2", effective=on(20)))[0]
    assert (right.status, flags_of(right)) == ("final", set())


def test_a_correction_of_pounds_is_neither_held_nor_flagged() -> None:
    story = cast.story()
    wrong = story.weigh(20, "155")
    right = story.void(21, wrong, replace=cast.weight("70.3", effective=on(20)))[0]
    assert (right.status, right.replaces_id, flags_of(right)) == ("final", wrong.pk, set())


def test_a_correction_may_bring_the_source_id_along() -> None:
    story = cast.story()
    wrong = story.weigh(1, "71", source="scale", source_id="7")
    right = story.void(2, wrong, replace=cast.weight("70", source="scale", source_id="7"))[0]
    assert (right.source_id, right.status) == ("7", "final")


def test_voiding_recomputes_measures_and_keeps_the_row() -> None:
    story = cast.well_known(cast.weight("76"))
    row = story.weigh(1, "70")
    story.void(2, row)
    assert loss(story) == 5
    assert Observation.objects.get(pk=row.pk).void_reason == "typed wrongly"
    story.void(3, Observation.objects.get(patient=story.patient, kind="usual-weight"))
    gone = Measure.objects.get(patient=story.patient, kind="loss-pct")
    assert (gone.value, gone.missing) == (None, "usual-weight")


def test_voiding_needs_a_reason_and_works_once() -> None:
    story = cast.story()
    row = story.weigh(1, "70")
    with pytest.raises(errors.NotAllowed):
        flow.void(row.pk, reason="", at=builders.at(2), by=None)
    story.void(2, row)
    with pytest.raises(errors.NotAllowed):
        story.void(3, row)
    assert Observation.objects.get(pk=row.pk).voided_at == builders.at(2)


def test_a_refused_correction_leaves_the_result_as_it_was() -> None:
    story = cast.well_known()
    row = story.weigh(1, "70")
    with pytest.raises(errors.InvalidEntry):
        story.void(2, row, replace=cast.weight("7000"))
    assert Observation.objects.get(pk=row.pk).status == "final"
    assert "NUT-10" in story.alerts()


# flags


@pytest.mark.parametrize(
    ("fact", "code"),
    [
        (cast.weight("35"), "bmi-implausible"),
        (builders.result("height", "100", "cm"), "soft-range"),
        (builders.result("alt", "30", "U/L"), "uln-missing"),
        (cast.form({"3": 1, "5a": 3}), "q3-no-gastrostomy"),
    ],
)
def test_what_looks_odd_is_stored_and_flagged(fact: NewObservation, code: str) -> None:
    story = cast.story(cast.TALL)
    row = story.record(1, fact)[0]
    assert row.status == "final"
    assert code in flags_of(row)


def test_a_fast_change_is_compared_with_the_newest_earlier_weight_of_a_month() -> None:
    story = cast.story(cast.TALL, cast.weight("70"))
    assert flags_of(story.weigh(31, "62")) == {"rapid-change"}
    assert flags_of(story.weigh(63, "70")) == set()


def test_a_stale_weight_is_told_once_while_a_child_is_on_risdiplam() -> None:
    story = cast.infant()
    story.pass_day(92)
    assert story.flags() == set()
    story.start(92, "risdiplam", dose_mg="0.9")
    story.pass_day(93)
    story.pass_day(94)
    assert QualityFlag.objects.filter(patient=story.patient, code="weight-stale").count() == 1


# not performable


def test_a_test_that_could_not_be_done_is_a_fact_of_its_own() -> None:
    story = cast.story()
    due = story.due("pft-set")
    story.record(1, builders.result("fvc-pct", performable=False, reason="no mouth seal"))
    assert story.alerts() == {"RESP-NP"}
    assert story.due("blood-gas") == on(15)
    assert story.due("pft-set") == due
    assert story.measure("best-pressure") is None


def test_another_test_of_that_day_that_could_be_done_is_enough() -> None:
    story = cast.story()
    impossible = builders.result("fvc-pct", performable=False, reason="no mouth seal")
    story.record(1, impossible, builders.result("snip", "90", "cm[H2O]"))
    assert story.alerts() == set()
    assert story.closed("pft-set") == ["completed"]


def test_a_test_that_could_not_be_done_has_no_value() -> None:
    story = cast.story()
    with pytest.raises(errors.InvalidEntry) as refused:
        story.record(1, builders.result("fvc-pct", "50", "%", performable=False))
    assert refused.value.code == "contradiction"
    assert not Observation.objects.exists()


# never edited


@pytest.mark.parametrize(
    "change",
    [
        {"value": Decimal(1)},
        {"members": ["orthopnoea"]},
        {"performable": False},
        {"posture": "supine"},
        {"effective_on": on(-9)},
        {"recorded_at": builders.at(-9)},
        {"uln": Decimal(1)},
        {"days": 3},
        {"notes": {"device": "other"}},
    ],
)
def test_no_fact_is_ever_edited(change: dict[str, object]) -> None:
    row = cast.story(cast.weight("70"))
    facts = Observation.objects.filter(patient=row.patient)
    before = facts.values().get()
    with pytest.raises(DatabaseError), transaction.atomic():
        facts.update(**change)
    assert facts.values().get() == before


def test_no_item_of_a_form_is_ever_edited_and_nothing_is_deleted() -> None:
    story = cast.story(cast.form())
    items = ObservationItem.objects.filter(observation__patient=story.patient)
    with pytest.raises(DatabaseError), transaction.atomic():
        items.update(value=0)
    with pytest.raises(DatabaseError), transaction.atomic():
        items.delete()
    assert set(items.values_list("value", flat=True)) == {4}


# what is published is frozen


def test_nothing_below_a_published_version_is_changed_added_or_taken_away() -> None:
    rules = RuleSetVersion.objects.filter(status="published").earliest("pk")
    version = PathwayVersion.objects.filter(status="published").earliest("pk")
    routes = Route.objects.filter(source__track__version=version)
    before = (routes.count(), Rule.objects.count())
    for change in (
        lambda: Rule.objects.filter(version=rules).update(test="weight > 1"),
        lambda: Rule.objects.create(version=rules, code="NEW", title="new", test="weight > 1", severity="info"),
        lambda: Rule.objects.filter(version=rules).delete(),
        lambda: routes.delete(),
        lambda: routes.update(source=routes.earliest("pk").target),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert (routes.count(), Rule.objects.count()) == before


@pytest.mark.parametrize("table", ["pathway_pathwayversion", "pathway_rulesetversion"])
def test_a_published_version_never_becomes_a_draft_again(table: str) -> None:
    with connection.cursor() as cursor:
        for statement in (f"UPDATE {table} SET status = 'draft'", f"DELETE FROM {table}"):
            with pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute(statement)
        cursor.execute(f"SELECT count(*) FROM {table} WHERE status = 'draft'")
        assert cursor.fetchone() == (0,)
