"""Everybody of the cast against every address, method and place of a parameter, made from the URLconf.

Whoever does not see a patient gets the answer that everybody gets about nobody: the same status, headers and bytes,
no canary of theirs in it, and no row of theirs is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path, reverse

from tests.cast import asking, canaries, routes
from tests.cast.asking import METHODS, Answer, ask, comparable, leaked
from tests.cast.routes import ADMINISTRATION, NOWHERE, Route
from tests.cast.world import HERE, PATIENTS, SEES, SHUT_OUT, World
from tests.security.test_default_deny import OPEN

pytestmark = pytest.mark.timeout(600)  # they wait for a busy machine; on an idle one each takes some seconds

COORDINATING = frozenset({"coordinator", "other coordinator", "coordinator elsewhere"})
REVIEWING = COORDINATING | {"auditor"}


@dataclass(frozen=True)
class Known:
    """What some people learn of patients whom they do not see: these texts, on pages that begin like this."""

    people: frozenset[str]
    pages: tuple[str, ...]
    texts: frozenset[str]
    at_their_site: bool = True


KNOWN = (
    # Who reviews access or reads the audit knows the site's patients by number, and why somebody broke the glass.
    Known(
        REVIEWING,
        ("audit/", "emergency/reviews/", "unsteered/"),
        frozenset({"Patient.identifier", "EmergencyGrant.reason", "EmergencyGrant.review_note"}),
    ),
    # Who is offered a patient of another site reads the number there and why.
    Known(COORDINATING, ("transfers/",), frozenset({"Transfer.number", "Transfer.reason"}), at_their_site=False),
)
# Addresses that these people open without seeing the patient; `False`: where the patient is not of their site.
OPENED = {
    "audit/patients/<uuid:uuid>/": (frozenset({"auditor"}), True),
    "emergency/reviews/<int:grant>/": (REVIEWING, True),
    "covers/<int:cover>/end/": (COORDINATING, True),
    "transfers/<int:offer>/": (COORDINATING, False),
    "transfers/<int:offer>/decline/": (COORDINATING, False),
}
# Besides GET most people ask in one more way at an address, the next person in the next way. POST comes often, since
# most other methods are refused before anybody looks at who asks for what.
IN_TURNS = ("POST", "HEAD", "POST", "PUT", "POST", "PATCH", "DELETE", "POST", "OPTIONS", "POST", "TRACE")
SIGN_IN = ("/sign-in/", "/admin/login/")
# Texts that are read in the file of a whole record and on no page of it.
IN_THE_RECORD_ALONE = frozenset(
    {
        "Alert.close_reason",
        "AuditEvent.after",
        "AuditEvent.before",
        "AuditEvent.reason",
        "CareTask.close_reason",
        "CareTask.snooze_reason",
        "ChecklistAnswer.note",
        "ChecklistAnswer.void_reason",
        "EducationGiven.note",
        "EducationGiven.void_reason",
        "Enrollment.end_reason",
        "Merge.reason",
        "MergeRow.before",
        "Observation.source_id",
        "Transfer.number",
        "Transfer.reason",
    }
)
TAKE_OUT = "purpose=patient&reason=asked"
ASKED: Counter[str] = Counter()  # by method
WAYS: set[tuple[str, str]] = set()  # pattern and method


def is_opened(route: Route, who: str, number: int) -> bool:
    people, at_their_site = OPENED.get(route.pattern, (frozenset(), True))
    return who in people and is_of_their_site(who, number) == at_their_site


def is_of_their_site(who: str, number: int) -> bool:
    return (number in HERE) == (who != "coordinator elsewhere")


def too_much(route: Route, who: str, answer: Answer, hidden: Sequence[int]) -> set[tuple[int, str]]:
    """Canaries of patients whom they do not see, without what their office tells them."""
    found = leaked(answer, hidden)
    for known in KNOWN:
        if who in known.people and route.pattern.startswith(known.pages):
            found = {
                (number, name)
                for number, name in found
                if name not in known.texts or is_of_their_site(who, number) != known.at_their_site
            }
    return found


def is_sent_to_the_sign_in(route: Route, method: str, answer: Answer) -> bool:
    """Whoever is not signed in: nothing but the way to the sign-in, or the word that the method is none of theirs."""
    if route.pattern in OPEN or route.pattern.startswith("feeds/"):
        return True
    place = dict(answer.headers).get("Location", "")
    if method in ("GET", "HEAD", "POST"):
        # Signing out of the administration leads home, and from there to the sign-in.
        is_away = place.startswith(SIGN_IN) or (place == "/" and "logout" in route.pattern)
        return answer.status == 302 and is_away and answer.body == b""
    return answer.status in (302, 405) and answer.body == b""


@pytest.mark.parametrize("who", SEES)
def test_what_somebody_does_not_see_answers_as_what_is_missing(world: World, every: list[Route], who: str) -> None:
    client, hidden, turn = world.clients[who], world.hidden(who), list(SEES).index(who)
    foreign, before = asking.body(world, hidden), asking.written()
    with asking.as_the_web():
        for row, route in enumerate(one for one in every if one.is_about_a_patient):
            for method in methods(who, turn + row):
                body = foreign if method in asking.WITH_BODY else ""
                missing = ask(client, method, route.addresses[NOWHERE], body)
                same = comparable(missing, route.addresses[NOWHERE])
                number = hidden[(turn + row) % len(hidden)]
                is_theirs = is_opened(route, who, number)
                answer = ask(client, method, route.addresses[number], "" if is_theirs else body)
                told = (route.pattern, method, number)
                ASKED[method] += 2
                WAYS.add((route.pattern, method))
                assert not too_much(route, who, answer, hidden), told
                if not is_theirs:
                    compared = comparable(answer, route.addresses[number])
                    assert compared.headers == same.headers, (told, set(compared.headers) ^ set(same.headers))
                    assert compared == same, told
                assert who not in SHUT_OUT or is_sent_to_the_sign_in(route, method, answer), told
    assert {table: counts for table, counts in asking.written().items() if counts != before.get(table)} == {}


def methods(who: str, turn: int) -> tuple[str, ...]:
    """GET, and at two of three addresses another method. One who is signed in and one who is not ask in every way."""
    if who in ("superuser", "anonymous"):
        return METHODS
    return ("GET", IN_TURNS[turn % len(IN_TURNS)]) if turn % 3 else ("GET",)


@pytest.mark.parametrize("who", SEES)
def test_no_other_page_shows_or_changes_anything_of_a_patient_whom_they_do_not_see(
    world: World, every: list[Route], who: str
) -> None:
    client, hidden = world.clients[who], world.hidden(who)
    foreign, before = asking.body(world, hidden), asking.written()
    with asking.as_the_web():
        for method, route in plain_requests(every, who):
            for query in asking.queries(world, route) if method == "GET" else [""]:
                body = foreign if method in asking.WITH_BODY else ""
                answer = ask(client, method, route.addresses[0] + query, body)
                told = (route.pattern, method, query)
                ASKED[method] += 1
                WAYS.add((route.pattern, method))
                assert not too_much(route, who, answer, hidden), told
                assert who not in SHUT_OUT or is_sent_to_the_sign_in(route, method, answer), told
    assert {table: counts for table, counts in asking.written().items() if counts != before.get(table)} == {}


def plain_requests(every: list[Route], who: str) -> Iterator[tuple[str, Route]]:
    """Pages about no patient. The administration is asked by its people and by nobody: all others are sent away."""
    in_administration = who in ("superuser", "site administrator", "anonymous")
    begin = list(SEES).index(who)
    for row, route in enumerate(one for one in every if not one.is_about_a_patient):
        if in_administration or not route.pattern.startswith(ADMINISTRATION):
            for method in methods(who, begin + row):
                yield method, route


@pytest.mark.parametrize("who", [who for who in SEES if SEES[who]])
def test_those_who_see_a_patient_see_their_canary_and_nothing_of_others(
    world: World, every: list[Route], who: str
) -> None:
    client, hidden, own = world.clients[who], world.hidden(who), SEES[who]
    watchers = [name for name in sorted(COORDINATING) if not SEES[name] & own]
    before = {name: asking.fingerprint(world, name) for name in watchers}
    offered = asking.offers(world, hidden)
    assert watchers and all(len(set(found.values())) > 15 for found in before.values())
    shown: set[int] = set()
    foreign = asking.body(world, hidden)
    about = [route for route in every if route.is_about_a_patient]
    with asking.as_the_web():
        for route in about if who in FORMS else about[list(SEES).index(who) % 3 :: 3]:
            number = sorted(own)[0]
            for query in asking.queries(world, route):
                answer = ask(client, "GET", route.addresses[number] + query)
                ASKED["GET"] += 1
                assert not too_much(route, who, answer, hidden), (route.pattern, query)
                shown |= {patient for patient, _name in canaries.seen(answer.body)}
        # Forms about their own patient with the keys of others in every field; what these do to their own stays done.
        for route in about if who in FORMS else ():
            answer = ask(client, "POST", route.addresses[sorted(own)[0]], foreign, keep=True)
            ASKED["POST"] += 1
            assert not too_much(route, who, answer, hidden), route.pattern
    for name in watchers:
        assert asking.fingerprint(world, name) == before[name], name
    assert asking.offers(world, hidden) == offered
    assert sorted(own)[0] in shown and not shown & set(hidden) - known_numbers(who)


# Who opens every page and sends every form: somebody of every kind of relation and of permits.
FORMS = frozenset({"member", "coordinator", "coordinator elsewhere", "running emergency"})


def known_numbers(who: str) -> set[int]:
    return set(PATIENTS) if who in REVIEWING else set()


def test_the_pages_of_a_patient_show_the_texts_that_others_must_not_see(world: World, every: list[Route]) -> None:
    """Else the tests above would look for words that no page ever shows."""
    seen: set[str] = set()
    with asking.as_the_web():
        for route in every:
            if not route.pattern.startswith(ADMINISTRATION):
                for query in asking.queries(world, route):
                    answer = ask(world.clients["coordinator"], "GET", route.addresses[0] + query)
                    seen |= {name for number, name in canaries.seen(answer.body) if number == 0}
        export = ask(world.clients["coordinator"], "POST", reverse("export", args=[world.patients[0].uuid]), TAKE_OUT)
    assert export.status == 200
    taken = {name for number, name in canaries.seen(asking.unpacked(export)) if number == 0}
    assert {number for number, _name in canaries.seen(asking.unpacked(export))} == {0}
    assert taken == world.planted[0]
    assert world.planted[0] - seen <= IN_THE_RECORD_ALONE


def test_an_address_that_nobody_knows_how_to_fill_is_not_left_out(world: World) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    unknown: list[URLPattern] = [path("wards/<int:ward>/", view), re_path(r"^x/(?P<thing>\d+)/$", view)]
    for one in unknown:
        with pytest.raises(routes.Unfilled):
            routes._route(world, str(one.pattern), view)


def test_every_line_of_the_urlconf_was_asked(world: World, every: list[Route]) -> None:
    """Runs last in this module, and says how much was asked."""
    lines = [pattern for pattern, _view in routes.lines()]
    assert [route.pattern for route in every][: len(lines)] == lines
    about = [route for route in every if route.is_about_a_patient]
    assert len(about) > 50 and len({address for route in about for address in route.addresses.values()}) > 200
    told = ", ".join(f"{number} {method}" for method, number in sorted(ASKED.items()))
    print(  # noqa: T201 (the count is part of the proof)
        f"{len(lines)} routes, {len(about)} of them about a patient; {len(SEES)} people; "
        f"{ASKED.total()} requests: {told}"
    )
    if ASKED.total() > 5000:  # else only a part of the module was run
        assert {(pattern, method) for pattern in lines for method in METHODS} == WAYS
        assert ASKED["GET"] > 2 * len(about) * len(SEES) + len(lines)
