"""The login of what serves: it becomes the roles that serve, and is nothing by itself."""

from __future__ import annotations

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests import builders

NAME = "pathway_login_of_a_test"
pytestmark = pytest.mark.usefixtures("loaded")


def make(monkeypatch: pytest.MonkeyPatch, password: str = "a long enough password", name: str = NAME) -> None:
    monkeypatch.setenv("PATHWAY_LOGIN_PASSWORD", password)
    call_command("database_login", "--name", name)


def may(statement: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT asked")
        try:
            cursor.execute(statement)
        except Exception as error:  # noqa: BLE001 - looked at in the next line
            assert isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege), error
            return False
        finally:
            cursor.execute("ROLLBACK TO SAVEPOINT asked")
    return True


def test_it_becomes_each_role_that_serves_and_neither_the_owner_nor_the_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    builders.clinic()
    make(monkeypatch)
    make(monkeypatch, "another password, later")
    with connection.cursor() as cursor:
        cursor.execute(f"SET SESSION AUTHORIZATION {NAME}")
    for role in ("pathway_web", "pathway_judge", "pathway_deliver", "pathway_audit"):
        assert may(f"SET ROLE {role}"), role
    for role in ("pathway_guard", "pathway_backup", "pathway_owner", connection.settings_dict["USER"]):
        assert not may(f"SET ROLE {role}"), role
    for table in ("pathway_patient", "pathway_site", "pathway_user", "django_session"):
        assert not may(f"SELECT 1 FROM {table}"), table
    with connection.cursor() as cursor:
        cursor.execute("RESET SESSION AUTHORIZATION")


def test_a_short_password_an_odd_name_and_a_superuser_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="at least 16"):
        make(monkeypatch, "short")
    with pytest.raises(CommandError, match="plain name"):
        make(monkeypatch, name='app"; DROP TABLE x')
    with pytest.raises(CommandError, match="passes row-level security"):
        make(monkeypatch, name=connection.settings_dict["USER"])
