"""Pages about patients: the page itself, why and why not, all results, and the people around a patient."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from pathway import access, audit, clock, errors, flow, office
from pathway.access import Permit
from pathway.engine import schedule
from pathway.selectors import choices, function_scores, latest_values, patient_pages, shown, whys
from pathway.services.people import Details, Place
from pathway.web import forms, pages
from pathway.web.pages import Stopwatch


@require_safe
@transaction.atomic
def patient(request: HttpRequest, uuid: UUID) -> HttpResponse:
    at = clock.now()
    found = access.patient_or_not_found(pages.user_of(request), uuid, at)
    page = patient_pages.page(found, at)
    context = {"page": page, "header": page.header, "did": pages.done(request, found)}
    moment = pages.moment_of(request)
    if page.case is not None and moment is not None and function_scores.was_recorded(found, moment.at):
        context["staging"] = function_scores.staging(page.case)
    return pages.about(request, found, "patient", context, at=at)


@require_safe
@transaction.atomic
def why(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Every rule with its clauses: why it holds, and why not."""
    at = clock.now()
    found = access.patient_or_not_found(pages.user_of(request), uuid, at)
    enrollment = patient_pages.newest_enrollment(found)
    case = patient_pages.case_for_reading(found, enrollment, at) if enrollment else None
    context = {"groups": whys.every_rule(case) if case else ()}
    return pages.about(request, found, "why", context, at=at, action="patient.why-read")


@require_safe
@transaction.atomic
def results(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """Everything that was ever recorded, entries in error too."""
    at = clock.now()
    found = access.patient_or_not_found(pages.user_of(request), uuid, at)
    enrollment = patient_pages.newest_enrollment(found)
    context: dict[str, object] = {}
    if enrollment is not None:
        case = patient_pages.case_for_reading(found, enrollment, at)
        values, more = latest_values.history(case, after=pages.number(request.GET.get("after", "")))
        context = {"values": values, "more": more}
    return pages.about(request, found, "results", context, at=at, action="patient.results-read")


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def search(request: HttpRequest) -> HttpResponse:
    """By POST, so that no name is in an address, a log or a history."""
    at, user = clock.now(), pages.user_of(request)
    form = forms.SearchForm(request.POST or None)
    text = form.cleaned_data["text"] if request.method == "POST" and form.is_valid() else ""
    found = [] if form.errors else choices.patients(user, text, at)
    audit.read("patients.listed", by=user, patients=[one.pk for one in found])
    context = {"form": form, "found": found, "limit": choices.SEARCH_LIMIT, "text": text}
    context["may_register"] = bool(choices.registering_sites(user))
    context["coordinates"] = bool(access.sites_with(user, Permit.COVER))
    return pages.render(request, "search", context)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def register(request: HttpRequest) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    sites = choices.registering_sites(user)
    if not sites:
        raise access.Forbidden("not-allowed", "Your role does not allow to register patients")
    form, status = forms.RegisterForm(request.POST or None, sites=sites), 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                site = access.site_or_not_found(user, int(form.cleaned_data["site"]))
                access.require_at_site(user, Permit.REGISTER, site)
                made = office.register_patient(site, _details(form), at=at, by=user)
            except errors.Refused as refused:
                form.refuse(refused)
                status = pages.status_of(refused)
            else:
                return redirect("enroll", uuid=made.uuid)
    return pages.render(request, "register", {"form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def enroll(request: HttpRequest, uuid: UUID) -> HttpResponse:
    watch, user = Stopwatch.start(), pages.user_of(request)
    found = access.patient_or_not_found(user, uuid, watch.at)
    access.require(user, Permit.ENROLL, found, watch.at)
    form, status = forms.EnrollForm(request.POST or None, pathways=choices.pathways()), 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                flow.enroll(found, form.cleaned_data["pathway"], at=watch.at, by=user)
            except errors.Refused as refused:
                form.refuse(refused)
                status = pages.status_of(refused)
            else:
                return redirect(pages.patient_address(found, watch.mark()))
    return pages.about(request, found, "enroll", {"form": form}, at=watch.at, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def team(request: HttpRequest, uuid: UUID) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    found = access.patient_or_not_found(user, uuid, at)
    access.require(user, Permit.SET_TEAM, found, at)
    people, present = choices.site_people(found.site), choices.team_of(found, at)
    ends = choices.team_ends(found, at)
    known = {f"{person}:{role}": shown.moment(end, found.site) for (person, role), end in ends.items()}
    form, status = forms.TeamForm(request.POST or None, people=people, present=present, ends=known), 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                _check_present(request, present)
                members, ends = _members(form, ends, found.site.time_zone)
                office.set_care_team(found, members, ends=ends, at=at, by=user)
            except errors.Refused as refused:
                form.refuse(refused)
                status = pages.status_of(refused)
            else:
                is_member = access.patients(user, at).filter(pk=found.pk).exists()
                return redirect(pages.patient_address(found) if is_member else "home")
    context = {"form": form, "seen": _fingerprint(present)}
    return pages.about(request, found, "team", context, at=at, status=status)


def _details(form: forms.RegisterForm) -> Details:
    given = form.cleaned_data
    return Details(
        given_name=given["given_name"],
        family_name=given["family_name"],
        identifier=given["identifier"],
        birth_date=given["birth_date"],
        sex=given["sex"],
        birth_date_is_estimated=given["birth_date_is_estimated"],
    )


def _members(
    form: forms.TeamForm, ends: Mapping[Place, datetime], zone: str
) -> tuple[list[Place], dict[Place, datetime]]:
    """The whole team, and whose places end: those that did before, and the guest's after the last day."""
    places = [_place(one) for one in form.cleaned_data["members"]]
    kept = {place: end for place, end in ends.items() if place in places}
    guest, last = form.cleaned_data["guest"], form.cleaned_data["guest_until"]
    if bool(guest) != bool(last):
        reason = "Both are needed: who, and the last day"
        raise errors.InvalidEntry("not-allowed", reason, "guest_until" if guest else "guest")
    if guest:
        place = _place(guest)
        if place in places:
            raise errors.InvalidEntry("not-allowed", "This person is on the team already: untick them first", "guest")
        places.append(place)
        kept[place] = schedule.instant(last + timedelta(days=1), time.min, zone)
    return places, kept


def _place(text: str) -> Place:
    user, _point, role = text.partition(":")
    return int(user), role


def _fingerprint(present: list[str]) -> str:
    """The team as the person saw it; a team has no revision of its own."""
    return " ".join(sorted(present))


def _check_present(request: HttpRequest, present: list[str]) -> None:
    if request.POST.get("seen", "") != _fingerprint(present):
        raise errors.Conflict("not-allowed", "Someone was faster: the team has changed since you opened this page")
