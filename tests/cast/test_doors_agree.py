"""One answer by every door, for each of the cast: list ≡ detail ≡ search ≡ count ≡ export ≡ feed ≡ database."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.urls import reverse

from pathway import access, actor, clock
from pathway.access import Permit
from pathway.models import Patient
from tests import walls
from tests.cast import asking
from tests.cast.asking import ask
from tests.cast.world import FED, PATIENTS, SEES, SHUT_OUT, World

pytestmark = pytest.mark.timeout(600)  # they wait for a busy machine; on an idle one each takes some seconds

SIGNED_IN = [who for who in SEES if who not in SHUT_OUT]
COORDINATING = ("coordinator", "other coordinator", "coordinator elsewhere")
# Who was on the team as somebody broke the glass, and is still: they have been told.
TOLD = {"member": {0}, "coordinator": {0}, "fewest permits": {0}, "other team": {1}, "other coordinator": {1, 2}} | {
    "other site": {3},
    "coordinator elsewhere": {3, 4},
}


def numbers(world: World, text: bytes) -> set[int]:
    """Which patients a page links to."""
    found = asking.uuids(text)
    return {number for number in PATIENTS if world.patients[number].uuid in found}


@pytest.mark.parametrize("who", SIGNED_IN)
def test_every_door_shows_the_same_patients(world: World, who: str) -> None:
    user, client, at = world.people[who], world.clients[who], clock.now()
    with asking.as_the_web():
        pages = {
            number: ask(client, "GET", reverse("patient", args=[world.patients[number].uuid])) for number in PATIENTS
        }
        searched = ask(client, "POST", "/patients/", "text=canary").body
        inbox = ask(client, "GET", "/inbox/").body
        lists = b"".join(ask(client, "GET", f"/{query}").body for query in desks(world))
        downloads = {
            number: ask(client, "GET", reverse("export", args=[world.patients[number].uuid])).status
            for number in PATIENTS
        }
    detail = {number for number, answer in pages.items() if answer.status == 200}
    assert detail == SEES[who]
    assert {answer.status for answer in pages.values()} <= {200, 404}
    assert numbers(world, searched) == detail
    assert numbers(world, inbox) <= detail and numbers(world, inbox) == TOLD.get(who, numbers(world, inbox))
    assert numbers(world, lists) <= detail
    if who in COORDINATING:
        assert numbers(world, lists) == detail
    twins = {twin.pk for twin in world.twins}
    seen = set(access.patients(user, at).values_list("pk", flat=True))
    assert access.patients(user, at).count() == len(seen)
    assert seen - twins == {world.patients[number].pk for number in detail}
    # Whoever does not see a patient is not told that they may not take the record out, but that there is none.
    assert {number for number, status in downloads.items() if status != 404} == detail
    may_export = {n for n in PATIENTS if Permit.EXPORT in access.permits_for(user, world.patients[n], at)}
    assert {number for number, status in downloads.items() if status == 200} == may_export
    with walls.role("pathway_web"), actor.acting(actor.person(user.pk)), transaction.atomic():
        assert set(Patient.objects.unscoped("test").values_list("pk", flat=True)) == seen


def desks(world: World) -> list[str]:
    roles = ("neurologist", "nurse-coordinator", "geneticist")
    return ["", *(f"?site={site.slug}&role={role}" for site in (world.here, world.elsewhere) for role in roles)]


@pytest.mark.parametrize("who", FED)
def test_a_calendar_leads_to_no_other_patients(world: World, who: str) -> None:
    with asking.as_the_web():
        answer = ask(world.clients["anonymous"], "GET", reverse("calendar-feed", args=[world.secrets[who]]))
    assert answer.status == (404 if who == "membership ended" else 200)
    found = numbers(world, answer.body.replace(b"\r\n ", b""))
    assert found <= SEES[who]
    if who in COORDINATING:
        assert found == SEES[who]
