"""Accounts in the administration: nobody keeps a password that somebody else gave, and tokens show no secret."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from pathway import audit, clock
from pathway.admin.auditing import Audited
from pathway.models import ApiToken, User
from pathway.signin import sessions, tokens


class NewAccountForm(AdminUserCreationForm):  # type: ignore[type-arg]
    """The first password is changed at the first sign-in."""

    def save(self, commit: bool = True) -> Any:
        self.instance.must_change_password = True
        return super().save(commit)


class GivenPasswordForm(AdminPasswordChangeForm):  # type: ignore[type-arg]
    """The same for a password that somebody sets for somebody else."""

    def save(self, commit: bool = True) -> Any:
        self.user.must_change_password = True
        return super().save(commit)


@admin.action(description=_("End all sessions of the chosen accounts"))
@transaction.atomic
def end_sessions(model_admin: Any, request: HttpRequest, chosen: QuerySet[User]) -> None:
    for user in chosen:
        sessions.end_all(user)
        audit.record("session.ended", by=cast(User, request.user), subject=user, reason="all, by the administration")


@admin.action(description=_("Revoke the chosen tokens"))
@transaction.atomic
def revoke(model_admin: Any, request: HttpRequest, chosen: QuerySet[ApiToken]) -> None:
    for token in chosen.select_related("user"):
        tokens.revoke(token, at=clock.real_now(), by=cast(User, request.user))


def close_other_doors() -> None:
    """allauth registers factors, sessions and providers; whoever could edit them there could sign in as anybody."""
    for model in list(admin.site._registry):
        if model.__module__.startswith("allauth."):
            admin.site.unregister(model)


@admin.register(ApiToken)
class ApiTokenAdmin(Audited):
    """Made by `manage.py create_token`, revoked here."""

    list_display = ("label", "user", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    actions = (revoke,)
    fields = ("label", "user", "scopes", "sites", "created_at", "expires_at", "last_used_at", "revoked_at")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
