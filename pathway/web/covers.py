"""Who stands in for whom at a site, and who is on call: for its coordinators."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from pathway import access, clock, errors, office
from pathway.access import Permit
from pathway.selectors import choices, covers
from pathway.services.covers import NewCover
from pathway.web import pages
from pathway.web.access_forms import CoverForm


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def plan(request: HttpRequest) -> HttpResponse:
    """Of one site; of the first one where the address names none."""
    at, user = clock.now(), pages.user_of(request)
    sites = access.sites_with(user, Permit.COVER)
    if not sites:
        raise access.Forbidden("not-allowed", "Your role at no site allows to let somebody stand in")
    site = _chosen(request, sites)
    people = choices.site_people(site)
    away = list({key.partition(":")[0]: (key.partition(":")[0], title) for key, title in people}.values())
    form, status = CoverForm(request.POST or None, people=people, away=away, zone=site.time_zone), 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                office.give_cover(site, _new(form), at=at, by=user)
            except errors.Refused as refused:
                form.refuse(refused)
                status = pages.status_of(refused)
            else:
                return redirect(_address(site))
    context = {"form": form, "plan": covers.plan(site, at), "site": site, "sites": sites}
    return pages.render(request, "covers", context, status=status)


@require_POST
@transaction.atomic
def end(request: HttpRequest, cover: int) -> HttpResponse:
    user = pages.user_of(request)
    site = covers.site_of(cover)
    if site not in access.sites_with(user, Permit.COVER):
        raise errors.NotFound("not-found", "There is nothing here")
    office.end_cover(cover, site, at=clock.now(), by=user)
    return redirect(_address(site))


def _chosen(request: HttpRequest, sites: list[access.Clinic]) -> access.Clinic:
    wanted = request.GET.get("site", "")
    for site in sites:
        if wanted in ("", site.slug):
            return site
    raise errors.NotFound("not-found", "There is nothing here")


def _address(site: access.Clinic) -> str:
    return f"{reverse('covers')}?site={site.slug}"


def _new(form: CoverForm) -> NewCover:
    given = form.cleaned_data
    person, _point, role = given["person"].partition(":")
    away = given["instead_of"]
    return NewCover(int(person), role, int(away) if away else None, given["since"], given["until"], given["reason"])
