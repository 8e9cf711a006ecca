"""The form of a whole visit, and the ALSFRS-R with what it comes to."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from pathway import clock, flow
from pathway.models import AuditEvent, Observation
from tests import builders
from tests.web.cast import Cast, signed_in
from tests.web.test_recording import counts, send, today

FULL = {f"items.{n}": "3" for n in range(1, 13)}


def visit(cast: Cast, **fields: Any) -> Any:
    given = {"effective": today(cast).isoformat(), "token": str(uuid.uuid4()), **fields}
    return signed_in(cast.dietitian).post(f"/patients/{cast.patient.uuid}/visit/", given, follow=True)


def new_rows(cast: Cast) -> dict[str, Observation]:
    return {row.kind_id: row for row in Observation.objects.filter(patient=cast.patient, effective_on=today(cast))}


# the visit


def test_a_visit_is_stored_as_one_form_and_judged_once(cast: Cast) -> None:
    scale = {f"alsfrs-r.{name}": value for name, value in FULL.items()}
    answer = visit(
        cast,
        **{
            "weight.value": "66.5",
            "weight.unit": "kg",
            "fvc-pct.value": "47",
            "fvc-pct.unit": "%",
            "snip.value": "41",
            "snip.unit": "cm[H2O]",
            "mip.value": "45",
            "mip.unit": "cm[H2O]",
            "spo2.value": "94",
            "spo2.unit": "%",
            "respiratory-symptoms.value": ["orthopnoea", "morning-headache"],
            "alsfrs-r.gastrostomy": "no",
            **scale,
        },
    )
    page = answer.content.decode()
    assert answer.status_code == 200 and "What this did" in page
    rows = new_rows(cast)
    assert set(rows) == {"weight", "fvc-pct", "snip", "mip", "spo2", "respiratory-symptoms", "alsfrs-r"}
    assert len({row.recorded_at for row in rows.values()}) == 1
    assert (rows["fvc-pct"].posture, rows["spo2"].activity) == ("sitting", "rest")
    assert rows["respiratory-symptoms"].members == ["morning-headache", "orthopnoea"]
    assert AuditEvent.objects.filter(action="observation.recorded", actor=cast.dietitian).count() == 1


def test_what_is_left_empty_is_not_stored(cast: Cast) -> None:
    visit(cast, **{"weight.value": "66", "weight.unit": "kg", "mip.unit": "cm[H2O]", "alsfrs-r.gastrostomy": "no"})
    assert set(new_rows(cast)) == {"weight"}


def test_not_asked_is_not_the_same_as_none(cast: Cast) -> None:
    visit(cast, **{"weight.value": "66", "weight.unit": "kg"})
    assert "respiratory-symptoms" not in new_rows(cast)
    visit(cast, **{"respiratory-symptoms.value": ["none-of-these"]})
    assert new_rows(cast)["respiratory-symptoms"].members == []


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"weight.value": "660", "weight.unit": "kg"}, "weight.value", "between 25 and 300 kg"),
        ({"weight.value": "66", "weight.unit": "stone"}, "weight.unit", "Select a valid choice"),
        ({"snip.value": "much", "snip.unit": "cm[H2O]"}, "snip.value", "Not a number"),
        ({"fvc-pct.value": "50", "fvc-pct.unit": "%", "effective": "2999-01-01"}, "effective", "lies ahead"),
        ({"respiratory-symptoms.value": ["none-of-these", "fatigue"]}, "respiratory-symptoms.value", "too"),
        ({"alsfrs-r.items.5": "3"}, "alsfrs-r.gastrostomy", "whether there is a gastrostomy"),
        ({"alsfrs-r.items.1": "5"}, "alsfrs-r.items.1", "Select a valid choice"),
    ],
)
def test_one_wrong_entry_is_said_at_its_field_and_nothing_of_the_visit_is_stored(
    cast: Cast, fields: dict[str, Any], field: str, words: str
) -> None:
    before = counts(cast)
    answer = visit(cast, **{"spo2.value": "95", "spo2.unit": "%", **fields})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'href="#id_{field}' in page and words in page
    assert 'value="95"' in page
    assert counts(cast) == before


def test_an_empty_visit_is_refused(cast: Cast) -> None:
    before = counts(cast)
    answer = visit(cast)
    assert answer.status_code == 422 and "Nothing has been entered" in answer.content.decode()
    assert counts(cast) == before


def test_a_visit_that_was_sent_twice_is_stored_once(cast: Cast) -> None:
    token = str(uuid.uuid4())
    for _time in range(2):
        assert visit(cast, token=token, **{"weight.value": "66", "weight.unit": "kg"}).status_code == 200
    assert Observation.objects.filter(patient=cast.patient, kind="weight", effective_on=today(cast)).count() == 1


def test_after_a_withdrawal_a_visit_is_refused_with_the_reason(cast: Cast) -> None:
    flow.withdraw(cast.enrollment.pk, reason="moves away", at=clock.now(), by=cast.coordinator)
    answer = visit(cast, **{"weight.value": "66", "weight.unit": "kg"})
    assert answer.status_code == 422 and "not on this pathway any more" in answer.content.decode()
    assert not new_rows(cast)


def test_a_patient_on_no_pathway_has_no_visit(cast: Cast) -> None:
    patient = builders.patient(cast.site)
    builders.join(patient, cast.member, "neurologist")
    assert signed_in(cast.member).get(f"/patients/{patient.uuid}/visit/").status_code == 404


def test_the_scale_is_asked_only_where_the_pathway_has_it(cast: Cast) -> None:
    child = builders.patient(cast.site, birth_date=today(cast) - timedelta(days=700))
    builders.join(child, cast.member, "neurologist")
    builders.enroll(child, "sma-non-sitter", moment=clock.now() - timedelta(days=3))
    client = signed_in(cast.member)
    assert "alsfrs-r.items.1" not in client.get(f"/patients/{child.uuid}/visit/").content.decode()
    assert "alsfrs-r.items.1" in client.get(f"/patients/{cast.patient.uuid}/visit/").content.decode()


# the ALSFRS-R by itself


def staged(page: str) -> str:
    return page.partition('id="staging"')[2].partition("</section>")[0]


def test_a_complete_form_shows_total_and_stages(cast: Cast) -> None:
    send(cast, "onset-date", value=(today(cast) - timedelta(days=365)).isoformat())
    page = staged(send(cast, "alsfrs-r", gastrostomy="no", **FULL).content.decode())
    for words in ("ALSFRS-R total", "36 points", "King", "MiToS stage", "Slope since onset", "1.00 /mo"):
        assert words in page
    assert "Incomplete" not in page
    assert "no complete form of at least 28 days before" in page


def test_without_the_onset_the_slope_is_unknown_and_says_why(cast: Cast) -> None:
    page = staged(send(cast, "alsfrs-r", gastrostomy="no", **FULL).content.decode())
    assert "unknown: " in page and "onset" in page.partition("Slope since onset")[2]


def test_an_incomplete_form_is_stored_and_says_that_totals_are_unknown(cast: Cast) -> None:
    given = {name: value for name, value in FULL.items() if name not in ("items.7", "items.9")}
    page = staged(send(cast, "alsfrs-r", gastrostomy="no", **given).content.decode())
    assert "Incomplete: totals unknown. Not answered: 7 Turning in bed, 9 Stairs" in page
    total = page.partition("ALSFRS-R total")[2].partition("</div>")[0]
    assert "unknown" in total and "points" not in total
    # Neither stage hangs on these two items.
    assert "unknown" not in page.partition("MiToS stage")[2].partition("</div>")[0]


@pytest.mark.parametrize(("gastrostomy", "item"), [("no", "5a"), ("yes", "5b")])
def test_item_5_is_stored_in_the_form_that_fits_and_in_no_other(cast: Cast, gastrostomy: str, item: str) -> None:
    send(cast, "alsfrs-r", gastrostomy=gastrostomy, **FULL)
    names = set(Observation.objects.get(kind="alsfrs-r").items.values_list("code", flat=True))
    assert names & {"5a", "5b"} == {item} and len(names) == 12


def test_the_gastrostomy_is_taken_from_the_record(cast: Cast) -> None:
    client = signed_in(cast.dietitian)
    address = f"/patients/{cast.patient.uuid}/record/alsfrs-r/"

    def chosen() -> str:
        page = client.get(address).content.decode()
        return page.partition(" checked")[0].rpartition('value="')[2].partition('"')[0]

    assert chosen() == "no"
    flow.start(cast.enrollment.pk, "gastrostomy", at=clock.now(), by=cast.member)
    assert chosen() == "yes"


def test_no_other_result_shows_the_staging(cast: Cast) -> None:
    send(cast, "alsfrs-r", gastrostomy="no", **FULL)
    assert 'id="staging"' not in send(cast, "fall").content.decode()
