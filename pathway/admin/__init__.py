"""The administration: who works where, and what the clinic follows. No clinical facts are registered here.

Definitions come from files and are published by the server; what is published is read-only for everybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from pathway import clock
from pathway.admin import accounts, auditing, calendars
from pathway.admin.auditing import Audited
from pathway.models import (
    Activity,
    InterventionKind,
    MeasureKind,
    Membership,
    ObservationKind,
    Pathway,
    PathwayVersion,
    Route,
    Rule,
    RuleSet,
    RuleSetVersion,
    Site,
    SiteRuleSet,
    Stage,
    StageActivity,
    Statement,
    Track,
    User,
)

if TYPE_CHECKING:  # generic for the type checker only
    PlainAdmin = admin.ModelAdmin[Any]
    PlainInline = admin.TabularInline[Any, Any]
else:
    PlainAdmin, PlainInline = admin.ModelAdmin, admin.TabularInline

admin.site.site_header = "Pathway administration"
admin.site.site_title = "Pathway"


class ReadOnly(PlainAdmin):
    """Shown, never changed: it belongs to the release or to a published version."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyInline(PlainInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


# people


class MembershipInline(PlainInline):
    model = Membership
    extra = 0


class SiteRuleSetInline(PlainInline):
    model = SiteRuleSet
    extra = 0


@admin.register(User)
class PathwayUserAdmin(Audited, UserAdmin):  # type: ignore[type-arg]
    """An account that has acted stays for the record: it is made inactive, not deleted."""

    inlines = (MembershipInline,)
    list_display = ("username", "first_name", "last_name", "is_active", "is_staff", "is_service")
    actions = (accounts.end_sessions,)
    add_form = accounts.NewAccountForm
    change_password_form = accounts.GivenPasswordForm

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Has a page and a save of its own in Django."""
        with transaction.atomic():
            person = self.get_object(request, id)
            before = person.password if person is not None else ""
            answer = super().user_change_password(request, id, form_url)
            person = self.get_object(request, id)
            if person is not None and person.password != before:
                auditing.note_password(request, person)
        return answer


admin.site.unregister(Group)


@admin.register(Group)
class PathwayGroupAdmin(Audited, GroupAdmin):
    """Groups bundle permissions of the administration; they have nothing to do with roles at a site."""


@admin.register(Site)
class SiteAdmin(Audited):
    form = calendars.SiteForm
    inlines = (SiteRuleSetInline, calendars.ClosureInline)
    list_display = ("name", "slug", "time_zone", "region", "fvc_equation", "requires_mfa", "is_demo")
    prepopulated_fields = {"slug": ("name",)}

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(Audited):
    list_display = ("user", "site", "role", "is_active")
    list_filter = ("site", "role", "is_active")
    list_select_related = ("user", "site")


# definitions


class TrackInline(ReadOnlyInline):
    model = Track


class StageActivityInline(ReadOnlyInline):
    model = StageActivity
    fields = ("track", "first_stage", "last_stage", "activity", "mode", "when", "first", "entry", "every")

    def get_queryset(self, request: HttpRequest) -> Any:
        related = ("track", "first_stage", "last_stage", "activity")
        return super().get_queryset(request).select_related(*related).order_by("position")


class StageInline(ReadOnlyInline):
    model = Stage
    ordering = ("rank",)


class RouteInline(ReadOnlyInline):
    model = Route
    fk_name = "source"


class RuleInline(ReadOnlyInline):
    model = Rule
    ordering = ("code",)


@admin.register(Pathway)
class PathwayAdmin(ReadOnly):
    list_display = ("title", "code")


@admin.register(PathwayVersion)
class PathwayVersionAdmin(ReadOnly):
    inlines = (TrackInline, StageActivityInline)
    list_display = ("pathway", "number", "status", "origin", "published_at")
    list_filter = ("status", "pathway")
    list_select_related = ("pathway",)
    exclude = ("record", "revision")


@admin.register(Track)
class TrackAdmin(ReadOnly):
    inlines = (StageInline,)
    list_display = ("title", "code", "version")
    list_filter = ("version",)
    list_select_related = ("version__pathway",)


@admin.register(Stage)
class StageAdmin(ReadOnly):
    inlines = (RouteInline,)
    list_display = ("code", "title", "track", "is_initial", "is_terminal")
    list_filter = ("track__version",)
    list_select_related = ("track",)


@admin.register(RuleSet)
class RuleSetAdmin(ReadOnly):
    list_display = ("title", "code")


@admin.register(RuleSetVersion)
class RuleSetVersionAdmin(ReadOnly):
    inlines = (RuleInline,)
    list_display = ("rule_set", "number", "status", "origin", "published_at")
    list_filter = ("status",)
    list_select_related = ("rule_set",)
    exclude = ("record", "revision")


class ReviewFilter(admin.SimpleListFilter):
    """A review is late from the day after its date."""

    title, parameter_name = _("review"), "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("overdue", _("overdue"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(review_by__lt=clock.now().date()) if self.value() == "overdue" else queryset


class Reviewed(ReadOnly):
    """What has a date by which somebody must look at it again; the oldest first."""

    ordering = ("review_by", "code")
    search_fields = ("code",)

    @admin.display(boolean=True, description=_("review in time"))
    def is_in_time(self, obj: Any) -> bool:
        return obj.review_by is None or obj.review_by >= clock.now().date()


@admin.register(Rule)
class RuleAdmin(Reviewed):
    list_display = ("code", "title", "version", "severity", "mark", "review_by", "is_in_time")
    list_filter = (ReviewFilter, "version")
    list_select_related = ("version__rule_set",)


@admin.register(Statement)
class StatementAdmin(Reviewed):
    list_display = ("code", "short", "doubt", "mark", "review_by", "is_in_time")
    list_filter = (ReviewFilter, "is_retired", "doubt")


@admin.register(Activity)
class ActivityAdmin(ReadOnly):
    list_display = ("title", "code", "owner", "ladder", "shift")
    list_filter = ("owner",)
    search_fields = ("title", "code")


@admin.register(ObservationKind)
class ObservationKindAdmin(ReadOnly):
    list_display = ("title", "code", "type", "unit", "terminology")
    list_filter = ("type",)
    search_fields = ("title", "code")


@admin.register(MeasureKind)
class MeasureKindAdmin(ReadOnly):
    list_display = ("title", "code", "formula", "unit")
    search_fields = ("title", "code")


@admin.register(InterventionKind)
class InterventionKindAdmin(ReadOnly):
    list_display = ("title", "code", "is_drug")
    search_fields = ("title", "code")
