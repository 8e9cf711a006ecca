"""The one view behind every action: find it or not found, ask for the permit, show the form, call flow, go back."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from pathway import access, errors
from pathway.selectors import patient_pages
from pathway.web import action as acts
from pathway.web import actions, pages
from pathway.web.action import Action, Noun, Target
from pathway.web.forms import PlainForm
from pathway.web.pages import Stopwatch


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def act(request: HttpRequest, pk: int, *, noun: str, action: str, key: str = "") -> HttpResponse:
    """GET shows the form, POST does it, as one transaction with the check that nobody was faster."""
    watch, user = Stopwatch.start(), pages.user_of(request)
    kind = actions.NOUNS[noun]
    chosen = kind.actions[action]
    target = _target(kind, user, pk, key, watch)
    access.require(user, chosen.permit, target.patient, watch.at)
    chosen.also_require(target, user, watch.at)
    form = chosen.make_form(target, {"data": request.POST} if request.method == "POST" else {})
    status = 200
    if request.method == "POST":
        refused = _do(request, kind, chosen, target, form, watch)
        if refused is None and not form.errors:
            return redirect(pages.patient_address(target.patient, watch.mark()))
        status = pages.status_of(refused) if refused is not None else pages.UNPROCESSABLE
    context = {"action": chosen, "form": form, "target": target, "revision": target.revision, **chosen.more(target)}
    return pages.about(request, target.patient, chosen.template, context, at=watch.at, status=status)


def _target(kind: Noun, user: access.Person, pk: int, key: str, watch: Stopwatch) -> Target:
    row: Any = kind.find(user, pk, watch.at)
    enrollment = kind.enrollment_of(row)
    patient = row.patient if enrollment is None else enrollment.patient
    enrollment = enrollment or patient_pages.newest_enrollment(patient)
    if enrollment is None:
        raise errors.NotFound("not-found", "There is nothing here")
    case = patient_pages.case_for_reading(patient, enrollment, watch.at)
    title = actions.part_title(case, key) if key else kind.title(row, case)
    return Target(patient, row, case, title, key)


def _do(
    request: HttpRequest, kind: Noun, chosen: Action, target: Target, form: PlainForm, watch: Stopwatch
) -> errors.Refused | None:
    """Leaves nothing behind when it is refused; the form then says why."""
    user = pages.user_of(request)
    if not form.is_valid():
        return None
    try:
        with transaction.atomic():
            acts.check_revision(kind, target, request.POST.get("revision", ""), watch.at, user)
            chosen.act(target, form, watch.at, user)
    except errors.Refused as refused:
        form.refuse(refused)
        return refused
    return None
