"""The administration of a site's calendar, of what it does otherwise than the release says, and of its own ladders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _

from pathway import clock, office
from pathway.admin.auditing import Audited
from pathway.engine.ladder import OWNER
from pathway.models import OWN_LADDER, Closure, Ladder, Rung, SiteActivity
from pathway.services import ladders
from pathway.vocabulary import NO_CARE, Role

if TYPE_CHECKING:  # generic for the type checker only
    PlainForm = forms.ModelForm[Any]
    PlainInline = admin.TabularInline[Any, Any]
    PlainFormSet = BaseInlineFormSet[Any, Any, Any]
else:
    PlainForm, PlainInline, PlainFormSet = forms.ModelForm, admin.TabularInline, BaseInlineFormSet

WEEKDAYS = [
    ("0", _("Monday")),
    ("1", _("Tuesday")),
    ("2", _("Wednesday")),
    ("3", _("Thursday")),
    ("4", _("Friday")),
    ("5", _("Saturday")),
    ("6", _("Sunday")),
]
WHOM = [(OWNER, _("whoever has the task")), *((role.value, role.label) for role in Role if role not in NO_CARE)]
FURTHEST_RUNG = 365  # days from the due date


# a site


class WeekdaysField(forms.MultipleChoiceField):
    """Ticked one by one, stored as their numbers."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=WEEKDAYS, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value.split(",") if isinstance(value, str) else value

    def clean(self, value: Any) -> str:
        return ",".join(sorted(super().clean(value)))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class SiteForm(PlainForm):
    clinic_weekdays = WeekdaysField(label=_("Clinic weekdays"))


class ClosureFormSet(PlainFormSet):
    def clean(self) -> None:
        """No day is closed twice: the one who reads the list would not know which reason counts."""
        super().clean()
        both = [given for given in _given(self) if given.get("first_day") and given.get("last_day")]
        spans = sorted((given["first_day"], given["last_day"]) for given in both)
        if any(first > last for first, last in spans):
            raise ValidationError(_("A closure ends before it begins."))
        if any(later[0] <= earlier[1] for earlier, later in zip(spans, spans[1:], strict=False)):
            raise ValidationError(_("Two closures overlap."))


class ClosureInline(PlainInline):
    model = Closure
    formset = ClosureFormSet
    extra = 0
    ordering = ("-first_day",)


# activities at a site


@admin.register(SiteActivity)
class SiteActivityAdmin(Audited):
    list_display = ("activity", "site", "shift", "ladder")
    list_filter = ("site",)
    list_select_related = ("activity", "site", "ladder")
    search_fields = ("activity__title", "activity__code")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """What it is about stays; another activity has a row of its own."""
        return () if obj is None else ("site", "activity")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _reckon([(obj.site_id, obj.activity_id)])

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        pairs = [(obj.site_id, obj.activity_id)]
        super().delete_model(request, obj)
        _reckon(pairs)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        pairs = list(queryset.values_list("site_id", "activity_id"))
        super().delete_queryset(request, queryset)
        _reckon(pairs)


# ladders


class RungForm(PlainForm):
    offset_days = forms.IntegerField(
        label=_("days from the due date"), min_value=-FURTHEST_RUNG, max_value=FURTHEST_RUNG, help_text=_("-14: before")
    )
    to = forms.ChoiceField(label=_("to"), choices=WHOM)

    class Meta:
        model = Rung
        fields = ("offset_days", "to")

    def save(self, commit: bool = True) -> Any:
        self.instance.code = ladders.rung_code(self.instance.offset_days)
        return super().save(commit)


class RungFormSet(PlainFormSet):
    def clean(self) -> None:
        super().clean()
        days = [given["offset_days"] for given in _given(self) if "offset_days" in given]
        if not days and not any(self.errors):
            raise ValidationError(_("A ladder has at least one rung."))
        if any(later <= earlier for earlier, later in zip(days, days[1:], strict=False)):
            raise ValidationError(_("The rungs stand in the order of their days, no two on one day."))


class RungInline(PlainInline):
    """Those of the release are shown, never changed."""

    model = Rung
    form = RungForm
    formset = RungFormSet
    ordering = ("offset_days",)
    extra = 0
    min_num = 1

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_add_permission(request, obj) and _is_own(obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _is_own(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_own(obj)


@admin.register(Ladder)
class LadderAdmin(Audited):
    """A site that wants other rungs adds a ladder, and gives it to an activity of its own."""

    inlines = (RungInline,)
    fields = ("title",)
    list_display = ("title", "code", "is_of_release")

    @admin.display(boolean=True, description=_("of the release"))
    def is_of_release(self, obj: Ladder) -> bool:
        return obj.is_shipped

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _is_own(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _is_own(obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            taken = set(Ladder.objects.filter(code__startswith=OWN_LADDER).values_list("code", flat=True))
            obj.code = ladders.code_of(slugify(obj.title), taken)
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        _reckon(SiteActivity.objects.filter(ladder=form.instance).values_list("site_id", "activity_id"))


def _is_own(ladder: Ladder | None) -> bool:
    return ladder is None or not ladder.is_shipped


def _reckon(pairs: Iterable[tuple[int, str]]) -> None:
    """By site and activity; within the transaction of the page, so that both happen or neither."""
    by_site: dict[int, set[str]] = {}
    for site, activity in pairs:
        by_site.setdefault(site, set()).add(activity)
    for site, activities in sorted(by_site.items()):
        office.reckon_ladders([site], sorted(activities), at=clock.now())


def _given(formset: Any) -> list[dict[str, Any]]:
    """What the forms of a formset say, those that are to be removed or were left empty aside."""
    return [
        form.cleaned_data
        for form in formset.forms
        if getattr(form, "cleaned_data", None) and not form.cleaned_data.get("DELETE")
    ]
