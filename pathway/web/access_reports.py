"""Who looked at whom: for those who care for the patient, and for auditors by number. Every look is audited itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pathway import access, audit, clock, errors, office
from pathway.access import Permit
from pathway.engine import schedule
from pathway.selectors import access_reports, emergencies, unusual
from pathway.services.access_reviews import Looked
from pathway.web import pages
from pathway.web.audit_forms import DaysForm, FindForm, MarkForm

NO_AUDIT = "Your role at no site allows to read the audit"
NO_REVIEW = "Your role at no site allows to review access"
DAYS = 7  # of a person, unless others are asked for


@require_safe
@transaction.atomic
def of_patient(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """For those who care for the patient and answer for the team."""
    at, user = clock.now(), pages.user_of(request)
    found = access.patient_or_not_found(user, uuid, at)
    access.require(user, Permit.SEE_ACCESS, found, at)
    context = {
        "report": access_reports.of_patient(found.pk, found.site, after=request.GET.get("after", "")),
        "visitors": access_reports.visitors(found.pk, found.site),
    }
    return pages.about(request, found, "access_of_patient", context, at=at, action="access.patient-report-read")


# for auditors


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def find(request: HttpRequest) -> HttpResponse:
    """A person of the site, or a patient by hospital number: by POST, so that no number is in an address."""
    sites = _sites(request, Permit.READ_AUDIT, NO_AUDIT)
    form, status = FindForm(request.POST or None), 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                patient, _site = access_reports.numbered_or_not_found(sites, number=form.cleaned_data["number"])
            except errors.NotFound:
                form.add_error("number", form.UNKNOWN)
            else:
                return redirect("audit-patient", uuid=patient.uuid)
    staff = [(site, access_reports.staff(site)) for site in sites]
    return pages.render(request, "audit_find", {"form": form, "staff": staff}, status=status)


@require_safe
@transaction.atomic
def numbered(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Who looked at this patient, without the patient: no name, nothing clinical."""
    sites = _sites(request, Permit.READ_AUDIT, NO_AUDIT)
    patient, site = access_reports.numbered_or_not_found(sites, uuid=uuid)
    context = {
        "patient": patient,
        "site": site,
        "report": access_reports.of_patient(patient.pk, site, after=request.GET.get("after", "")),
        "visitors": access_reports.visitors(patient.pk, site),
    }
    audit.read("access.patient-report-read", by=pages.user_of(request), patients=[patient.pk], purpose="audit")
    return pages.render(request, "audit_patient", context)


@require_safe
@transaction.atomic
def of_person(request: HttpRequest, site: int, person: int) -> HttpResponse:
    """What somebody of the site looked at and did, on these days."""
    sites = _sites(request, Permit.READ_AUDIT, NO_AUDIT)
    where = _one(sites, site)
    who = access_reports.person_or_not_found(where, person)
    today = schedule.local_day(clock.now(), where.time_zone)
    days = {"since": today - timedelta(days=DAYS - 1), "until": today}
    form = DaysForm(request.GET) if "since" in request.GET or "until" in request.GET else DaysForm(initial=days)
    if form.is_bound:
        days = dict.fromkeys(days) | (form.cleaned_data if form.is_valid() else {})
    report = access_reports.of_person(
        person, where, since=days["since"], until=days["until"], after=request.GET.get("after", "")
    )
    user = pages.user_of(request)
    audit.read(
        "access.person-report-read", by=user, patients=report.patient_pks, purpose="audit", about=f"user:{person}"
    )
    context = {"who": who, "site": where, "form": form, "report": report, "days": _query(days)}
    return pages.render(request, "audit_person", context)


# unusual access


@require_safe
@transaction.atomic
def queue(request: HttpRequest) -> HttpResponse:
    """What somebody should look into, of every site where the person reviews."""
    at, user = clock.now(), pages.user_of(request)
    sites = _sites(request, Permit.REVIEW_ACCESS, NO_REVIEW)
    queues = [(site, unusual.queue(site, user, at)) for site in sites]
    audit.read(
        "access.unusual-listed",
        by=user,
        patients=sorted({pk for _site, found in queues for pk in found.patient_pks}),
        purpose="audit",
    )
    readable = {site.pk for site in access.sites_with(user, Permit.READ_AUDIT)}
    context = {
        "queues": queues,
        "emergencies": len(emergencies.waiting(user, at)),
        "readable": readable,
    }
    return pages.render(request, "unusual", context)


@require_POST
@transaction.atomic
def mark(request: HttpRequest, site: int) -> HttpResponse:
    """The entry is looked up again: what is stored is what the audit says, not what was sent."""
    at, user = clock.now(), pages.user_of(request)
    where = _one(_sites(request, Permit.REVIEW_ACCESS, NO_REVIEW), site)
    entry = unusual.entry_or_not_found(where, user, request.POST.get("key", ""), at)
    # The button of the queue sends the key alone.
    is_answered = "verdict" in request.POST or "reason" in request.POST
    form = MarkForm(request.POST if is_answered else None)
    status = pages.UNPROCESSABLE if is_answered else 200
    if form.is_valid():
        try:
            looked = Looked(entry.key, entry.person, f"{entry.who}, {entry.when}: {entry.why}")
            given = form.cleaned_data
            office.review_access(looked, where, verdict=given["verdict"], reason=given["reason"], at=at, by=user)
        except errors.Refused as refused:
            form.refuse(refused)
            status = pages.status_of(refused)
        else:
            return redirect("unusual")
    return pages.render(request, "unusual_mark", {"entry": entry, "site": where, "form": form}, status=status)


def _sites(request: HttpRequest, permit: Permit, otherwise: str) -> list[access.Clinic]:
    sites = access.sites_with(pages.user_of(request), permit)
    if not sites:
        raise access.Forbidden("not-allowed", otherwise)
    return sites


def _one(sites: list[access.Clinic], pk: int) -> access.Clinic:
    found = next((site for site in sites if site.pk == pk), None)
    if found is None:
        raise errors.NotFound("not-found", "There is nothing here")
    return found


def _query(days: Mapping[str, object]) -> str:
    return "&".join(f"{name}={day or ''}" for name, day in days.items())
