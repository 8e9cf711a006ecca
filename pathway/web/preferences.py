"""My messages: by which ways somebody hears of what waits, when, and who hears of it while they are away."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pathway import access, office
from pathway.access import Permit
from pathway.errors import Refused
from pathway.selectors import preferences, undelivered
from pathway.web import message_forms, pages
from pathway.web.message_forms import MessagesForm


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def my_messages(request: HttpRequest) -> HttpResponse:
    user, offered, status = pages.user_of(request), office.channels_offered(), 200
    form = MessagesForm(
        request.POST or None,
        offered=offered,
        deputies=preferences.deputies(user),
        initial=message_forms.initial(preferences.present(user), offered),
    )
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                office.set_messages(user, form.wishes())
            except Refused as refused:
                form.refuse(refused)
            else:
                messages.success(request, _("Saved."))
                return redirect("my-messages")
    context = {"form": form, "coordinates": bool(access.sites_with(user, Permit.COVER))}
    return pages.render(request, "my_messages", context, status=status)


@require_safe
@transaction.atomic
def not_delivered(request: HttpRequest) -> HttpResponse:
    """What did not leave the server, for the coordinators of each site."""
    sites = access.sites_with(pages.user_of(request), Permit.COVER)
    if not sites:
        raise access.Forbidden("not-allowed", "Nurse coordinators see this for their site")
    found = [(site, undelivered.failed_deliveries(site)) for site in sites]
    return pages.render(request, "undelivered", {"sites": found, "is_held": undelivered.is_held()})
