"""The cast itself: that everybody and everything is there which the other tests of this folder rest on."""

from __future__ import annotations

from django.db import connection

from pathway import access, clock
from pathway.selectors import walls
from tests.cast import canaries
from tests.cast.world import PATIENTS, SEES, World


def test_every_text_of_every_patient_carries_its_canary(world: World) -> None:
    expected = {name for name in canaries.names() if tuple(name.split(".")) not in canaries.EMPTY}
    for number in PATIENTS:
        assert world.planted[number] == expected, number
    print(f"{len(expected)} texts planted in each of {len(PATIENTS)} patients")  # noqa: T201 (part of the proof)


def test_what_is_left_unplanted_is_there_and_is_no_text(world: World) -> None:
    known = {model._meta.object_name: model for model in canaries._models()}
    for name, fields in canaries.CODES.items():
        assert fields <= {field.name for field in known[name]._meta.concrete_fields}, name
    with connection.cursor() as cursor:
        for table in sorted(walls.tables_of_patients() - {"pathway_erasure"}):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone()[0] >= len(PATIENTS), table


def test_the_program_agrees_about_who_sees_whom(world: World) -> None:
    for who, numbers in SEES.items():
        if who in world.people and not who.startswith("token"):
            found = set(access.patients(world.people[who], clock.now()).values_list("pk", flat=True))
            found -= {twin.pk for twin in world.twins}
            assert found == {world.patients[number].pk for number in numbers}, who
