"""Opening a record in an emergency, giving it back, its review, and patients whom nobody steers."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pathway import access, audit, clock, errors, office
from pathway.access import Permit
from pathway.selectors import emergencies
from pathway.services.emergencies import THROTTLED, Asked
from pathway.web import pages, recent
from pathway.web.access_forms import EmergencyForm, ReviewAccessForm

NO_SITE = "Your account holds no clinical role at any site: emergency access is for people who care for patients"
WRONG_PASSWORD = "That is not your password"


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def emergency(request: HttpRequest) -> HttpResponse:
    """Two identifiers, a reason, and the record is open. What is refused stays on record, so nothing is raised."""
    user = pages.user_of(request)
    sites = emergencies.sites(user)
    if not sites:
        raise access.Forbidden("not-allowed", NO_SITE)
    asks_password = not recent.signed_in_recently(request)
    form = EmergencyForm(
        request.POST or None,
        sites=[(str(site.pk), site.name) for site in sites],
        codes=emergencies.reasons(),
        asks_password=asks_password,
    )
    status = 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                opened = _open(request, form, sites, asks_password)
            except errors.Refused as refused:
                form.refuse(refused)
            else:
                return redirect("patient", uuid=opened)
    return pages.render(request, "emergency", {"form": form}, status=status)


def _open(request: HttpRequest, form: EmergencyForm, sites: list[access.Clinic], asks_password: bool) -> UUID:
    """The patient's name in addresses. Raises Refused; what has to stay on record is written then."""
    at, user, given = clock.now(), pages.user_of(request), form.cleaned_data
    site = next(one for one in sites if str(one.pk) == given.get("site", str(sites[0].pk)))
    if asks_password:
        if office.is_emergency_throttled(site, by=user):
            raise errors.NotAllowed("not-allowed", THROTTLED)
        if not user.check_password(given["password"]):
            office.refuse_emergency(site, "password", by=user)
            raise errors.InvalidEntry("not-allowed", WRONG_PASSWORD, "password")
        recent.proved(request)
    known = emergencies.already_seen(user, site, given["number"], at)
    if known is not None:
        return known.uuid
    asked = Asked(site, given["number"], given["birth_date"], given["code"], given["reason"])
    opened = office.break_glass(asked, at=at, by=user)
    if isinstance(opened, errors.Refused):
        raise opened
    return emergencies.address_of(user, opened, at)


@require_POST
@transaction.atomic
def give_back(request: HttpRequest, grant: int) -> HttpResponse:
    office.end_emergency(grant, at=clock.now(), by=pages.user_of(request))
    return redirect("search")


# reviews


@require_safe
@transaction.atomic
def reviews(request: HttpRequest) -> HttpResponse:
    """What waits for a review, by the number of the patient."""
    at, user = clock.now(), pages.user_of(request)
    if not access.sites_with(user, Permit.REVIEW_ACCESS):
        raise access.Forbidden("not-allowed", "Your role at no site allows to review emergency access")
    waiting, reviewed = emergencies.waiting(user, at), emergencies.reviewed(user, at)
    audit.read("emergencies.listed", by=user, patients=sorted({one.patient_pk for one in [*waiting, *reviewed]}))
    return pages.render(request, "emergency_reviews", {"waiting": waiting, "reviewed": reviewed})


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def review(request: HttpRequest, grant: int) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    case = emergencies.case_or_not_found(user, grant, at)
    form, status = ReviewAccessForm(request.POST or None), 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            given = form.cleaned_data
            try:
                office.review_emergency(
                    grant, justified=given["justified"] == "yes", note=given["note"], at=at, by=user
                )
            except errors.Refused as refused:
                form.refuse(refused)
                status = pages.status_of(refused)
            else:
                return redirect("emergency-reviews")
    audit.read("emergency.read", by=user, patients=[case.patient_pk])
    return pages.render(request, "emergency_review", {"case": case, "form": form}, status=status)


# patients whom nobody steers


@require_safe
@transaction.atomic
def unsteered(request: HttpRequest) -> HttpResponse:
    """By number alone: a coordinator of the site need not see them yet."""
    at, user = clock.now(), pages.user_of(request)
    if not access.sites_with(user, Permit.SET_TEAM):
        raise access.Forbidden("not-allowed", "Your role at no site allows to set care teams")
    gaps = emergencies.unsteered(user, at)
    audit.read("patients.unsteered", by=user, patients=[one.pk for gap in gaps for one in gap.patients])
    return pages.render(request, "unsteered", {"gaps": gaps})


@require_POST
@transaction.atomic
def adopt(request: HttpRequest, patient: UUID) -> HttpResponse:
    """Take over as coordinator."""
    taken = office.adopt_patient(patient, at=clock.now(), by=pages.user_of(request))
    return redirect("team", uuid=taken.uuid)
