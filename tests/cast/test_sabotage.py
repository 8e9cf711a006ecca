"""Each wall alone: what a forgotten filter shows behind row-level security, and what the filter shows without it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path, reverse

from pathway.models import Enrollment, Observation, Patient, User
from pathway.models.people import PatientManager
from tests import test_sight
from tests.cast import asking, canaries, routes
from tests.cast.asking import ask, leaked
from tests.cast.routes import ADMINISTRATION, Route
from tests.cast.world import PATIENTS, SEES, SHUT_OUT, World

pytestmark = pytest.mark.timeout(600)  # they wait for a busy machine; on an idle one each takes some seconds

SIGNED_IN = [who for who in SEES if who not in SHUT_OUT]
OUTSIDERS = ("removed a moment ago", "other site", "auditor", "superuser")


@transaction.atomic
def everything(request: HttpRequest) -> HttpResponse:
    """A view whose author has forgotten whom the person sees."""
    rows = [
        *(f"{one.patient.family_name} {one.end_reason}" for one in Enrollment.objects.all()),
        *(f"{one.void_reason} {one.notes}" for one in Observation.objects.all()),
        *(f"{one.identifier} {one.given_name}" for one in Patient.objects.unscoped("sabotage")),
    ]
    return HttpResponse("\n".join(rows))


urlpatterns = [path("everything/", everything), path("", include("config.urls"))]


# without the filter


@pytest.mark.parametrize("who", SIGNED_IN)
def test_a_view_without_any_filter_shows_those_whom_the_person_sees_and_nobody_else(world: World, who: str) -> None:
    with override_settings(ROOT_URLCONF=__name__), asking.as_the_web():
        answer = ask(world.clients[who], "GET", "/everything/")
    assert answer.status == 200
    shown = canaries.seen(answer.body)
    assert {number for number, _name in shown} == SEES[who]
    assert len({name for _number, name in shown}) >= (5 if SEES[who] else 0)


def test_the_same_view_shows_everybody_where_no_wall_stands(world: World) -> None:
    """Else the test above would prove nothing."""
    with override_settings(ROOT_URLCONF=__name__):
        answer = ask(world.clients["removed a moment ago"], "GET", "/everything/")
    assert {number for number, _name in canaries.seen(answer.body)} == set(PATIENTS)


@pytest.fixture
def everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has broken the one predicate: it lets everybody see everybody."""

    def visible_to(self: PatientManager, user: User, at: datetime) -> QuerySet[Patient]:
        return self.unscoped("sabotage")

    monkeypatch.setattr(PatientManager, "visible_to", visible_to)


WORLD: test_sight.World = {
    "active": [True, True, True],
    "homes": [0, 0, 1, 1],
    "memberships": {(0, 0, "neurologist"): True},
    "places": [(0, 0, "neurologist", test_sight.Spell(-3, None))],
    "covers": [],
    "emergencies": [],
}


def property_of_sight() -> None:
    """One example of the random worlds, tried by hand."""
    test: Any = test_sight.test_list_detail_count_roles_and_the_wall_agree_with_the_sentence_for_anybody_at_any_time
    test.hypothesis.inner_test(world=WORLD, who=0, hour=0)


def test_the_property_holds_for_a_small_world(world: World) -> None:
    property_of_sight()


def test_without_the_filter_the_property_fails(world: World, everybody: None) -> None:
    with pytest.raises(AssertionError):
        property_of_sight()


@pytest.mark.parametrize("who", OUTSIDERS)
def test_without_the_filter_row_level_security_hides_the_same_patients_on_every_page(
    world: World, every: list[Route], everybody: None, who: str
) -> None:
    hidden = world.hidden(who)
    with asking.as_the_web():
        for route, answer in every_page(world, every, who):
            assert not shown_too_much(route, who, answer.text, hidden), route.pattern
            assert answer.status in (404, 405) or not is_of_a_patient(route), route.pattern


# without row-level security


@pytest.mark.parametrize("who", OUTSIDERS)
def test_without_row_level_security_the_filter_hides_the_same_patients_on_every_page(
    world: World, every: list[Route], who: str
) -> None:
    hidden = world.hidden(who)
    for route, answer in every_page(world, every, who):
        assert not shown_too_much(route, who, answer.text, hidden), route.pattern
        assert answer.status in (404, 405) or not is_of_a_patient(route), route.pattern


def test_the_same_pages_show_a_patient_where_neither_wall_stands(
    world: World, every: list[Route], everybody: None
) -> None:
    """Else the tests above would prove nothing."""
    seen = {
        one for _route, answer in every_page(world, every, "removed a moment ago") for one in canaries.seen(answer.text)
    }
    assert len({name for _number, name in seen}) > 5


def is_of_a_patient(route: Route) -> bool:
    """The others are for offices, and say first that the person holds none."""
    return route.pattern.startswith(("patients/<", *(f"{noun}/" for noun in routes.NOUNS)))


def every_page(world: World, every: list[Route], who: str) -> Iterator[tuple[Route, asking.Answer]]:
    """Each address about a patient whom they do not see, a different one each time, and all other pages."""
    hidden = world.hidden(who)
    for row, route in enumerate(every):
        if route.pattern.startswith(ADMINISTRATION) and who != "superuser":
            continue
        number = hidden[row % len(hidden)] if route.is_about_a_patient else 0
        yield route, ask(world.clients[who], "GET", route.addresses[number])


def shown_too_much(route: Route, who: str, text: bytes, hidden: list[int]) -> set[str]:
    """Auditors know patients by number."""
    answer = asking.Answer(200, (), text)
    known = {"Patient.identifier", "EmergencyGrant.reason", "EmergencyGrant.review_note"}
    return {name for _number, name in leaked(answer, hidden)} - (known if who == "auditor" else set())


# without the audit


READ = ("patient", "why", "results", "records", "access-of-patient")


def test_what_cannot_be_put_on_record_is_not_shown(world: World) -> None:
    client, uuid = world.clients["coordinator"], world.patients[0].uuid
    pages = [reverse(name, args=[uuid]) for name in READ] + ["/", "/inbox/", "/patients/"]
    with asking.as_the_web():
        for page in pages:
            assert canaries.seen(ask(client, "GET", page).body), page
    with connection.cursor() as cursor:
        cursor.execute("REVOKE INSERT ON pathway_auditevent FROM pathway_web")
    client.raise_request_exception = False
    try:
        with asking.as_the_web():
            for page in pages:
                answer = ask(client, "GET", page)
                assert answer.status == 500 and not canaries.seen(answer.text), page
            with pytest.raises(DatabaseError), transaction.atomic():
                client.raise_request_exception = True
                client.get(pages[0])
    finally:
        client.raise_request_exception = True
