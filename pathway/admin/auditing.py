"""Whatever is added, changed or removed in the administration leaves an audit event with before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from pathway import audit
from pathway.models import User

if TYPE_CHECKING:  # generic for the type checker only
    PlainAdmin = admin.ModelAdmin[Any]
else:
    PlainAdmin = admin.ModelAdmin

SECRET = frozenset({"password", "secret", "key", "token", "digest"})  # told as changed, never as what
PLAIN = (str, int, float, bool, type(None))


class Audited(PlainAdmin):
    """Django keeps one transaction around its forms; the list's action for removing several gets one here."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        before = _stored(obj) if change else {}
        super().save_model(request, obj, form, change)
        note(request, obj, before, snapshot(obj))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Which groups and permissions somebody has."""
        obj = form.instance
        before = _links(obj)
        super().save_related(request, form, formsets, change)
        note(request, obj, before, _links(obj), verb="changed")

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Rows that are edited on the page of another."""
        before = {one.instance.pk: _stored(one.instance) for one in formset.initial_forms}
        super().save_formset(request, form, formset, change)
        for obj in formset.new_objects:
            note(request, obj, {}, snapshot(obj))
        for obj, _fields in formset.changed_objects:
            note(request, obj, before[obj.pk], snapshot(obj))
        for one in formset.deleted_forms:
            if pk := _key_of(one):
                note(request, one.instance, before[pk], {}, pk=pk)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        pk, before = obj.pk, _stored(obj)
        super().delete_model(request, obj)
        note(request, obj, before, {}, pk=pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Model]) -> None:
        with transaction.atomic():
            gone = [(obj, obj.pk, snapshot(obj)) for obj in queryset]
            super().delete_queryset(request, queryset)
            for obj, pk, before in gone:
                note(request, obj, before, {}, pk=pk)


def snapshot(obj: Model) -> dict[str, Any]:
    """What the columns hold, as JSON can say it; of secrets, a mark that two of them differ by."""
    found = {}
    for field in obj._meta.concrete_fields:
        value = getattr(obj, field.attname)
        found[field.attname] = value if isinstance(value, PLAIN) else str(value)
    return found


def note(
    request: HttpRequest, obj: Model, before: dict[str, Any], after: dict[str, Any], *, verb: str = "", pk: Any = None
) -> None:
    """One event, with the columns that differ; none where none does."""
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if not names:
        return
    verb = verb or ("changed" if before and after else "added" if after else "removed")
    obj.pk = obj.pk or pk  # a row that is gone keeps its key for the record
    audit.record(
        f"{obj._meta.model_name}.{verb}",
        by=_by(request),
        subject=obj,
        before=_told(before, names) or None,
        after=_told(after, names) or None,
    )


def note_password(request: HttpRequest, person: Model) -> None:
    """Somebody set another's password."""
    audit.record("user.password-set", by=_by(request), subject=person)


def _by(request: HttpRequest) -> User | None:
    """Nobody else comes into the administration."""
    return request.user if isinstance(request.user, User) else None


def _told(columns: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: "(secret)" if name in SECRET else columns[name] for name in names if name in columns}


def _stored(obj: Model) -> dict[str, Any]:
    """As it is in the database, whatever a form has set on the instance meanwhile."""
    found = type(obj)._default_manager.filter(pk=obj.pk).first()
    return snapshot(found) if found is not None else {}


def _links(obj: Model) -> dict[str, Any]:
    return {
        field.name: sorted(getattr(obj, field.name).values_list("pk", flat=True)) for field in obj._meta.many_to_many
    }


def _key_of(form: Any) -> Any:
    """The key that the row had: after its removal the instance has none."""
    return form.initial.get(form.instance._meta.pk.name) or form["id"].initial
