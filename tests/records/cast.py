"""The people of these stories: Ada, who was registered twice, and those who care for one of her records or for both."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pathway import actor, clock, flow
from pathway.models import (
    AuditEvent,
    Enrollment,
    Erasure,
    Measure,
    Merge,
    MergeRow,
    Patient,
    PatientNumber,
    Site,
    Topic,
    User,
)
from pathway.selectors import invariants, reach
from pathway.vocabulary import Role
from tests import builders, walls

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday
BEGUN = NOW - timedelta(days=40)


@dataclass
class Pair:
    """`kept` is on a pathway; `double` was, and was withdrawn."""

    site: Site
    kept: Patient
    double: Patient
    both: User  # the coordinator of both
    kept_only: User  # a neurologist
    double_only: User
    enrollment: Enrollment
    withdrawn: Enrollment

    def propose(self, **more: Any) -> Merge:
        given = {"request": uuid.uuid4(), "reason": "registered twice", "at": NOW, "by": self.both, **more}
        return flow.propose_merge(self.kept, self.double, **given)

    def confirm(self, merge: Merge, *extra: tuple[int, str]) -> Patient:
        return flow.confirm_merge(merge.pk, [*self.team(), *extra], at=NOW, by=self.both)

    def team(self) -> list[tuple[int, str]]:
        return [(self.both.pk, Role.NURSE_COORDINATOR), (self.kept_only.pk, Role.NEUROLOGIST)]

    def merged(self) -> Merge:
        merge = self.propose()
        self.confirm(merge)
        merge.refresh_from_db()
        return merge


def pair() -> Pair:
    site = builders.site()
    both = builders.user(site, Role.NURSE_COORDINATOR)
    kept_only, double_only = builders.user(site, Role.NEUROLOGIST), builders.user(site, Role.NEUROLOGIST)
    kept, double = builders.patient(site), builders.patient(site)
    for patient, other in ((kept, kept_only), (double, double_only)):
        builders.join(patient, both, Role.NURSE_COORDINATOR)
        builders.join(patient, other, Role.NEUROLOGIST)
    enrollment = builders.enroll(kept, moment=BEGUN, by=both, facts=facts("80", "70"))
    withdrawn = builders.enroll(double, moment=BEGUN, by=both, facts=facts("80", "66"))
    flow.start(withdrawn.pk, "niv", effective=BEGUN.date(), at=BEGUN + timedelta(days=1), by=both)
    flow.give_education(withdrawn.pk, topic(), teach_back="understood", at=BEGUN + timedelta(days=1), by=both)
    wrong = flow.record(withdrawn.pk, [builders.result("weight", "65", "kg")], at=BEGUN + timedelta(days=2), by=both)
    flow.void(wrong[0].pk, reason="another patient's", at=BEGUN + timedelta(days=2), by=both)
    flow.withdraw(withdrawn.pk, reason="registered twice", at=NOW - timedelta(days=1), by=both)
    return Pair(site, kept, double, both, kept_only, double_only, enrollment, withdrawn)


def facts(usual: str, weight: str) -> list[Any]:
    day = BEGUN.date()
    return [
        builders.result("height", "170", "cm", effective=day),
        builders.result("usual-weight", usual, "kg", effective=day),
        builders.result("weight", weight, "kg", effective=day),
        builders.result("fvc-pct", "48", "%", effective=day),
    ]


def topic() -> str:
    return str(Topic.objects.order_by("pk").values_list("pk", flat=True)[0])


@contextmanager
def as_person(user: User) -> Iterator[None]:
    """As the web serves this person: behind row-level security."""
    with walls.role("pathway_web"), actor.acting(actor.person(user.pk)):
        yield


# what is compared before and after: everything clinical, but what is derived and the journal itself
APART = {Measure, Merge, MergeRow, PatientNumber}


def clinical(*patients: Patient) -> dict[str, Any]:
    """All rows of these patients, by table and key."""
    keys = [one.pk for one in patients]
    found: dict[str, Any] = {}
    for one in reach.reached():
        if one.model not in APART:
            for row in one.rows_of(keys):
                plain = {f.attname: str(f.value_from_object(row)) for f in row._meta.concrete_fields}
                found[f"{one.model.__name__} {row.pk}"] = plain
    return found


def broken() -> list[Any]:
    return invariants.violations(clock.now())


def told(action: str) -> list[tuple[Any, Any]]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk").values_list("patient", "actor"))


def text_of(patients: list[int]) -> str:
    rows = [row for one in reach.reached() for row in one.rows_of(patients).values()]
    return json.dumps([rows, list(Erasure.objects.filter(patient__in=patients).values())], default=str)
