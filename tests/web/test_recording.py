"""Recording: what was entered, what it did, and what a refusal leaves behind."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from pathway import clock
from pathway.engine.schedule import local_day
from pathway.models import Alert, CareTask, Observation, Proposal, Stay
from tests import builders
from tests.web.cast import Cast, signed_in


def today(cast: Cast) -> date:
    return local_day(clock.now(), cast.site.time_zone)


def send(cast: Cast, kind: str, *, client: Client | None = None, **fields: Any) -> Any:
    given = {"effective": today(cast).isoformat(), "token": str(uuid.uuid4()), **fields}
    client = client or signed_in(cast.dietitian)
    return client.post(f"/patients/{cast.patient.uuid}/record/{kind}/", given, follow=True)


def counts(cast: Cast) -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Observation, Alert, Proposal, CareTask, Stay))


def test_a_result_is_recorded_and_the_page_says_what_it_did(cast: Cast) -> None:
    answer = send(cast, "bmi-z", value="-1.5", unit="{Zscore}")
    assert answer.status_code == 200
    answer = send(cast, "snip", value="35", unit="cm[H2O]")
    page = answer.content.decode()
    assert "What this did" in page and "Recorded: " in page and "35 cmH₂O" in page
    assert Alert.objects.filter(raised_on=today(cast)).exists()
    for title in Alert.objects.filter(raised_on=today(cast)).values_list("episode__rule__title", flat=True):
        assert f"Alert: {title}" in page
    row = Observation.objects.get(kind="snip")
    assert (row.recorded_by, row.source) == (cast.dietitian, "person")


def test_the_what_this_did_is_only_about_this_action(cast: Cast) -> None:
    send(cast, "snip", value="35", unit="cm[H2O]")
    page = send(cast, "fall").content.decode()
    did = page.partition('id="did"')[2].partition("</section>")[0]
    assert "Fall" in did and "SNIP" not in did


@pytest.mark.parametrize(
    ("kind", "fields", "field", "words"),
    [
        ("weight", {"value": "", "unit": "kg"}, "value", "This is needed"),
        ("weight", {"value": "heavy", "unit": "kg"}, "value", "Not a number"),
        ("weight", {"value": "66,2", "unit": "kg"}, "value", "Not a number"),
        ("weight", {"value": "660", "unit": "kg"}, "value", "between 25 and 300 kg"),
        ("weight", {"value": "66", "unit": "stone"}, "unit", "Select a valid choice"),
        ("weight", {"value": "66", "unit": ""}, "unit", "needs a unit"),
        ("weight", {"value": "66", "unit": "kg", "effective": "2999-01-01"}, "effective", "lies ahead"),
        ("weight", {"value": "66", "unit": "kg", "effective": "1950-01-01"}, "effective", "before the patient"),
        ("weight", {"value": "66", "unit": "kg", "effective": ""}, "effective", "This is needed"),
        ("fvc-pct", {"not_performable": "on"}, "performable_reason", "Say why"),
        ("alsfrs-r", {"items.5": "3"}, "gastrostomy", "whether there is a gastrostomy"),
        ("alsfrs-r", {"items.1": "5", "gastrostomy": "no"}, "items.1", "Select a valid choice"),
        ("alsfrs-r", {"gastrostomy": "no"}, "items.1", "at least one item"),
        ("overnight-oximetry", {"items.recording-minutes": "60", "items.minutes-lt-90": "90"}, "items.minutes", "More"),
        ("respiratory-symptoms", {}, "value", "This is needed"),
        ("respiratory-symptoms", {"value": ["none-of-these", "fatigue"]}, "value", "too"),
        ("body-fat", {"value": "20", "unit": "%"}, "context.method", "This is needed"),
    ],
)
def test_what_cannot_be_stored_is_said_at_its_field_and_nothing_is_stored(
    cast: Cast, kind: str, fields: dict[str, Any], field: str, words: str
) -> None:
    before = counts(cast)
    answer = send(cast, kind, **fields)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "There is a problem" in page and words in page
    assert f'href="#id_{field}' in page
    assert counts(cast) == before


def test_the_form_keeps_what_was_typed(cast: Cast) -> None:
    page = send(cast, "weight", value="660", unit="[lb_av]", effective="2999-01-01").content.decode()
    assert 'value="660"' in page and '<option value="[lb_av]" selected>' in page


def test_a_form_that_was_sent_twice_is_stored_once(cast: Cast) -> None:
    token = str(uuid.uuid4())
    for _time in range(2):
        assert send(cast, "fall", token=token).status_code == 200
    assert Observation.objects.filter(patient=cast.patient, kind="fall").count() == 1


def test_none_of_the_list_is_an_answer(cast: Cast) -> None:
    send(cast, "respiratory-symptoms", value="none-of-these")
    assert Observation.objects.get(kind="respiratory-symptoms").members == []


def test_a_test_that_could_not_be_done_is_stored_with_its_reason(cast: Cast) -> None:
    send(cast, "fvc-pct", not_performable="on", performable_reason="mask leaks")
    row = Observation.objects.filter(kind="fvc-pct").latest("pk")
    assert (row.performable, row.text, row.value) == (False, "mask leaks", None)


@pytest.mark.parametrize(("kind", "fields"), [("fvc-pct", {"value": "60"}), ("alsfrs-r", {"items.1": "3"})])
def test_a_result_and_its_impossibility_are_not_both_taken(cast: Cast, kind: str, fields: dict[str, str]) -> None:
    before = counts(cast)
    answer = send(cast, kind, not_performable="on", performable_reason="mask leaks", **fields)
    assert answer.status_code == 422 and "one of the two is wrong" in answer.content.decode()
    assert counts(cast) == before


def test_a_suspected_mix_up_of_units_waits_for_the_coordinator(cast: Cast) -> None:
    page = send(cast, "weight", value="68", unit="[lb_av]").content.decode()
    assert "Held until somebody has checked it" in page and "It is right" not in page
    row = Observation.objects.get(status="held")
    coordinator = signed_in(cast.coordinator)
    assert "Results to check" in coordinator.get("/").content.decode()
    answer = coordinator.post(f"/observations/{row.pk}/confirm/", {"reason": "weighed again"}, follow=True)
    assert "Held result released" in answer.content.decode()
    row.refresh_from_db()
    assert row.status == "final"


def test_a_correction_stores_the_right_value_and_marks_the_wrong_one(cast: Cast) -> None:
    wrong = Observation.objects.get(kind="fvc-pct")
    fields = {
        "value": "84",
        "unit": "%",
        "effective": wrong.effective_on.isoformat(),
        "token": str(uuid.uuid4()),
        "reason": "typed the wrong way round",
    }
    client = signed_in(cast.member)
    page = client.post(f"/observations/{wrong.pk}/correct/", fields, follow=True).content.decode()
    assert "Entered in error" in page and "84 %" in page
    wrong.refresh_from_db()
    right = Observation.objects.get(kind="fvc-pct", status="final")
    assert (wrong.status, right.replaces_id) == ("voided", wrong.pk)
    again = client.post(f"/observations/{wrong.pk}/correct/", fields)
    assert again.status_code == 409
    assert Observation.objects.filter(kind="fvc-pct").count() == 2


def test_voiding_withdraws_what_rested_on_it_and_says_so(cast: Cast) -> None:
    wrong = Observation.objects.get(kind="fvc-pct")
    client = signed_in(cast.member)
    without = client.post(f"/observations/{wrong.pk}/void/", {"reason": " "})
    assert without.status_code == 422
    wrong.refresh_from_db()
    assert wrong.status == "final"
    page = client.post(f"/observations/{wrong.pk}/void/", {"reason": "other patient"}, follow=True).content.decode()
    assert "Alert withdrawn" in page and "Proposal withdrawn" in page


def test_what_is_missing_is_named_and_never_blank(cast: Cast) -> None:
    page = signed_in(cast.member).get(f"/patients/{cast.patient.uuid}/").content.decode()
    assert "Cannot be judged" in page and "they do not read as normal" in page


def test_a_value_out_of_date_says_so(cast: Cast) -> None:
    old = today(cast) - timedelta(days=400)
    send(cast, "spo2", value="97", unit="%", effective=old.isoformat())
    page = signed_in(cast.member).get(f"/patients/{cast.patient.uuid}/").content.decode()
    assert "out of date since" in page


def test_an_unknown_kind_is_not_found(cast: Cast) -> None:
    assert send(cast, "shoe-size", value="42").status_code == 404


def test_nothing_can_be_recorded_before_the_enrollment(cast: Cast) -> None:
    patient = builders.patient(cast.site)
    builders.join(patient, cast.member, "neurologist")
    fields = {"value": "66", "unit": "kg", "effective": today(cast).isoformat(), "token": str(uuid.uuid4())}
    answer = signed_in(cast.member).post(f"/patients/{patient.uuid}/record/weight/", fields)
    assert answer.status_code == 422 and "enroll first" in answer.content.decode()
    assert not patient.observations.exists()


def test_a_task_leads_to_the_form_of_what_completes_it(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    assert "?for=weight" in client.get("/").content.decode()
    record = f"/patients/{cast.patient.uuid}/record/"
    assert client.get(record, {"for": "weight"}).headers["Location"] == f"{record}weight/"
    choice = client.get(record, {"for": "pft-set"}).content.decode()
    assert "What the task asks for" in choice and f"{record}mip/" in choice
    assert client.get(record, {"for": "nothing"}).status_code == 200
