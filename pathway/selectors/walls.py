"""Whether row-level security stands, asked of PostgreSQL's catalogue before anybody is served."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import connection, models

from pathway.models import Patient

# Tables that lead to a patient and hold nothing of one.
PLAIN: frozenset[str] = frozenset()


def tables_of_patients() -> set[str]:
    """Every table with a path of keys to the patients; a new model belongs to them from its first day."""
    found: set[type[models.Model]] = {Patient}
    known = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    while more := {model for model in known if model not in found and _parents(model) & found}:
        found |= more
    return {model._meta.db_table for model in found} - PLAIN


def gaps(*, serving: bool) -> list[str]:
    """What is wrong with the wall, in words; nothing when it stands. `serving`: as this connection serves people."""
    return [*(_role_gaps() if serving else ()), *_table_gaps(), *_view_gaps()]


def _parents(model: type[models.Model]) -> set[type[models.Model]]:
    return {field.related_model for field in model._meta.concrete_fields if isinstance(field, models.ForeignKey)}


def _role_gaps() -> Iterator[str]:
    """Of the role, and of the login that could become itself again; the embedded server has one login for all."""
    query = """
        SELECT r.rolname, r.rolsuper OR r.rolbypassrls,
               EXISTS (SELECT FROM pg_class c WHERE c.oid = 'pathway_patient'::regclass
                       AND pg_has_role(r.oid, c.relowner, 'USAGE'))
        FROM pg_roles r WHERE r.rolname = current_user OR (%s AND r.rolname = session_user) ORDER BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [not settings.LOGIN_MAY_OWN_TABLES])
        found = cursor.fetchall()
    for name, passes, owns in found:
        if passes:
            yield f"the role {name} passes row-level security by"
        elif owns:
            yield f"the role {name} owns the tables"


def _table_gaps() -> Iterator[str]:
    query = """
        SELECT c.relname FROM pg_class c
        WHERE c.relname = ANY (%s) AND c.relnamespace = current_schema()::regnamespace
              AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                       AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
        ORDER BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [sorted(tables_of_patients())])
        for (name,) in cursor.fetchall():
            yield f"the table {name} has no row-level security"


def _view_gaps() -> Iterator[str]:
    """A view shows what its owner sees unless it asks with the rights of who asks; a stored one always does."""
    query = """
        SELECT c.relname FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('v', 'm')
              AND NOT coalesce('security_invoker=true' = ANY (c.reloptions), false) ORDER BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(query)
        for (name,) in cursor.fetchall():
            yield f"the view {name} shows what its owner sees"
