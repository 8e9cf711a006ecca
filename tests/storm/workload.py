"""The workload: clinics, their people, and patients whose tasks fall due while the storm is on.

`main` runs in a process of its own, on the database of DATABASE_URL. All is made through `flow`; the stories for the
oracle go to standard output as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pathway import clock, flow
from pathway.models import CareTask, CareTeamMember, Enrollment, Site, User
from tests import builders
from tests.storm import oracle
from tests.storm.oracle import Doing

AGES = (14, 28, 42, 56)  # days since the enrollment: today is a day of the ladder, of another rung each
DOINGS = {3: Doing.COMPLETED, 7: Doing.REASSIGNED, 11: Doing.HELD, 13: Doing.SNOOZED, 17: Doing.DIED, 19: Doing.RESUMED}
ROUND = 20  # patients, after which the doings come again, with other ages
NOBODY_HERE = "geneticist"  # so the coordinator hears of their tasks
NOON = 12
FIRST_GUESS = 0.2  # seconds per patient
ONE_DAY = timedelta(days=1)


def main() -> None:
    patients, sites, spread = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    json.dump(make(patients, sites, spread), sys.stdout)


def make(patients: int, sites: int, spread: float) -> dict[str, Any]:
    """`spread`: for about so many seconds after the last patient was made, tasks go on falling due, site by site."""
    started = clock.real_now()
    zone = zone_of_noon(started)
    stories: list[dict[str, Any]] = []
    begun = time.monotonic()
    for index in range(sites):
        passed = time.monotonic() - begun
        rate = passed / len(stories) if stories else FIRST_GUESS
        left = rate * (patients - len(stories)) + spread * (index + 1) / sites
        falls_due = (started + timedelta(seconds=passed + left)).astimezone(ZoneInfo(zone)).time()
        site = builders.site(time_zone=zone, reminder_time=falls_due, clinic_weekdays="0,1,2,3,4,5,6")
        stories += _patients(site, range(index, patients, sites), started)
    today = started.astimezone(ZoneInfo(zone)).date()
    return {"today": today.isoformat(), "stories": stories}


def zone_of_noon(now: datetime) -> str:
    """A zone in which it is about midday, so that no night and no midnight comes into the storm."""
    offset = NOON - now.astimezone(UTC).hour
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"  # POSIX counts the other way round


def _patients(site: Site, numbers: range, now: datetime) -> Iterator[dict[str, Any]]:
    people = {role: _person(site, role) for role in sorted(oracle.roles() - {NOBODY_HERE})}
    today = now.astimezone(ZoneInfo(site.time_zone)).date()
    for number in numbers:
        age = timedelta(days=AGES[(number + number // ROUND) % len(AGES)])
        moment, doing = now - age, DOINGS.get(number % ROUND, Doing.NOTHING)
        patient = builders.patient(
            site, family_name=oracle.SURNAME, identifier=f"STORM-{number:06d}", created_at=moment
        )
        CareTeamMember.objects.bulk_create(
            CareTeamMember(patient=patient, user=person, role=role, since=moment) for role, person in people.items()
        )
        _do(builders.enroll(patient, oracle.PATHWAY, moment=moment), doing, now, people[oracle.COORDINATOR])
        yield {
            "patient": patient.identifier,
            "enrolled_on": (today - age).isoformat(),
            "doing": doing,
            "team": {role: person.username for role, person in people.items()},
        }


def _person(site: Site, role: str) -> User:
    person = builders.user(site, role, password=None)
    person.email = f"{person.username}@storm.example"
    person.save(update_fields=["email"])
    return person


def _do(enrollment: Enrollment, doing: Doing, at: datetime, by: User) -> None:
    def task(activity: str) -> int:
        return int(CareTask.objects.live().get(enrollment=enrollment, activity=activity).pk)

    match doing:
        case Doing.COMPLETED:
            flow.complete(task(oracle.COMPLETED), at=at, by=by)
        case Doing.REASSIGNED:
            flow.reassign(task(oracle.REASSIGNED), to=oracle.REASSIGNED_TO, at=at, by=by)
        case Doing.SNOOZED:
            tomorrow = (at + ONE_DAY).astimezone(ZoneInfo(enrollment.patient.site.time_zone)).date()
            flow.snooze(task(oracle.SNOOZED), until=tomorrow, reason="seen tomorrow", at=at, by=by)
        case Doing.DIED:
            flow.record_death(enrollment.pk, at=at, by=by)
        case Doing.HELD:
            flow.hold(enrollment.pk, reason="abroad", at=at, by=by)
        case Doing.RESUMED:
            flow.hold(enrollment.pk, reason="abroad", at=at, by=by)
            flow.resume(enrollment.pk, at=at, by=by)
