"""One scenario, played and rolled back: the clock advances day by day, the sweep runs, people act."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import DatabaseError, connection, transaction

from pathway import clock, errors, flow
from pathway.engine import schedule
from pathway.models import (
    AuditEvent,
    CareTeamMember,
    Enrollment,
    Membership,
    Observation,
    Patient,
    QualityFlag,
    Reminder,
    Site,
    User,
)
from pathway.replay import actions
from pathway.replay.scenarios import Action, Scenario, Step
from pathway.selectors import cases
from pathway.selectors.cases import Case
from pathway.services import definitions
from pathway.vocabulary import NO_CARE, Role

DEFAULT_ZONE, DEFAULT_REGION = "Europe/London", "EU"


@dataclass(slots=True)
class Marks:
    """Where the last step ended: what is newer happened since."""

    audit: int = 0
    flags: int = 0
    reminders: int = 0


@dataclass
class Play:
    """A scenario under way. `ids` are the names that steps gave to observations."""

    scenario: Scenario
    site: Site
    patient: Patient
    person: User
    enrollment: Enrollment
    at: datetime
    day: date
    ids: dict[str, int] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    refused: errors.Refused | None = None

    def case(self) -> Case:
        return cases.lock(self.enrollment.pk, at=self.at, by=self.person)

    def observation(self, name: str) -> Observation:
        if name not in self.ids:
            raise errors.NotFound("not-found", f"no earlier step names an observation {name!r}")
        return Observation.objects.get(pk=self.ids[name])

    def noon(self, day: date) -> datetime:
        return schedule.noon(day, self.site.time_zone)

    def note_marks(self) -> None:
        self.marks = Marks(_newest(AuditEvent), _newest(QualityFlag), _newest(Reminder))


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction of which nothing stays."""
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


def begin(scenario: Scenario) -> Play:
    """The scenario's own site, one user with every clinical role on the team, the patient, the enrolment."""
    site = Site.objects.create(
        slug=f"replay-{scenario.name}"[:50],
        name=scenario.name,
        time_zone=str(scenario.site.get("time_zone", DEFAULT_ZONE)),
        holiday_country=str(scenario.site.get("holidays") or ""),
        region=str(scenario.site.get("region", DEFAULT_REGION)),
    )
    definitions.follow_rule_sets(site, active=scenario.active, shadow=scenario.shadow)
    at = schedule.noon(scenario.enrolled, site.time_zone)
    with clock.simulated(at):
        person = User.objects.create(username=f"replay-{scenario.name}"[:150])
        patient = Patient.objects.create(
            site=site,
            given_name="Scenario",
            family_name=scenario.name[:100],
            identifier=scenario.name[:64],
            birth_date=scenario.patient.get("birth_date"),
            sex=str(scenario.patient.get("sex", "unknown")),
            created_at=at,
        )
        roles = [role for role in Role if role not in NO_CARE]
        Membership.objects.bulk_create(Membership(user=person, site=site, role=role) for role in roles)
        CareTeamMember.objects.bulk_create(
            CareTeamMember(patient=patient, user=person, role=role, since=at) for role in roles
        )
        facts = [actions.entry(one, ZoneInfo(site.time_zone)) for one in scenario.facts]
        marks = Marks(_newest(AuditEvent), _newest(QualityFlag), _newest(Reminder))
        enrollment = flow.enroll(patient, scenario.pathway, at=at, by=person, start=scenario.start, facts=facts)
    play = Play(scenario, site, patient, person, enrollment, at, scenario.enrolled, marks=marks)
    recorded = Observation.objects.filter(patient=patient).order_by("pk")
    for told, pk in zip(scenario.facts, recorded.values_list("pk", flat=True), strict=True):
        if isinstance(told, dict) and "id" in told:
            play.ids[str(told["id"])] = pk
    return play


def advance(play: Play, to: date | datetime) -> None:
    """Pass the days up to this one, each with its sweep at local noon, the day of the step included."""
    target = to.date() if isinstance(to, datetime) else to
    while play.day < target:
        play.day += timedelta(days=1)
        play.at = play.noon(play.day)
        if play.day == target and isinstance(to, datetime):
            play.at = min(play.at, _instant(to, play.site.time_zone))
        with clock.simulated(play.at):
            flow.pass_day(play.enrollment.pk, at=play.at)
            flow.remind(at=play.at, enrollment_id=play.enrollment.pk)
    if isinstance(to, datetime):
        play.at = max(play.at, _instant(to, play.site.time_zone))


def act(play: Play, step: Step) -> None:
    """Do what the step says; the first refusal ends it and is kept."""
    play.refused = None
    for action in step.actions:
        try:
            _act(play, action)
        except errors.Refused as refused:
            play.refused = refused
            return
        except DatabaseError as error:
            # A bug of ours, not an answer: it fails this step, and the others are still played.
            play.refused = errors.Refused("database-error", str(error).splitlines()[0])
            return


def _act(play: Play, action: Action) -> None:
    with clock.simulated(play.at), transaction.atomic():
        actions.perform(play, action)
        with connection.cursor() as cursor:  # deferred constraints speak after each action
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def _instant(moment: datetime, zone: str) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def _newest(model: Any) -> int:
    return model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
