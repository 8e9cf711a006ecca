"""The floor of the benchmarks is a floor only while it writes what the product writes. No time is asserted here."""

from __future__ import annotations

import pytest

from bench import accept, copies, floor, footprints, measuring, originals, record
from pathway.models import Enrollment, Proposal

MEASURED_TRACKS = ("nutrition", "respiratory")
COPIES = 9  # of each of two originals: 20 enrollments


@pytest.fixture
def stock(committed: None) -> measuring.Stock:
    clinic = originals.play(2)
    copies.fill([one.enrollment for one in clinic.originals], COPIES)
    return measuring.Stock.of(clinic, range(1, COPIES + 1))


def test_product_and_floor_write_the_same_rows_and_only_to_copies(stock: measuring.Stock) -> None:
    assert Enrollment.objects.count() == 20
    before = [footprints.rows_of(one.enrollment) for one in stock.clinic.originals]
    with floor.Floor() as bare:
        for case in (*record.BENCHMARK.cases, *accept.BENCHMARK.cases):
            # Raises when a pair differs in any row.
            measured = measuring.measure(case, stock, bare, runs=1, warm_ups=0)
            assert measured.rows["pathway_auditevent"] >= 2, case.name
            assert measured.rows["pathway_judgement"] >= 1, case.name
    assert [footprints.rows_of(one.enrollment) for one in stock.clinic.originals] == before


@pytest.mark.usefixtures("loaded")
def test_two_stages_wait_for_a_decision_in_every_second_original_and_in_no_other() -> None:
    for one in originals.play(4).originals:
        asked = Proposal.objects.filter(enrollment=one.enrollment, status="open", track__in=MEASURED_TRACKS)
        assert asked.count() == (2 if one.is_waiting else 0)


def test_a_copy_has_the_rows_of_its_original(stock: measuring.Stock) -> None:
    for original in stock.clinic.originals:
        before = footprints.rows_of(original.enrollment)
        after = footprints.rows_of(stock.apart.enrollment(original.enrollment, COPIES))
        assert footprints.footprint(before, after, COPIES, stock.apart).counts() == {}


def test_a_floor_that_writes_too_little_is_noticed(stock: measuring.Stock, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = floor.statements
    monkeypatch.setattr(floor, "statements", lambda *args: whole(*args)[:-1])
    with floor.Floor() as bare, pytest.raises(measuring.RowsDiffer, match="the product wrote"):
        measuring.measure(record.BENCHMARK.cases[0], stock, bare, runs=1, warm_ups=0)
