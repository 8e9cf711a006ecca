"""The administration leaves a row for everything that it does, with before and after, and never a password."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse

from pathway import actor
from pathway.admin.auditing import Audited
from pathway.models import AuditEvent, Membership, Site, User
from pathway.vocabulary import Role
from tests import builders
from tests.web import cast as people


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", password="correct horse")


@pytest.fixture
def client(root: User) -> Client:
    return people.signed_in(root)


def events(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk"))


def inline(prefix: str, *rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    sent: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
    for number, row in enumerate(rows):
        sent |= {f"{prefix}-{number}-{name}": value for name, value in row.items()}
    return sent


def form_of(user: User, **changed: Any) -> dict[str, Any]:
    sent = {"username": user.username, "first_name": user.first_name, "last_name": user.last_name, "email": ""}
    sent |= {"date_joined_0": "2024-01-01", "date_joined_1": "00:00:00", "is_active": "on"}
    return sent | changed


def test_a_new_account_and_its_role(client: Client, root: User, loaded: None) -> None:
    site = builders.site()
    sent = {"username": "nora", "password1": "a long enough one", "password2": "a long enough one"}
    sent |= {"usable_password": "true"}
    sent |= inline("memberships", {"site": site.pk, "role": Role.DIETITIAN, "is_active": "on"})
    answer = client.post(reverse("admin:pathway_user_add"), sent)
    assert answer.status_code == 302, answer.context["errors"]
    nora = User.objects.get(username="nora")
    (made,) = events("user.added")
    assert (made.actor, made.subject, made.purpose) == (root, f"user:{nora.pk}", "administration")
    assert made.after is not None
    assert made.after["username"] == "nora"
    assert made.after["password"] == "(secret)"


def test_a_changed_role_tells_before_and_after(client: Client, loaded: None) -> None:
    site = builders.site()
    row = Membership.objects.create(user=builders.user(), site=site, role=Role.DIETITIAN)
    sent = {"user": row.user_id, "site": site.pk, "role": Role.AUDITOR, "is_active": "on"}
    assert client.post(reverse("admin:pathway_membership_change", args=[row.pk]), sent).status_code == 302
    (event,) = events("membership.changed")
    assert (event.before, event.after) == ({"role": "dietitian"}, {"role": "auditor"})
    assert event.subject == f"membership:{row.pk}"


def test_an_unchanged_form_leaves_no_row(client: Client, loaded: None) -> None:
    row = Membership.objects.create(user=builders.user(), site=builders.site(), role=Role.DIETITIAN)
    sent = {"user": row.user_id, "site": row.site_id, "role": Role.DIETITIAN, "is_active": "on"}
    client.post(reverse("admin:pathway_membership_change", args=[row.pk]), sent)
    assert events("membership.changed") == []


def test_roles_that_are_edited_on_the_page_of_an_account(client: Client, loaded: None) -> None:
    site, user = builders.site(), builders.user()
    kept = Membership.objects.create(user=user, site=site, role=Role.DIETITIAN)
    gone = Membership.objects.create(user=user, site=site, role=Role.NEUROLOGIST)
    rows = [
        {"id": kept.pk, "user": user.pk, "site": site.pk, "role": Role.DIETITIAN},
        {"id": gone.pk, "user": user.pk, "site": site.pk, "role": Role.NEUROLOGIST, "DELETE": "on"},
        {"user": user.pk, "site": site.pk, "role": Role.PHYSIOTHERAPIST, "is_active": "on"},
    ]
    sent = form_of(user, is_staff="on") | inline("memberships", *rows, initial=2)
    answer = client.post(reverse("admin:pathway_user_change", args=[user.pk]), sent)
    assert answer.status_code == 302, answer.context["errors"]
    (changed,) = events("membership.changed")
    assert (changed.before, changed.after) == ({"is_active": True}, {"is_active": False})
    (removed,) = events("membership.removed")
    assert removed.subject == f"membership:{gone.pk}"
    assert removed.before is not None
    assert removed.before["role"] == "neurologist"
    (added,) = events("membership.added")
    assert added.after is not None
    assert added.after["role"] == "physiotherapist"
    (account,) = events("user.changed")
    assert account.after is not None
    assert account.after["is_staff"] is True


def test_several_that_are_removed_at_once(client: Client, loaded: None) -> None:
    rows = [Membership.objects.create(user=builders.user(), site=builders.site(), role=Role.DIETITIAN) for _n in "ab"]
    sent = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
    assert client.post(reverse("admin:pathway_membership_changelist"), sent).status_code == 302
    assert {event.subject for event in events("membership.removed")} == {f"membership:{row.pk}" for row in rows}


def test_a_removed_row(client: Client, loaded: None) -> None:
    row = Membership.objects.create(user=builders.user(), site=builders.site(), role=Role.DIETITIAN)
    client.post(reverse("admin:pathway_membership_delete", args=[row.pk]), {"post": "yes"})
    (event,) = events("membership.removed")
    assert (event.subject, event.after) == (f"membership:{row.pk}", None)


def test_a_password_that_is_set_for_somebody(client: Client, root: User, loaded: None) -> None:
    user = builders.user()
    sent = {"usable_password": "true", "password1": "another long one", "password2": "another long one"}
    assert client.post(reverse("admin:auth_user_password_change", args=[user.pk]), sent).status_code == 302
    (event,) = events("user.password-set")
    assert (event.actor, event.subject, event.after) == (root, f"user:{user.pk}", None)
    user.refresh_from_db()
    assert user.check_password("another long one")


def test_no_event_holds_a_password(client: Client, loaded: None) -> None:
    user = builders.user()
    sent = {"usable_password": "true", "password1": "another long one", "password2": "another long one"}
    client.post(reverse("admin:auth_user_password_change", args=[user.pk]), sent)
    client.post(
        reverse("admin:pathway_user_change", args=[user.pk]), form_of(user, first_name="Nora") | inline("memberships")
    )
    user.refresh_from_db()
    with connection.cursor() as cursor:
        for word in (user.password, "another long one"):
            cursor.execute("SELECT count(*) FROM pathway_auditevent e WHERE strpos(e::text, %s) > 0", [word])
            assert cursor.fetchone() == (0,)
    assert len(events("user.changed")) == 1


def test_a_changed_clinic(client: Client, loaded: None) -> None:
    site = builders.site()
    sent = {name: getattr(site, name) for name in ("slug", "name", "time_zone", "region")}
    sent |= {"clinic_weekdays": site.clinic_weekdays.split(","), **inline("closures")}
    sent |= {"reminder_time": "08:00", "demo_patients": 0, "fvc_equation": "", "holiday_country": "", "name": "North"}
    page = client.get(reverse("admin:pathway_site_change", args=[site.pk]))
    formset = page.context["inline_admin_formsets"][0].formset
    rows = [{name: form[name].value() for name in form.fields if name != "DELETE"} for form in formset.initial_forms]
    sent |= inline(formset.prefix, *rows, initial=len(rows))
    answer = client.post(reverse("admin:pathway_site_change", args=[site.pk]), sent)
    if answer.status_code == 200:
        raise AssertionError(answer.context["errors"])
    (event,) = events("site.changed")
    assert event.after == {"name": "North"}
    assert Site.objects.get(pk=site.pk).name == "North"


def test_what_may_change_anything_in_the_administration_is_audited(root: User) -> None:
    request = RequestFactory().get("/admin/")
    request.user = root
    with actor.acting(actor.person(root.pk)):
        for model, page in admin.site._registry.items():
            may = page.has_add_permission(request) or page.has_change_permission(request)
            if may or page.has_delete_permission(request):
                assert isinstance(page, Audited), model
