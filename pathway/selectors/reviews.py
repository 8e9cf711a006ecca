"""Whose review is late: rules in force and statements that are shown. They go on working; a person must look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from pathway.models import Rule, RuleSetVersion, Statement, VersionStatus


@dataclass(frozen=True, slots=True)
class Late:
    """`where` is the rule set of a rule, `statement` of a statement."""

    where: str
    code: str
    title: str
    since: date  # the last day on which a review was in time

    def __str__(self) -> str:
        return f"{self.where} {self.code} {self.title}: since {self.since}"


def overdue(today: date) -> list[Late]:
    """The longest overdue first. A review is late from the day after its date."""
    found = [*_rules(today), *_statements(today)]
    return sorted(found, key=lambda one: (one.since, one.where, one.code))


def rules_in_force() -> QuerySet[Rule]:
    """Rules of versions that a site follows or watches, and of the newest published version of every set."""
    published = RuleSetVersion.objects.filter(status=VersionStatus.PUBLISHED)
    newest = published.order_by("rule_set", "-number").distinct("rule_set").values("pk")
    return Rule.objects.filter(Q(version__in=newest) | Q(version__sites__isnull=False)).distinct()


def _rules(today: date) -> Iterable[Late]:
    rows = rules_in_force().filter(review_by__lt=today).select_related("version__rule_set")
    for row in rows:
        assert row.review_by is not None  # by the filter
        yield Late(row.version.rule_set.code, row.code, row.title, row.review_by)


def _statements(today: date) -> Iterable[Late]:
    for row in Statement.objects.filter(is_retired=False, review_by__lt=today):
        yield Late("statement", row.code, row.short, row.review_by)
