"""Every address of the server, filled with the keys of each patient, made from the URLconf and nothing else.

An address whose places cannot be filled raises: nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, URLResolver, get_resolver

from pathway.models import Alert, CareTask, LegalHold, Merge, Observation, Patient, Proposal, Transfer
from tests.cast.world import PATIENTS, World

MISSING = 987654321
NOBODY = UUID("11111111-2222-4333-8444-555555555555")
NOWHERE = -1  # the number of the patient who does not exist

PLACE = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
ADMINISTRATION = "admin/"

# A key in an address that names no row: a track, an intervention, a topic.
KEYS: Mapping[str, str] = {
    "move": "nutrition",
    "start": "niv",
    "review": "wheelchair-manual",
    "teach": "edu-stay-active",
    "void-teaching": "edu-stay-active",
    "stop": "wheelchair-manual",
    "give": "tofersen",
}


class Unfilled(AssertionError):
    """A place of an address for which nothing is known: say in this module what goes there."""


@dataclass(frozen=True)
class Route:
    """One line of the URLconf. `addresses`: by the number of the patient, with NOWHERE; or by 0 alone."""

    pattern: str
    view: Callable[..., Any]
    addresses: Mapping[int, str]

    @property
    def is_about_a_patient(self) -> bool:
        return NOWHERE in self.addresses


def lines(resolver: URLResolver | None = None, before: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for one in (resolver or get_resolver()).url_patterns:
        here = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield here, one.callback
        else:
            yield from lines(one, here)


def every(world: World) -> list[Route]:
    """In the order of the URLconf; the same address under two names is one route for each."""
    return [_route(world, pattern, view) for pattern, view in [*lines(), *of_schema()]]


def of_schema() -> list[tuple[str, Callable[..., Any]]]:
    """Addresses that only a schema of the API knows. There is no such schema yet, so the URLconf knows them all."""
    return []


def _route(world: World, pattern: str, view: Callable[..., Any]) -> Route:
    places = [found[1] or found[2] for found in PLACE.finditer(pattern)]
    shared = {place: value for place in places if (value := _of_everybody(world, pattern, place)) is not None}
    own = [place for place in places if place not in shared]
    numbers = [*PATIENTS, NOWHERE] if own else [0]
    filled = {}
    for number in numbers:
        values = shared | {place: _of_patient(world, number, pattern, place) for place in own}
        filled[number] = "/" + _fill(pattern, values)
    return Route(pattern, view, filled)


def _fill(pattern: str, values: Mapping[str, object]) -> str:
    bare = pattern.replace("^", "").replace("$", "")
    return PLACE.sub(lambda found: str(values[found[1] or found[2]]), bare)


def _of_everybody(world: World, pattern: str, place: str) -> object | None:
    """What goes there whoever the patient is; None where it is about one."""
    if pattern.startswith(ADMINISTRATION):
        return _of_administration(world, pattern, place)
    plain: Mapping[str, object] = {
        "code": "weight",
        "slug": "als-limb",
        "site": world.here.pk,
        "person": world.people["member"].pk,
        "uidb36": "1",
        "token": world.secrets["coordinator"],  # of a calendar
        "key": KEYS.get(pattern.rstrip("/").split("/")[-2], "abc-def"),
    }
    if pattern.startswith("account/") and place == "pk":
        return world.people["member"].pk
    return plain.get(place)


def _of_administration(world: World, pattern: str, place: str) -> object | None:
    """The keys of one row of the model; and what the administration would call a patient, were there any."""
    if place == "app_label":
        return "pathway"
    if place == "id":
        return world.people["member"].pk
    if place == "content_type_id":
        return ContentType.objects.get_for_model(Patient).pk
    for model in admin.site._registry:
        if pattern.startswith(f"{ADMINISTRATION}{model._meta.app_label}/{model._meta.model_name}/"):
            row = model._default_manager.order_by("pk").first()
            return 1 if row is None else row.pk
    return None


def _of_patient(world: World, number: int, pattern: str, place: str) -> object:
    if number == NOWHERE:
        missing = {"uuid": NOBODY, "patient": NOBODY, "url": f"pathway/patient/{MISSING}/change/"}
        _row(world, 0, pattern, place)
        return missing.get(place, MISSING)
    return _row(world, number, pattern, place)


def _row(world: World, number: int, pattern: str, place: str) -> object:
    patient, enrollment = world.patients[number], world.enrollments[number]
    if place in ("uuid", "patient"):
        return patient.uuid
    if place == "grant":
        return world.grants[number].pk
    if place == "cover":
        return world.covers[0 if world.site_of(number) == world.here else 1].pk
    if place in RECORDS:
        return RECORDS[place](patient)
    if place == "object_id":
        return patient.pk
    if place == "url":
        return f"pathway/patient/{patient.pk}/change/"
    noun = pattern.partition("/")[0]
    if place == "pk" and noun in NOUNS:
        return NOUNS[noun](patient, enrollment.pk)
    raise Unfilled(f"{pattern}: what goes into <{place}>?")


RECORDS: Mapping[str, Callable[[Patient], int]] = {
    "merge": lambda patient: Merge.objects.get(survivor=patient).pk,
    "offer": lambda patient: Transfer.objects.get(patient=patient).pk,
    "hold": lambda patient: LegalHold.objects.get(patient=patient).pk,
}


def _task(patient: Patient, enrollment: int) -> int:
    return CareTask.objects.live().filter(enrollment=enrollment).earliest("pk").pk


def _proposal(patient: Patient, enrollment: int) -> int:
    return Proposal.objects.filter(enrollment=enrollment, status="declined").earliest("pk").pk


def _alert(patient: Patient, enrollment: int) -> int:
    return Alert.objects.filter(enrollment=enrollment, episode__is_shadow=False).earliest("pk").pk


def _observation(patient: Patient, enrollment: int) -> int:
    return Observation.objects.filter(patient=patient).earliest("pk").pk


NOUNS: Mapping[str, Callable[[Patient, int], int]] = {
    "tasks": _task,
    "proposals": _proposal,
    "alerts": _alert,
    "observations": _observation,
    "enrollments": lambda patient, enrollment: enrollment,
}
