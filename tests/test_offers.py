"""What is not offered may be recorded: what a clinician did is a fact, and it is marked with why."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from pathway import flow
from pathway.models import AuditEvent, Intervention, QualityFlag
from pathway.selectors import cases, offers
from tests import builders
from tests.builders import result

pytestmark = pytest.mark.usefixtures("loaded")

CONFIRMED = result("smn1-confirmed", True)
PATHOGENIC = result("sod1", "pathogenic")


def enrolled(
    pathway: str, region: str = "EU", moment: datetime = builders.START, facts: Any = (), **columns: Any
) -> cases.Case:
    someone = builders.patient(builders.site(region=region), **columns)
    enrollment = builders.enroll(someone, pathway, moment=moment, facts=facts)
    return cases.lock(enrollment.pk, at=moment, by=None)


def child(pathway: str = "sma-non-sitter", born: date = date(2023, 6, 1), **more: Any) -> cases.Case:
    return enrolled(pathway, birth_date=born, **{"facts": [CONFIRMED], **more})


def start(case: cases.Case, code: str, effective: date | None = None) -> Intervention:
    return flow.start(case.enrollment.pk, code, effective=effective, at=case.at, by=None)


# before


def test_nothing_speaks_against_what_is_offered() -> None:
    case = child()
    assert "onasemnogene-iv" in offers.offered(case)
    assert offers.reservations(case, "onasemnogene-iv") == offers.Reservations()


def test_nothing_speaks_against_what_has_neither_licence_nor_condition() -> None:
    assert offers.concerns(enrolled("als-limb"), "walking-aid") == []


@pytest.mark.parametrize("code", ["niv", "mi-e", "gastrostomy", "riluzole", "tofersen", "edaravone-iv", "risdiplam"])
@pytest.mark.parametrize("facts", [(), (PATHOGENIC,), (CONFIRMED,)])
def test_concerns_and_offers_never_contradict_one_another(code: str, facts: Any) -> None:
    case = enrolled("als-limb", facts=facts)
    assert (code in offers.offered(case)) == (offers.concerns(case, code) == [])


@pytest.mark.parametrize(
    ("region", "code", "words"),
    [
        ("EU", "edaravone-oral", "Edaravone oral is not licensed in the European Union."),
        ("US", "nusinersen-eu", "Nusinersen 12 mg, European label is not licensed in the United States."),
    ],
)
def test_another_region_is_named(region: str, code: str, words: str) -> None:
    pathway = "als-limb" if code.startswith("edaravone") else "sma-sitter"
    case = enrolled(pathway, region, facts=[CONFIRMED])
    assert offers.reservations(case, code) == offers.Reservations((words,), outside_licence=True)


@pytest.mark.parametrize(("day", "outside"), [(date(2025, 12, 31), True), (date(2026, 1, 1), False)])
def test_a_licence_counts_from_its_day_on(day: date, outside: bool) -> None:
    case = child("sma-sitter", born=date(2020, 1, 1), moment=datetime(2026, 3, 2, 9, tzinfo=UTC))
    found = offers.reservations(case, "nusinersen-high-dose", on=day)
    assert found.outside_licence is outside
    told = "Nusinersen 50/28 mg is licensed in the European Union from 1 Jan 2026, not on 31 Dec 2025."
    assert list(found.sentences) == [told] * outside


@pytest.mark.parametrize(("born", "outside"), [(date(2022, 1, 9), False), (date(2022, 1, 8), True)])
def test_onasemnogene_by_infusion_ends_on_the_second_birthday(born: date, outside: bool) -> None:
    found = offers.reservations(child(born=born), "onasemnogene-iv")
    assert found.outside_licence is outside
    assert all("Not met: age-today < 2." in sentence for sentence in found.sentences)
    assert bool(found.sentences) is outside


def test_the_age_is_that_of_the_day_of_the_start() -> None:
    case = child(born=date(2022, 1, 20))
    assert offers.concerns(case, "onasemnogene-iv") == []
    assert offers.concerns(case, "onasemnogene-iv", on=date(2024, 1, 20))


@pytest.mark.parametrize(("titre", "speaks"), [(50, False), (51, True)])
def test_antibodies_above_fifty_speak_against_gene_therapy(titre: int, speaks: bool) -> None:
    case = child(facts=[CONFIRMED, result("aav9-titre", titre)])
    assert bool(offers.concerns(case, "onasemnogene-iv")) is speaks


def test_what_is_not_known_is_told_and_is_no_departure_from_the_licence() -> None:
    found = offers.reservations(enrolled("als-limb"), "tofersen")
    assert not found.outside_licence
    assert found.sentences == (
        "Tofersen 100 mg intrathecal is offered where age-today >= 18 and sod1 = pathogenic. Not known: SOD1 result.",
    )


def test_a_drug_for_another_disease_is_outside_its_licence() -> None:
    found = offers.reservations(enrolled("als-limb", facts=[CONFIRMED]), "risdiplam")
    assert found.outside_licence
    assert found.sentences == ("Risdiplam daily, 0.75 mg/mL is not meant for ALS, limb onset.",)


def test_ventilation_before_its_stage_has_a_concern_and_no_licence() -> None:
    found = offers.reservations(enrolled("als-limb"), "niv")
    assert not found.outside_licence
    assert "Not met: stage(respiratory) >= R3." in found.sentences[0]


# after


def test_it_is_recorded_marked_and_audited() -> None:
    case = enrolled("als-limb", "EU")
    row = start(case, "edaravone-iv")
    assert row.outside_licence
    assert row.concerns == "Edaravone IV is not licensed in the European Union."
    event = AuditEvent.objects.get(action="intervention.started")
    assert event.after == {
        "on": builders.on().isoformat(),
        "outside_licence": True,
        "concerns": ["Edaravone IV is not licensed in the European Union."],
    }
    assert not QualityFlag.objects.exists()


def test_what_is_within_its_licence_is_not_marked() -> None:
    row = start(enrolled("als-limb"), "riluzole")
    assert (row.outside_licence, row.concerns) == (False, "")
    assert AuditEvent.objects.get(action="intervention.started").after == {"on": builders.on().isoformat()}


def test_a_start_of_long_ago_is_held_against_the_licence_of_its_day() -> None:
    case = child("sma-sitter", born=date(2015, 1, 1), region="US", moment=datetime(2026, 1, 5, 9, tzinfo=UTC))
    assert start(case, "onasemnogene-it", date(2025, 11, 23)).outside_licence


def test_two_concerns_are_two_lines() -> None:
    row = start(child("sma-sitter", born=date(2020, 1, 1), region="EU", facts=[]), "nusinersen-us")
    assert row.concerns.splitlines() == [
        "Nusinersen 12 mg, US label is not licensed in the European Union.",
        "Nusinersen 12 mg, US label is offered where smn1-confirmed. Not known: 5q SMA confirmed (SMN1).",
    ]


def test_the_mark_never_stands_without_its_reason() -> None:
    row = start(enrolled("als-limb"), "riluzole")
    with pytest.raises(IntegrityError, match="outside_licence_says_why"), transaction.atomic():
        Intervention.objects.filter(pk=row.pk).update(outside_licence=True)
