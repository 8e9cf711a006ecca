"""Every statement of the source article is implemented by something that is there, and a gap is named."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from pathway import clock, office
from pathway.engine import content
from pathway.models import InfoText, LinkKind, Policy, Rule, Statement, StatementLink
from pathway.selectors import coverage
from pathway.services import guidance

TODAY = date(2026, 11, 25)
# The clinicians' list of what must be covered may lie beside the checkout.
REFERENCE = Path(settings.BASE_DIR).parent / "shared" / "clinical" / "coverage.csv"
COUNTS = {
    "activity": 27,
    "checklist": 28,
    "education": 8,
    "info": 27,
    "intervention": 20,
    "measure": 7,
    "observation": 21,
    "pathway": 3,
    "policy": 3,
    "restriction": 9,
    "rule": 26,
    "stage": 5,
}

pytestmark = pytest.mark.usefixtures("loaded")


def command(*arguments: str, today: date = TODAY) -> tuple[str, int]:
    """What the command prints, and its exit status."""
    out = StringIO()
    status = 0
    with clock.simulated(datetime(today.year, today.month, today.day, 9, tzinfo=UTC)):
        try:
            call_command("coverage", *arguments, stdout=out)
        except SystemExit as stopped:
            status = int(str(stopped.code))
    return out.getvalue(), status


def test_every_statement_is_covered() -> None:
    printed, status = command()
    assert status == 0
    assert printed.splitlines()[-1] == "74 of 74"
    assert "NOT COVERED" not in printed and "REVIEW OVERDUE" not in printed


def test_a_statement_is_listed_with_what_implements_it_its_mark_source_and_review() -> None:
    printed, _ = command()
    start = printed.index("S17 ")
    block = printed[start : printed.index("S18 ", start)]
    assert "[contested]" in block
    assert "But: One cohort" in block
    assert "rule NUT-5 (core)" in block
    assert "info info-hr-5 (als-*, nutrition)" in block
    assert "[S] S17, [V:WL1]" in block
    assert "Source article, statement S17" in block
    assert "review by 2027-05-31" in block


def test_the_list_is_there_for_programs_too() -> None:
    printed, status = command("--json")
    told = json.loads(printed)
    assert status == 0
    assert (told["covered"], told["of"], told["is_complete"]) == (74, 74, True)
    assert [one["code"] for one in told["statements"]] == [f"S{n}" for n in range(1, 75)]
    assert told["statements"][17]["implementations"][0] == {
        "kind": "checklist",
        "code": "chk-sedation-plan",
        "where": "gastrostomy-assessment",
        "title": "FVC not older than 30 days; plan for sedation and ventilation during the procedure",
        "exists": True,
    }


def test_a_statement_that_nothing_implements_is_named() -> None:
    StatementLink.objects.filter(statement="S35").delete()
    printed, status = command()
    assert status == 1
    assert "NOT COVERED S35 balance strengthening and overwork: nothing implements it" in printed
    assert printed.splitlines()[-1] == "73 of 74"


@pytest.mark.parametrize("kind", LinkKind.values)
def test_a_link_to_what_is_not_there_is_named_whatever_its_kind(kind: str) -> None:
    StatementLink.objects.create(statement_id="S3", position=9, kind=kind, code="no-such-thing")
    printed, status = command()
    assert status == 1
    assert f"NOT COVERED S3 four pillars: {kind} no-such-thing: there is no such thing" in printed
    assert printed.splitlines()[-1] == "73 of 74"


def test_what_is_retired_implements_nothing() -> None:
    InfoText.objects.filter(code="info-pillars").update(is_retired=True)
    assert [one.code for one in coverage.report(TODAY).failing] == ["S3"]


def test_an_archived_rule_set_version_implements_nothing() -> None:
    version = Rule.objects.get(code="NICE-GAS").version
    version.retire()
    version.save()
    assert [one.code for one in coverage.report(TODAY).failing] == ["S29"]


def test_a_retired_statement_is_not_counted() -> None:
    Statement.objects.filter(code="S74").update(is_retired=True)
    found = coverage.report(TODAY)
    assert (found.holding, len(found.statements)) == (73, 73)


def test_no_statements_at_all_are_no_success() -> None:
    Statement.objects.update(is_retired=True)
    printed, status = command()
    assert status == 1
    assert "run load_pathways first" in printed


def test_a_review_is_overdue_from_the_day_after() -> None:
    assert not coverage.report(date(2027, 5, 31)).overdue
    overdue = coverage.report(date(2027, 6, 1)).overdue
    assert {one.code for one in overdue} == {one.code for one in coverage.report(TODAY).statements if one.doubt}
    printed, status = command(today=date(2027, 6, 1))
    assert "REVIEW OVERDUE statement S60 no serious adverse effects (qualified): since 2027-05-31" in printed
    assert status == 0  # late, and still covered


def test_loading_twice_changes_nothing(shipped: content.Content) -> None:
    assert guidance.load(shipped.guidance) == []


def test_what_is_not_shipped_any_more_is_retired_and_comes_back(shipped: content.Content) -> None:
    Policy.objects.create(code="policy-old", text="Old", mark="[D]", where="everywhere")
    assert guidance.load(shipped.guidance) == ["policies: 1 retired"]
    assert Policy.objects.get(code="policy-old").is_retired
    Policy.objects.filter(code="policy-provenance").update(is_retired=True)
    assert guidance.load(shipped.guidance) == ["policies: 1 loaded"]
    assert not Policy.objects.get(code="policy-provenance").is_retired


def test_a_changed_link_is_stored_again(shipped: content.Content) -> None:
    StatementLink.objects.filter(statement="S1", code="pft-set").delete()
    assert guidance.load(shipped.guidance) == ["what implements the statements: 184 links loaded"]
    assert coverage.report(TODAY).is_complete


def test_load_pathways_loads_guidance_too() -> None:
    StatementLink.objects.all().delete()
    Statement.objects.all().delete()
    told = office.load_pathways(Path(settings.BASE_DIR) / "fixtures", at=datetime(2026, 11, 25, 9, tzinfo=UTC))
    assert told == ["statements: 74 loaded", "what implements the statements: 184 links loaded"]


def test_links_by_kind() -> None:
    found = Counter(link.kind for one in coverage.report(TODAY).statements for link in one.implementations)
    assert found == COUNTS


def test_it_is_the_list_of_the_clinicians_where_that_is_at_hand() -> None:
    if not REFERENCE.exists():
        return  # the test above holds its numbers
    with REFERENCE.open(encoding="utf-8", newline="") as file:
        wanted = {
            (row["statement"], row["short"], row["kind"], row["where"].removeprefix("-"), row["code"])
            for row in csv.DictReader(file)
        }
    found = {
        (one.code, one.short, link.kind, link.where, link.code)
        for one in coverage.report(TODAY).statements
        for link in one.implementations
    }
    assert found == wanted
