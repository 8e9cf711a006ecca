"""Very many fresh patients for benchmarks, by set-based SQL into the tables that flow writes.

What is written is not invented here: per pathway one patient is enrolled by flow and taken back, and
its stays, open tasks and rows in force are the pattern; only dates are reckoned anew, in SQL. Alerts,
judgements, measures and audit events of single patients are not made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from pathway import audit, flow
from pathway.demo import results
from pathway.engine import schedule
from pathway.engine.schedule import Period
from pathway.models import CareTask, Enrollment, Membership, Patient, Site, Stay, User
from pathway.selectors import definitions
from pathway.vocabulary import Role

CHUNK = 2_000  # patients per transaction and team
SPREAD_DAYS = 90  # they were enrolled on the days before the present
# By the last digit of the number.
PATHWAYS: Mapping[str, tuple[int, ...]] = {"als-limb": (0, 1, 2, 3, 4, 5), "als-bulbar": (6, 7, 8), "pma": (9,)}
TEAM = (Role.NEUROLOGIST, Role.RESPIRATORY_PHYSIO, Role.DIETITIAN, Role.PHYSIOTHERAPIST, Role.NURSE_COORDINATOR)
TABLES = ("patient", "careteammember", "enrollment", "stay", "caretask", "observation")

_INSERT = (Path(__file__).parent / "bulk.sql").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Pattern:
    """What enrolling on one pathway lays out, as parameters of the statement."""

    digits: list[int]
    version: int
    revision: int
    rows_in_force: list[int]
    stages: str
    plan: str


def make(
    site: Site, patients: int, *, now: datetime, progress: Callable[[int, int], None], spread: int = SPREAD_DAYS
) -> int:
    """Add patients until the site has that many; how many were added. Whole chunks: a run that was ended goes on."""
    patterns = [_pattern(site, pathway, digits, now) for pathway, digits in PATHWAYS.items()]
    present = Patient.objects.unscoped("demo").filter(site=site).count()
    for first in range(present + 1, patients + 1, CHUNK):
        last = min(first + CHUNK - 1, patients)
        with transaction.atomic():
            _insert(site, patterns, first, last, spread, now)
        progress(last, patients)
    _analyze()
    return max(0, patients - present)


def facts(number: int, enrolled: date) -> results.Form:
    """What the statement stores for that number, as a person would enter it; results are a month old by then."""
    usual, earlier = 70 + number % 12, enrolled - timedelta(days=30)
    return [
        results.seen("height", 165 + number % 20, "cm"),
        results.seen("usual-weight", usual, "kg"),
        results.seen("weight", usual - 1, "kg", effective=earlier),
        results.seen("fvc-pct", 88 + number % 20, "%", effective=earlier),
        results.seen("snip", 76 + number % 15, "cm[H2O]", effective=earlier),
    ]


def _pattern(site: Site, pathway: str, digits: Sequence[int], now: datetime) -> Pattern:
    with transaction.atomic():
        patient = Patient.objects.create(
            site=site, given_name="Bulk", family_name="Pattern", identifier=f"PATTERN-{pathway}", created_at=now
        )
        pattern = _read(flow.enroll(patient, pathway, at=now, by=None), digits)
        transaction.set_rollback(True)
    return pattern


def _read(enrollment: Enrollment, digits: Sequence[int]) -> Pattern:
    enrollment.refresh_from_db()
    stays = Stay.objects.open().filter(enrollment=enrollment).order_by("track")
    tasks = CareTask.objects.live().filter(enrollment=enrollment).select_related("activity").order_by("pk")
    rows = {row.pk: row.record for row in definitions.version(enrollment.version_id).rows}
    plan = []
    for task in tasks:
        row = rows[task.row_id or 0]
        interval = row.first or row.entry or row.every
        if interval is None or schedule.first_due(row, enrollment.enrolled_on) != task.due_on:
            raise ValueError(f"{task.activity_id} is not laid out by its schedule row alone")
        plan.append(
            {
                "activity": task.activity_id,
                "row_id": task.row_id,
                "owner": task.owner,
                "ladder_id": task.activity.ladder_id,
                **_interval(interval),
            }
        )
    return Pattern(
        list(digits),
        enrollment.version_id,
        enrollment.revision,
        list(enrollment.rows_in_force),
        json.dumps([{"track": stay.track, "stage_id": stay.stage_id} for stay in stays]),
        json.dumps(plan),
    )


def _interval(period: Period) -> dict[str, int]:
    """As PostgreSQL adds it: months clamp to the month's end there too."""
    months = {"mo": 1, "a": 12}.get(period.unit, 0) * period.amount
    days = {"d": 1, "wk": 7}.get(period.unit, 0) * period.amount
    return {"months": months, "days": days}


def _insert(site: Site, patterns: Sequence[Pattern], first: int, last: int, spread: int, now: datetime) -> None:
    team = _team(site, (first - 1) // CHUNK)
    shared: dict[str, Any] = {
        "site": site.pk,
        "zone": site.time_zone,
        "reminder_time": site.reminder_time,
        "now": now,
        "today": schedule.local_day(now, site.time_zone),
        "spread": spread,
        "first": first,
        "last": last,
        "users": [user.pk for user in team],
        "roles": [str(role) for role in TEAM],
        "source": results.SOURCE,
    }
    with connection.cursor() as cursor:
        for pattern in patterns:
            own = {name: getattr(pattern, name) for name in Pattern.__slots__}
            cursor.execute(_INSERT, shared | own)
    audit.record("demo.bulk-made", by=None, after={"site": site.slug, "first": first, "last": last})


def _team(site: Site, number: int) -> list[User]:
    """One person per role for each chunk; nobody can sign in as them."""
    names = {role: f"{site.slug}-{role}-{number}" for role in TEAM}
    present = {user.username: user for user in User.objects.filter(username__in=names.values())}
    for role, name in names.items():
        if name not in present:
            user = User(username=name, first_name=str(role.label)[:150], last_name=f"Bulk {number}")
            user.set_unusable_password()
            user.save()
            Membership.objects.create(user=user, site=site, role=role)
            present[name] = user
    return [present[name] for name in names.values()]


def _analyze() -> None:
    """So that the planner knows of the many new rows at once."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE " + ", ".join(f"pathway_{table}" for table in TABLES))
