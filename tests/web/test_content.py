"""Pages about the content: who reads them, and that nothing in them is bare."""

from __future__ import annotations

from datetime import date

import pytest

from pathway.models import AuditEvent, PathwayVersion, Site, Statement, StatementLink
from pathway.selectors import pathway_pages
from tests import builders
from tests.web.cast import Cast, signed_in

COVERAGE, PATHWAY = "/content/coverage/", "/content/pathways/als-limb/"


def row_of(page: str, code: str) -> str:
    return page.partition(f'<tr id="{code}">')[2].partition("</tr>")[0]


@pytest.mark.parametrize("who", ["member", "dietitian", "colleague", "stranger", "admin", "superuser"])
def test_everybody_with_a_role_reads_the_content(cast: Cast, who: str) -> None:
    client = signed_in(getattr(cast, who))
    for address in (COVERAGE, PATHWAY, f"{PATHWAY}drawing.svg"):
        assert client.get(address).status_code == 200
    assert not AuditEvent.objects.filter(actor=getattr(cast, who)).exists()


def test_whoever_has_no_role_does_not(cast: Cast) -> None:
    for user in (cast.inactive_member, builders.user()):
        client = signed_in(user)
        for address in (COVERAGE, PATHWAY, f"{PATHWAY}drawing.svg"):
            assert client.get(address).status_code == 403


def test_all_statements_are_listed_with_what_implements_them(cast: Cast) -> None:
    page = signed_in(cast.member).get(COVERAGE).content.decode()
    rows = list(Statement.objects.filter(is_retired=False))
    assert f"{len(rows)} of {len(rows)} are implemented" in page and len(rows) == 74
    for row in rows:
        shown = row_of(page, row.code)
        assert shown, row.code
        # Whoever reads a doubtful statement reads its doubt.
        assert ("pw-qualified" in shown) is bool(row.qualification), row.code
        assert 'class="pw-list"><li>' in shown, row.code


def test_an_implementation_that_is_gone_is_said(cast: Cast) -> None:
    link = StatementLink.objects.filter(statement="S1").first() or StatementLink.objects.first()
    assert link is not None
    StatementLink.objects.filter(pk=link.pk).update(code="vanished")
    page = signed_in(cast.member).get(COVERAGE).content.decode()
    assert "Not implemented" in page and "vanished: there is no such thing" in row_of(page, link.statement_id)


@pytest.mark.parametrize(("who", "on_top"), [("admin", True), ("superuser", True), ("member", False)])
def test_overdue_reviews_are_on_top_for_administrators(cast: Cast, who: str, on_top: bool) -> None:
    Statement.objects.filter(pk="S41").update(review_by=date(2020, 1, 31))
    page = signed_in(getattr(cast, who)).get(COVERAGE).content.decode()
    assert ("review was due by 31 Jan 2020" in page) is on_top
    assert "overdue" in row_of(page, "S41")
    assert "overdue" not in row_of(page, "S42")


def test_a_pathway_is_told_with_stages_schedule_rules_marks_and_sources(cast: Cast) -> None:
    client = signed_in(cast.member)
    for code, title in PathwayVersion.objects.values_list("pathway__code", "pathway__title"):
        page = client.get(f"/content/pathways/{code}/").content.decode()
        assert title in page and 'id="track-respiratory"' in page and "What is scheduled in it" in page
        assert "every 3" in page or "every 1" in page
    page = client.get(PATHWAY).content.decode()
    shown = [rule for one in pathway_pages.page("als-limb", date(2026, 1, 1)).rule_sets for rule in one.rules]
    assert {rule.code for rule in shown} > {"OVERWORK"} and "OVERWORK" in page
    for rule in shown:
        around = page.partition(f'id="rule-{rule.code}"')[2].partition("</details>")[0]
        assert rule.mark.split()[0] in around and "Holds when" in around, rule.code


@pytest.mark.parametrize(("today", "is_overdue"), [(date(2027, 11, 30), False), (date(2031, 1, 1), True)])
def test_a_rule_whose_review_is_overdue_says_so(cast: Cast, today: date, is_overdue: bool) -> None:
    rules = [rule for one in pathway_pages.page("als-limb", today).rule_sets for rule in one.rules if rule.review_by]
    assert rules
    assert any(rule.is_overdue for rule in rules) is is_overdue


def test_an_unknown_pathway_is_not_found(cast: Cast) -> None:
    client = signed_in(cast.member)
    assert client.get("/content/pathways/nothing/").status_code == 404
    assert client.get("/content/pathways/nothing/drawing.svg").status_code == 404


def test_the_drawing_may_use_its_own_styles_and_nothing_else(cast: Cast) -> None:
    answer = signed_in(cast.member).get(f"{PATHWAY}drawing.svg")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.content.decode().startswith(("<svg", "<?xml"))


# a demo clinic that is not ready


@pytest.mark.parametrize(
    ("is_demo", "planned", "told"), [(True, 60, True), (True, 1, False), (True, 0, False), (False, 60, False)]
)
def test_a_demo_clinic_that_is_being_prepared_says_so(cast: Cast, is_demo: bool, planned: int, told: bool) -> None:
    Site.objects.filter(pk=cast.site.pk).update(is_demo=is_demo, demo_patients=planned)
    page = signed_in(cast.member).get("/").content.decode()
    assert ("The demo clinic is being prepared: 1 of 60 patients" in page) is told
