"""Everybody who asks, and the patients about whom they ask.

Five patients in two sites. `SEES` says by hand who sees whom; nothing in here asks the program for it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.test import Client

from pathway import clock, flow, office
from pathway.models import (
    CareTeamMember,
    Cover,
    Delivery,
    EmergencyGrant,
    Enrollment,
    Membership,
    Patient,
    Scope,
    Site,
    User,
)
from pathway.signin import sessions, tokens
from pathway.vocabulary import Role
from pathway.web.recent import PROOFS
from tests import builders
from tests.cast import canaries, courses

PATIENTS = range(5)
HERE, ELSEWHERE = (0, 1, 2), (3, 4)
# Of each patient.
COORDINATORS = (
    "coordinator",
    "other coordinator",
    "other coordinator",
    "coordinator elsewhere",
    "coordinator elsewhere",
)

SEES: Mapping[str, frozenset[int]] = {
    "member": frozenset({0}),
    "coordinator": frozenset({0}),
    "other team": frozenset({1}),
    "other coordinator": frozenset({1, 2}),
    "other site": frozenset({3}),
    "coordinator elsewhere": frozenset({3, 4}),
    "removed a moment ago": frozenset(),
    "membership ended": frozenset(),
    "emergency that ran out": frozenset(),
    "running emergency": frozenset({0}),
    "cover that ended": frozenset(),
    "running cover": frozenset({0}),
    "fewest permits": frozenset({0}),
    "no permit at all": frozenset({0}),
    "auditor": frozenset(),
    "site administrator": frozenset(),
    "superuser": frozenset(),
    "disabled": frozenset(),
    "token": frozenset(),
    "token without scope": frozenset(),
    "anonymous": frozenset(),
}
# Whoever is not signed in, as far as the pages are concerned: tokens are for the API alone.
SHUT_OUT = ("disabled", "token", "token without scope", "anonymous")
# Who has a calendar: whoever cares for patients.
FED = tuple(name for name in SEES if name not in (*SHUT_OUT, "auditor", "site administrator", "superuser"))


@dataclass
class World:
    here: Site
    elsewhere: Site
    people: dict[str, User]
    patients: list[Patient]
    twins: list[Patient] = field(default_factory=list)
    enrollments: list[Enrollment] = field(default_factory=list)
    grants: list[EmergencyGrant] = field(default_factory=list)
    covers: list[Cover] = field(default_factory=list)  # of the two sites
    secrets: dict[str, str] = field(default_factory=dict)  # of calendars
    clients: dict[str, Client] = field(default_factory=dict)
    next_message: int = 0
    planted: dict[int, set[str]] = field(default_factory=dict)

    def hidden(self, who: str) -> list[int]:
        return [number for number in PATIENTS if number not in SEES[who]]

    def site_of(self, number: int) -> Site:
        return self.here if number in HERE else self.elsewhere


def build() -> World:
    """At the real time, since pages ask the clock themselves."""
    world = _people()
    _teams(world)
    now = clock.now()
    for number, patient in enumerate(world.patients):
        by = world.people[COORDINATORS[number]]
        world.enrollments.append(courses.live_through(patient, by, now))
        world.twins.append(
            courses.keep_records(patient, by, world.here if number in ELSEWHERE else world.elsewhere, now)
        )
    _access_for_a_time(world)
    flow.sweep(at=now, trigger="test")
    world.next_message = Delivery.objects.latest("pk").pk + 1
    world.planted = canaries.plant(world.patients)
    _sign_in(world)
    for name in FED:
        world.secrets[name] = office.renew_feed(None, at=clock.now(), by=world.people[name])
    # Theirs ends only now: they had everything a moment ago.
    CareTeamMember.objects.filter(user=world.people["removed a moment ago"]).update(until=clock.now())
    Membership.objects.filter(user=world.people["membership ended"]).update(is_active=False)
    User.objects.filter(pk=world.people["disabled"].pk).update(is_active=False)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # nobody else will, in a transaction that is never committed
    return world


def _people() -> World:
    here, elsewhere = builders.site(), builders.site()
    neurologist = Role.NEUROLOGIST
    people = {
        "member": builders.user(here, neurologist),
        "coordinator": builders.user(here, Role.NURSE_COORDINATOR),
        "other team": builders.user(here, neurologist),
        "other coordinator": builders.user(here, Role.NURSE_COORDINATOR),
        "other site": builders.user(elsewhere, neurologist),
        "coordinator elsewhere": builders.user(elsewhere, Role.NURSE_COORDINATOR),
        "removed a moment ago": builders.user(here, neurologist),
        "membership ended": builders.user(here, neurologist),
        "emergency that ran out": builders.user(here, neurologist),
        "running emergency": builders.user(here, neurologist),
        "cover that ended": builders.user(here, neurologist),
        "running cover": builders.user(here, neurologist),
        "fewest permits": builders.user(here, Role.GENETICIST),
        # On the team in a role that they do not hold at the site: they see, and may do nothing.
        "no permit at all": builders.user(here, Role.GENETICIST),
        "auditor": builders.user(here, Role.AUDITOR),
        "site administrator": builders.user(here, Role.ADMIN, is_staff=True),
        "superuser": User.objects.create_superuser("root-of-the-cast", password="correct horse"),
        "disabled": builders.user(here, neurologist),
        "token": builders.user(here, neurologist, is_service=True),
        "token without scope": builders.user(here, neurologist, is_service=True),
        "opener here": builders.user(here, neurologist),
        "opener elsewhere": builders.user(elsewhere, neurologist),
    }
    patients = [builders.patient(here if number in HERE else elsewhere) for number in PATIENTS]
    return World(here, elsewhere, people, patients)


def _teams(world: World) -> None:
    on_team = {
        0: ["member", "coordinator", "removed a moment ago", "membership ended", "fewest permits", "disabled"]
        + ["token", "token without scope"],
        1: ["other team", "other coordinator"],
        2: ["other coordinator"],
        3: ["other site", "coordinator elsewhere"],
        4: ["coordinator elsewhere"],
    }
    for number, names in on_team.items():
        for name in names:
            user = world.people[name]
            builders.join(world.patients[number], user, user.memberships.get().role)
    builders.join(world.patients[0], world.people["no permit at all"], Role.NEUROLOGIST)


def _access_for_a_time(world: World) -> None:
    """Emergencies and covers, those that run and those that are over."""
    now, people = clock.now(), world.people
    ran_out = courses.open_in_an_emergency(world.patients[0], people["emergency that ran out"], now)
    EmergencyGrant.objects.filter(pk=ran_out.pk).update(since=now - timedelta(hours=5), until=now)
    for number, patient in enumerate(world.patients):
        opener = "opener elsewhere" if number in ELSEWHERE else "opener here"
        by = people["running emergency"] if number == 0 else people[opener]
        grant = courses.open_in_an_emergency(patient, by, now)
        reviewer = people[COORDINATORS[number]]
        EmergencyGrant.objects.filter(pk=grant.pk).update(
            review_note="looked at", reviewed_by=reviewer, reviewed_at=now, was_justified=True
        )
        waiting = courses.open_in_an_emergency(patient, builders.user(patient.site, Role.NEUROLOGIST), now)
        world.grants.append(waiting)
    for name, until in (("cover that ended", now), ("running cover", now + timedelta(hours=2))):
        made = Cover.objects.create(
            site=world.here, user=people[name], role="neurologist", stands_in_for=people["member"],
            since=now - timedelta(hours=1), until=until, reason="away",
        )  # fmt: skip
    away = Cover.objects.create(
        site=world.elsewhere, user=people["other site"], role="neurologist", since=now - timedelta(hours=1),
        until=now + timedelta(hours=2), reason="on call", stands_in_for=people["coordinator elsewhere"],
    )  # fmt: skip
    world.covers = [made, away]


def _sign_in(world: World) -> None:
    """Sessions are made while everybody may still have one; they have just proved who they are."""
    for name in SEES:
        client = Client()
        if name.startswith("token"):
            scopes = [Scope.READ_CONTENT] if name == "token without scope" else list(Scope)
            user, at = world.people[name], clock.real_now()
            secret = tokens.create(user, "test", scopes=scopes, sites=[world.here], days=7, at=at)[1]
            client = Client(headers={"Authorization": f"Bearer {secret}"})
        elif name != "anonymous":
            client.force_login(world.people[name])
        world.clients[name] = client
    stay(world)


def stay(world: World) -> None:
    """Nobody's session has been idle, however long the tests before took; and all have just proved who they are."""
    now = int(time.time())
    for client in world.clients.values():
        if settings.SESSION_COOKIE_NAME in client.cookies:
            session = client.session
            session.update({sessions.BEGUN: now, sessions.SEEN: now, PROOFS: [{"method": "password", "at": now}]})
            session.save()
