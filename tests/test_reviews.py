"""A review that is late shows to administrators; what it is about goes on working."""

from __future__ import annotations

import io
import json
import uuid
from datetime import date, datetime
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.test import Client

from pathway.models import Rule, RuleSet, RuleSetVersion, SiteRuleSet, Statement
from pathway.selectors import coverage, reviews
from tests import builders

pytestmark = pytest.mark.usefixtures("loaded")

LAST_DAY = date(2027, 11, 30)  # of the shipped rules
LATE = date(2027, 12, 1)


def old_version(code: str = "core") -> Rule:
    """A rule of an archived version, reviewed long ago."""
    rule_set = RuleSet.objects.get(code=code)
    version = RuleSetVersion.objects.create(rule_set=rule_set, number=900, record={}, digest=uuid.uuid4().hex)
    return Rule.objects.create(
        version=version, code="OLD", title="Old", test="true", severity="info", review_by=date(2020, 1, 1)
    )


def at(day: date) -> Any:
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo("UTC"))
    return mock.patch("pathway.clock.now", return_value=moment)


def rules(today: date) -> set[str]:
    return {one.code for one in reviews.overdue(today) if one.where != "statement"}


def test_every_shipped_rule_has_a_review_date_a_mark_and_a_citation() -> None:
    assert not reviews.rules_in_force().filter(review_by=None).exists()
    assert not reviews.rules_in_force().filter(mark="").exists()
    assert not reviews.rules_in_force().filter(citation="").exists()


def test_a_rule_is_late_from_the_day_after() -> None:
    assert rules(LAST_DAY) == set()
    assert rules(LATE) == set(reviews.rules_in_force().values_list("code", flat=True))


def test_statements_are_among_them_and_the_longest_overdue_come_first() -> None:
    found = reviews.overdue(LATE)
    assert {one.code for one in found if one.where == "statement"} == {
        one.code for one in coverage.report(LATE).overdue
    }
    assert [one.since for one in found] == sorted(one.since for one in found)


def test_a_version_that_nobody_follows_is_not_reviewed_any_more_and_one_that_is_followed_is() -> None:
    rule = old_version()
    assert rules(LAST_DAY) == set()
    SiteRuleSet.objects.create(site=builders.site(rule_sets=()), version=rule.version, use="shadow")
    assert rules(LAST_DAY) == {"OLD"}


def test_a_retired_statement_is_not_reviewed_any_more() -> None:
    Statement.objects.update(is_retired=True)
    assert not [one for one in reviews.overdue(LATE) if one.where == "statement"]


def test_the_command_names_rules_and_statements_and_still_succeeds() -> None:
    output = io.StringIO()
    with at(LATE):
        call_command("coverage", stdout=output)
    assert "REVIEW OVERDUE core NUT-10 " in output.getvalue()
    assert "REVIEW OVERDUE statement S60 " in output.getvalue()
    assert output.getvalue().rstrip().endswith("74 of 74")


def test_programs_get_them_too() -> None:
    output = io.StringIO()
    with at(LATE):
        call_command("coverage", "--json", stdout=output)
    found = json.loads(output.getvalue())["reviews_overdue"]
    assert {"where": "nice-ng42", "code": "NICE-FVC50", "title": "FVC is below 50 %", "since": "2027-11-30"} in found


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(builders.user(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", ["rule", "statement"])
def test_the_administration_lists_what_is_late(admin: Client, model: str) -> None:
    address = f"/admin/pathway/{model}/"
    with at(LATE):
        assert admin.get(address).status_code == 200
        late = admin.get(address, {"review": "overdue"})
    with at(date(2026, 1, 1)):
        none = admin.get(address, {"review": "overdue"})
    assert late.context["cl"].result_count > 0
    assert none.context["cl"].result_count == 0


def test_a_published_rule_is_only_shown(admin: Client) -> None:
    rule = Rule.objects.all()[0]
    assert admin.get(f"/admin/pathway/rule/{rule.pk}/change/").status_code == 200
    assert admin.post(f"/admin/pathway/rule/{rule.pk}/change/", {"title": "Other"}).status_code == 403
