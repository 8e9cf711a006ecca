"""What waits: the worklist of a role, and the inbox."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods, require_safe

from pathway import access, audit, clock, errors, flow
from pathway.selectors import inbox, worklists
from pathway.selectors.worklists import Desk
from pathway.web import pages


@require_safe
@transaction.atomic
def home(request: HttpRequest) -> HttpResponse:
    """The worklist of one role at one site; of the first one where the address names none."""
    at, user = clock.now(), pages.user_of(request)
    desks = worklists.desks(user)
    if not desks:
        return pages.render(request, "no_desk", {"shows_content": access.is_administrator(user)})
    desk = _chosen(request, desks)
    found = worklists.worklist(user, desk, at, after=request.GET.get("after", ""))
    audit.read("worklist.read", by=user, patients=found.patient_pks)
    context = {"worklist": found, "desk": desk, "desks": desks, "preparing": worklists.preparing(desk.site)}
    return pages.render(request, "worklist", context)


@require_safe
@transaction.atomic
def messages(request: HttpRequest) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    found = inbox.messages(user, at, before=pages.number(request.GET.get("before", "")))
    audit.read("inbox.read", by=user, patients=found.patient_pks)
    return pages.render(request, "inbox", {"inbox": found})


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def mark_read(request: HttpRequest) -> HttpResponse:
    """The messages whose numbers are sent; only the person's own are touched.

    A GET comes from the sign-in, when a session had run out before the click: it marks nothing.
    """
    numbers = [pages.number(text) for text in request.POST.getlist("message")]
    flow.mark_read([one for one in numbers if one is not None], at=clock.now(), by=pages.user_of(request))
    return redirect("inbox")


@method_decorator(login_not_required, name="dispatch")
class SignOut(LogoutView):
    """By POST, also when the session has run out meanwhile; who comes by the address alone stays signed in."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return redirect("home")


def _chosen(request: HttpRequest, desks: list[Desk]) -> Desk:
    site, role = request.GET.get("site", ""), request.GET.get("role", "")
    if not site and not role:
        return desks[0]
    for desk in desks:
        if (desk.site.slug, desk.role) == (site, role):
            return desk
    raise errors.NotFound("not-found", "There is nothing here")
