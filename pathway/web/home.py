"""What waits: the worklist of a role, and the inbox."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from pathway import access, audit, clock, errors, office
from pathway.access import Permit
from pathway.selectors import covers, emergencies, inbox, worklists
from pathway.selectors.worklists import Desk
from pathway.web import gaps, pages


@require_safe
@transaction.atomic
def home(request: HttpRequest) -> HttpResponse:
    """The worklist of one role at one site; of the first one where the address names none."""
    at, user = clock.now(), pages.user_of(request)
    desks = worklists.desks(user)
    if not desks:
        offered = {
            "shows_content": access.is_administrator(user),
            "reviews": bool(access.sites_with(user, Permit.REVIEW_ACCESS)),
            "audits": bool(access.sites_with(user, Permit.READ_AUDIT)),
        }
        return pages.render(request, "no_desk", offered)
    desk = _chosen(request, desks)
    found = worklists.worklist(user, desk, at, after=request.GET.get("after", ""))
    audit.read("worklist.read", by=user, patients=found.patient_pks)
    context = {
        "worklist": found,
        "desk": desk,
        "desks": desks,
        "preparing": worklists.preparing(desk.site),
        "duties": covers.duties(user, desk.site, at),
        "reviews": len(emergencies.waiting(user, at)) if desk.sees_all_roles else 0,
        "silent": gaps.number(user, desk.site, at) if desk.sees_all_roles else 0,
    }
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
    messages, notices = (_numbers(request.POST.getlist(name)) for name in ("message", "notice"))
    office.mark_read(messages, notice_ids=notices, at=clock.now(), by=pages.user_of(request))
    return redirect("inbox")


def _numbers(texts: list[str]) -> list[int]:
    return [one for one in map(pages.number, texts) if one is not None]


def _chosen(request: HttpRequest, desks: list[Desk]) -> Desk:
    site, role = request.GET.get("site", ""), request.GET.get("role", "")
    if not site and not role:
        return desks[0]
    for desk in desks:
        if (desk.site.slug, desk.role) == (site, role):
            return desk
    raise errors.NotFound("not-found", "There is nothing here")
