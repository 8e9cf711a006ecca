"""Functions that run with more rights than who calls them run no code of who calls them."""

from __future__ import annotations

import pytest
from django.db import connection

# Policies ask these for every row, so they pin no search path, and name each type with its schema instead.
ASKED_BY_POLICIES = {"pathway_sees", "pathway_works_at", "pathway_sets_team", "pathway_administers"}
TYPES = ("timestamptz", "text", "int8", "bool", "uuid", "date")


@pytest.mark.django_db
def test_every_such_function_pins_its_search_path_with_the_temporary_schema_last() -> None:
    query = """
        SELECT p.proname, coalesce(array_to_string(p.proconfig, ';'), '') FROM pg_proc p
        WHERE p.prosecdef AND p.pronamespace = current_schema()::regnamespace
    """
    with connection.cursor() as cursor:
        cursor.execute(query)
        found = dict(cursor.fetchall())
    assert found
    loose = {name for name, settings in found.items() if ", pg_temp" not in settings}
    known = {name for name in loose if name in ASKED_BY_POLICIES or name.startswith("pathway_sees_")}
    assert not loose - known


@pytest.mark.django_db
def test_a_temporary_type_does_not_run_its_checks_with_the_rights_of_the_guard() -> None:
    # A session of its own, for a function keeps the types that it found at its first call.
    fresh = connection.copy()
    try:
        with fresh.cursor() as cursor:
            cursor.execute("SET pathway.person = '0'")
            # Made by a superuser: what serves may make nothing there any more, and functions rely on that no less.
            cursor.execute(
                "CREATE FUNCTION pg_temp.evil(anyelement) RETURNS boolean LANGUAGE plpgsql AS $$"
                " BEGIN RAISE EXCEPTION 'ran as %', current_user; END $$"
            )
            for name in TYPES:
                cursor.execute(f"CREATE DOMAIN pg_temp.{name} AS pg_catalog.{name} CHECK (pg_temp.evil(value))")
            cursor.execute("SET ROLE pathway_web")
            for question in (
                "pathway_sees(1)",
                "pathway_sees_enrollment(1)",
                "pathway_sees_task(1)",
                "pathway_works_at(1, ARRAY['dietitian'])",
                "pathway_sets_team(1)",
                "pathway_administers()",
                "pathway_sees_merge(1)",
                "pathway_successor(gen_random_uuid())",
            ):
                cursor.execute(f"SELECT {question}")
                assert cursor.fetchone()[0] in (False, None), question
    finally:
        fresh.close()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["pathway_web", "pathway_judge", "pathway_deliver", "pathway_audit"])
def test_who_serves_makes_nothing_temporary(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_database_privilege(%s, current_database(), 'TEMPORARY')", [role])
        assert cursor.fetchone() == (False,)
