"""In lists the database looks rows up in another way, and shows the same ones."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from pathway import actor, clock
from pathway.models import Cover, EmergencyGrant, User
from pathway.selectors import walls as catalogue
from tests import builders, walls
from tests.web.cast import Cast, assemble


@pytest.fixture
def cast(loaded: None) -> Cast:
    return assemble()


def rows_of(user: User) -> dict[str, list[str]]:
    """What an unfiltered query gives of each table, as the web for this person."""
    with walls.role("pathway_web"), actor.acting(actor.person(user.pk)), transaction.atomic():
        return {table: _rows(table) for table in sorted(catalogue.tables_of_patients())}


def rows_in_lists_of(user: User) -> dict[str, list[str]]:
    with walls.role("pathway_web"), actor.acting(actor.person(user.pk)), transaction.atomic(), actor.listing():
        return {table: _rows(table) for table in sorted(catalogue.tables_of_patients())}


def _rows(table: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT has_table_privilege(current_user, '{table}', 'SELECT')")
        if not cursor.fetchone()[0]:
            return []
        cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def test_a_list_shows_a_member_the_patient_and_outsiders_none(cast: Cast) -> None:
    builders.clinic()  # whom nobody of the cast sees
    shown = rows_in_lists_of(cast.member)
    assert len(shown["pathway_patient"]) == 1
    assert shown["pathway_caretask"]
    assert shown == rows_of(cast.member)
    for name, outsider in cast.outsiders.items():
        assert rows_in_lists_of(outsider) == rows_of(outsider), name
        assert not rows_in_lists_of(outsider)["pathway_enrollment"], name


@pytest.mark.parametrize("stands_in", [True, False])
def test_a_list_shows_who_stands_in_or_is_on_call_what_they_may_see_and_no_more(cast: Cast, stands_in: bool) -> None:
    builders.clinic()
    now = clock.now()
    Cover.objects.create(
        site=cast.patient.site,
        user=cast.colleague,
        role="neurologist",
        stands_in_for=cast.member if stands_in else None,
        since=now - timedelta(hours=1),
        until=now + timedelta(hours=1),
        reason="night",
    )
    shown = rows_in_lists_of(cast.colleague)
    assert len(shown["pathway_patient"]) == 1
    assert shown == rows_of(cast.colleague)


def test_an_emergency_that_is_over_is_over_in_lists_too(cast: Cast) -> None:
    now = clock.now()
    given = EmergencyGrant.objects.create(
        patient=cast.patient,
        user=cast.colleague,
        reason_code="emergency",
        reason="asked",
        since=now - timedelta(hours=1),
        until=now + timedelta(hours=1),
    )
    assert len(rows_in_lists_of(cast.colleague)["pathway_patient"]) == 1
    EmergencyGrant.objects.filter(pk=given.pk).update(until=now)
    assert not rows_in_lists_of(cast.colleague)["pathway_patient"]


def test_a_list_for_nobody_is_refused(cast: Cast) -> None:
    with walls.role("pathway_web"), actor.listing(), pytest.raises(DatabaseError, match="says for whom"):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('pathway.purpose', 'list', true)")
            cursor.execute("SELECT count(*) FROM pathway_patient")
