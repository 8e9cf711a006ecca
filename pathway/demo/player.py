"""One invented patient's months, played from enrolment to the present.

Time jumps from one day on which something is due to the next: a rung of an open task, a contact,
something that happened. Each step judges all rules on its day; the days between are not judged, so
what merely expired between two steps is seen at the later one. The last step is the present day's sweep.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

from django.db.models import F, Min

from pathway import clock, flow
from pathway.demo import contacts, results
from pathway.demo.casting import Part
from pathway.demo.contacts import Care
from pathway.demo.courses import Life
from pathway.engine import schedule
from pathway.models import LIVE, CareTask, Patient, Reminder, Site, User
from pathway.services import people, reminders
from pathway.vocabulary import COORDINATOR, Role

CONTACT_AT = time(10, 30)
MIN_GAP = 24  # days between two contacts
NO_SHOW = 0.07
LAPSED_DAYS = 130  # before the present: the last contact of someone who stopped coming
UNREAD_DAYS = 14  # reminders of these last days are delivered; older ones have been seen to
FAREWELL = 30  # days after a death the family is called
FIRST_FATE = 3  # days after the enrolment at the earliest
TIMES: Mapping[str, int] = {"pounds": 4, "hold": 25, "withdrawn": 100}  # days before the present


def play(part: Part, site: Site, team: Mapping[str, User], *, seed: int, now: datetime) -> Patient:
    """Register, enroll and follow the patient; the caller's transaction keeps all of it or nothing."""
    life = Life.of(part, seed)
    today = schedule.local_day(now, site.time_zone)
    begins = schedule.instant(part.enrolled_on, CONTACT_AT, site.time_zone)
    with clock.simulated(begins):
        care = _begin(part, site, team, life, begins, today)
    _Story(care, site, now).run()
    _settle_old_reminders(care, now)
    return care.enrollment.patient


def _begin(part: Part, site: Site, team: Mapping[str, User], life: Life, at: datetime, today: date) -> Care:
    by = team[COORDINATOR]
    details = people.Details(part.given_name, part.family_name, part.identifier, part.birth_date, part.sex)
    patient = people.register(site, details, at=at, by=by)
    people.set_team(patient, [(user.pk, role) for role, user in team.items()], at=at, by=by)
    facts = [] if part.fate == "new" else results.facts(life)
    enrollment = flow.enroll(patient, part.course.pathway, at=at, by=by, facts=facts)
    return Care(enrollment, life, team, today, at)


class _Story:
    """The agenda of one patient: what comes on which day, until the present."""

    def __init__(self, care: Care, site: Site, now: datetime) -> None:
        self.care = care
        self.site = site
        self.now = now
        self.agenda: list[tuple[date, int, str]] = []
        self.entries = 0
        self.is_over = False

    def run(self) -> None:
        self._plan()
        while self.agenda and self.agenda[0][0] < self.care.today:
            day, _, what = heapq.heappop(self.agenda)
            at = max(schedule.instant(day, CONTACT_AT, self.site.time_zone), self.care.at)
            self._remind_until(at)
            if self.is_over and what != "farewell":
                continue
            self.care.at = at
            with clock.simulated(at):
                self._do(what, day)
            for arranged, on in self.care.asked_for.items():
                self._enter(on, arranged)
            self.care.asked_for.clear()
        self._remind_until(self.now)
        if not self.is_over:
            flow.pass_day(self.care.pk, at=self.now)

    def _plan(self) -> None:
        """What is known from the first day on: happenings, and the fate."""
        care, part = self.care, self.care.life.part
        if part.fate == "new":
            return
        for day, what in care.life.happens(part.enrolled_on, care.today - timedelta(days=1)):
            self._enter(day, f"event {what}")
        self._enter(part.enrolled_on + timedelta(days=care.life.random.randint(8, 16)), "contact")
        halfway = part.enrolled_on + (care.today - part.enrolled_on) / 2
        fated = {
            "pounds": (care.today - timedelta(days=TIMES["pounds"]), "pounds"),
            "pounds-solved": (halfway, "pounds"),
            "withdrawn": (care.today - timedelta(days=TIMES["withdrawn"]), "withdraw"),
            "on-hold": (care.today - timedelta(days=TIMES["hold"]), "hold"),
            "dies": (care.today - timedelta(days=care.life.random.randint(10, 60)), "die"),
        }.get(part.fate)
        if fated is not None:
            day, what = fated
            self._enter(max(day, part.enrolled_on + timedelta(days=FIRST_FATE)), what)

    def _enter(self, day: date, what: str) -> None:
        self.entries += 1
        heapq.heappush(self.agenda, (day, self.entries, what))

    def _remind_until(self, at: datetime) -> None:
        """Climb each rung at its own instant."""
        while True:
            live = CareTask.objects.live().filter(enrollment=self.care.pk)
            rung_at = live.aggregate(first=Min("next_rung_at"))["first"]
            if rung_at is None or rung_at > at:
                return
            with clock.simulated(rung_at):
                reminders.climb(at=rung_at, enrollment_id=self.care.pk)

    def _do(self, what: str, day: date) -> None:
        care = self.care
        if what == "contact":
            self._contact(day)
        elif what.startswith("event "):
            care.record(results.event(what.removeprefix("event "), care.life))
        elif what in ARRANGED:
            ARRANGED[what](care, day)
        else:
            self._end(what, day)

    def _contact(self, day: date) -> None:
        care = self.care
        if care.fate == "lapsed" and (care.today - day).days < LAPSED_DAYS:
            return
        if care.chance(NO_SHOW):
            self._enter(day + timedelta(days=care.life.random.randint(20, 45)), "contact")
            return
        contacts.hold(care, day)
        self._enter(self._next_contact(day), "contact")
        if care.life.is_failing(day):
            self._enter(day + timedelta(days=care.life.random.randint(8, 40)), "die")

    def _next_contact(self, day: date) -> date:
        """Around the first day on which something is due, the rest of today's list included."""
        due = [task.due_on for task in self.care.tasks()]
        first = min(due, default=day + timedelta(days=90)) + timedelta(days=self.care.life.random.randint(-5, 4))
        return max(first, day + timedelta(days=MIN_GAP))

    def _end(self, what: str, day: date) -> None:
        care, at = self.care, self.care.next_minute()
        nurse, neurologist = care.person(COORDINATOR), care.person(Role.NEUROLOGIST)
        if what == "die":
            flow.record_death(care.pk, effective=day - timedelta(days=1), at=at, by=neurologist)
            self._enter(day + timedelta(days=FAREWELL), "farewell")
        elif what == "withdraw":
            flow.withdraw(care.pk, reason="Moved away, care goes on elsewhere", at=at, by=nurse)
        elif what == "hold":
            flow.hold(care.pk, reason="In hospital after a fracture, asks for a pause", at=at, by=neurologist)
        elif what == "farewell":
            for task in care.tasks():
                flow.complete(task.pk, at=at, by=nurse)
        care.enrollment.refresh_from_db()
        self.is_over = care.enrollment.status not in LIVE


ARRANGED: Mapping[str, Callable[[Care, date], None]] = {
    "correct": contacts.correct,
    "pounds": contacts.weigh_in_pounds,
    "solve": contacts.solve_pounds,
    "tube": contacts.place_tube,
}


def _settle_old_reminders(care: Care, now: datetime) -> None:
    """Reminders of the story's past have been seen to: nobody is told of them now."""
    old = Reminder.objects.filter(task__enrollment=care.pk, resolved_at=None)
    old.filter(created_at__lt=now - timedelta(days=UNREAD_DAYS)).update(resolved_at=F("created_at"))
