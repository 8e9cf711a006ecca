"""Choosing what to start."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from pathway import access, clock, errors
from pathway.access import Permit
from pathway.selectors import choices, patient_pages
from pathway.web import forms, pages


@require_safe
@transaction.atomic
def choose(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Which intervention; those that are offered for this patient now come first."""
    at, user = clock.now(), pages.user_of(request)
    patient = access.patient_or_not_found(user, uuid, at)
    access.require(user, Permit.TREAT, patient, at)
    enrollment = patient_pages.newest_enrollment(patient)
    if enrollment is None:
        raise errors.NotFound("not-found", "There is nothing here")
    offered, others = choices.interventions(patient_pages.case_for_reading(patient, enrollment, at))
    asked = {"data": request.GET} if "intervention" in request.GET else {}
    form = forms.ChooseInterventionForm(offered=offered, others=others, **asked)
    if form.is_valid():
        return redirect("enrollments-start", pk=enrollment.pk, key=form.cleaned_data["intervention"])
    return pages.about(request, patient, "choose_intervention", {"form": form}, at=at)
