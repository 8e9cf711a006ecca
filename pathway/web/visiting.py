"""Recording a whole visit on one page."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from pathway import access, errors, flow
from pathway.access import Permit
from pathway.selectors import cases, choices, function_scores, latest_values, patient_pages
from pathway.selectors.cases import Case
from pathway.web import pages
from pathway.web.pages import Stopwatch
from pathway.web.visit_form import QUANTITIES, VisitForm


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def visit(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """All of it is stored as one form and judged once, or nothing is stored."""
    watch, user = Stopwatch.start(), pages.user_of(request)
    patient = access.patient_or_not_found(user, uuid, watch.at)
    access.require(user, Permit.OBSERVE, patient, watch.at)
    enrollment = patient_pages.newest_enrollment(patient)
    if enrollment is None:
        raise errors.NotFound("not-found", "There is nothing here")
    case = patient_pages.case_for_reading(patient, enrollment, watch.at)
    form, status = _form(request, case), 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                _store(form, case, watch, user)
            except errors.Refused as refused:
                form.refuse(refused)
                status = pages.status_of(refused)
            else:
                return redirect(pages.patient_address(patient, watch.mark()))
    return pages.about(request, patient, "visit", {"form": form}, at=watch.at, status=status)


def _form(request: HttpRequest, case: Case) -> VisitForm:
    return VisitForm(
        request.POST or None,
        kinds=case.vocabulary.catalogue.kinds,
        birth=case.patient.birth_date,
        today=case.today,
        with_scale=function_scores.is_asked(case),
        has_gastrostomy=function_scores.has_gastrostomy(case),
        last=latest_values.newest_of_each(case.patient, QUANTITIES),
    )


def _store(form: VisitForm, case: Case, watch: Stopwatch, user: access.Person) -> None:
    """Sent twice, it is stored once: each entry carries the token of the form."""
    new = form.new_observations()
    with transaction.atomic():
        cases.lock(case.enrollment.pk, at=watch.at, by=user)
        if not any(choices.was_recorded(case.patient, one.source_id) for one in new):
            flow.record(case.enrollment.pk, new, at=watch.at, by=user)
