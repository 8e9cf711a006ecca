"""Recording a result, and correcting one."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from pathway import access, clock, errors, flow
from pathway.access import Permit
from pathway.engine.catalogue import Kind
from pathway.engine.schedule import local_day
from pathway.selectors import cases, choices, function_scores, latest_values, patient_pages, shown
from pathway.web import forms, pages
from pathway.web.pages import Stopwatch
from pathway.web.recording_form import RecordForm


@require_safe
@transaction.atomic
def choose(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Which kind; with `?kind=`, or `?for=` a task that one kind completes, straight to its form."""
    at, user = clock.now(), pages.user_of(request)
    patient = access.patient_or_not_found(user, uuid, at)
    access.require(user, Permit.OBSERVE, patient, at)
    wanted = request.GET.get("kind", "")
    if wanted and choices.kind(wanted) is not None:
        return redirect("record-kind", uuid=uuid, code=wanted)
    asked = choices.kinds_for(request.GET.get("for", ""))
    if len(asked) == 1:
        return redirect("record-kind", uuid=uuid, code=asked[0].code)
    kinds = choices.kinds()
    often = choices.recently_used(patient)
    context = {"asked": asked, "kinds": kinds, "often": [kind for code in often for kind in kinds if kind.code == code]}
    return pages.about(request, patient, "choose_kind", context, at=at)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def record(request: HttpRequest, uuid: UUID, code: str) -> HttpResponse:
    watch, user = Stopwatch.start(), pages.user_of(request)
    patient = access.patient_or_not_found(user, uuid, watch.at)
    access.require(user, Permit.OBSERVE, patient, watch.at)
    form = _form(request, _kind(code), patient, watch)
    status = 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                _store(form, patient, watch, user)
            except errors.Refused as refused:
                form.refuse(refused)
                status = pages.status_of(refused)
            else:
                return redirect(pages.patient_address(patient, watch.mark()))
    context = {"form": form, "kind": form.kind, "last": latest_values.newest_of(patient, code)}
    return pages.about(request, patient, "record", context, at=watch.at, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """The right value first, then the wrong one is marked as entered in error, in one transaction."""
    watch, user = Stopwatch.start(), pages.user_of(request)
    wrong = access.observation_or_not_found(user, pk, watch.at)
    access.require(user, Permit.OBSERVE, wrong.patient, watch.at)
    form = _form(request, _kind(wrong.kind_id), wrong.patient, watch)
    form.add("reason", forms.ReasonField(label=_("Why the earlier entry was wrong")))
    form.fields["effective"].initial = wrong.effective_on
    status = 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                _correct(form, wrong, watch, user)
            except errors.Refused as refused:
                form.refuse(refused)
                status = pages.status_of(refused)
            else:
                return redirect(pages.patient_address(wrong.patient, watch.mark()))
    told = f"{wrong.kind.title} {shown.observation(wrong)}, {shown.day(wrong.effective_on)}"
    context = {"form": form, "kind": form.kind, "wrong": told}
    return pages.about(request, wrong.patient, "record", context, at=watch.at, status=status)


def _correct(form: RecordForm, wrong: access.Fact, watch: Stopwatch, user: access.Person) -> None:
    """Sent twice, the second one finds the wrong value marked already."""
    enrollment = patient_pages.newest_enrollment(wrong.patient)
    if enrollment is None:
        raise errors.NotAllowed("not-allowed", "The patient is on no pathway")
    with transaction.atomic():
        cases.lock(enrollment.pk, at=watch.at, by=user)
        wrong.refresh_from_db()
        if wrong.status == "voided":
            raise errors.Conflict("not-allowed", "This result has been marked as entered in error already")
        reason, right = form.cleaned_data["reason"], form.new_observation()
        flow.void(wrong.pk, reason=reason, replace=right, at=watch.at, by=user)


def _kind(code: str) -> Kind:
    kind = choices.kind(code)
    if kind is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return kind


def _form(request: HttpRequest, kind: Kind, patient: access.Subject, watch: Stopwatch) -> RecordForm:
    today = local_day(watch.at, patient.site.time_zone)
    has_gastrostomy = False
    if kind.code == function_scores.FORM and (enrollment := patient_pages.newest_enrollment(patient)) is not None:
        case = patient_pages.case_for_reading(patient, enrollment, watch.at)
        has_gastrostomy = function_scores.has_gastrostomy(case)
    return RecordForm(request.POST or None, kind=kind, today=today, has_gastrostomy=has_gastrostomy)


def _store(form: RecordForm, patient: access.Subject, watch: Stopwatch, user: access.Person) -> None:
    """A form that was sent twice is stored once; the lock makes the two come one after the other."""
    enrollment = patient_pages.newest_enrollment(patient)
    if enrollment is None:
        raise errors.NotAllowed("not-allowed", "The patient is on no pathway yet: enroll first")
    with transaction.atomic():
        cases.lock(enrollment.pk, at=watch.at, by=user)
        if not choices.was_recorded(patient, form.cleaned_data["token"]):
            flow.record(enrollment.pk, [form.new_observation()], at=watch.at, by=user)
