"""Single sign-on: who somebody is comes from the subject of their token, their roles from one of its claims.

A person is never found by name or address, which others may come to bear. Roles that claims gave are taken away when
the claims no longer give them; roles that somebody gave here stay as they are, also where claims say the same.
"""

from __future__ import annotations

from typing import Any

import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme

from pathway.models import Membership, Site, User
from pathway.signin import trail
from pathway.vocabulary import Role

log = structlog.get_logger(__name__)

Place = tuple[str, str]  # a role, the short name of a site


def places(claims: dict[str, Any]) -> set[Place]:
    """Which roles at which sites the claim gives; what is not listed in the settings gives none."""
    found = settings.SINGLE_SIGN_ON
    if found is None:
        return set()
    told = claims.get(found.claim, [])
    values = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    return {place for value in values if isinstance(value, str) for place in found.places.get(value, ())}


def known(wanted: set[Place]) -> dict[tuple[int, str], Place]:
    """Those of them that there are here, by site and role; the others are named in the log."""
    sites = dict(Site.objects.filter(slug__in={slug for _, slug in wanted}).values_list("slug", "pk"))
    for role, slug in sorted(wanted):
        if role not in Role.values or slug not in sites:
            log.warning("single-sign-on.unknown-place", role=role, site=slug)
    return {(sites[slug], role): (role, slug) for role, slug in wanted if role in Role.values and slug in sites}


@transaction.atomic
def place(user: User, wanted: dict[tuple[int, str], Place]) -> None:
    """Make the memberships that came from claims exactly these."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two sign-ins at once come one after the other
    present = {(row.site_id, row.role): row for row in Membership.objects.filter(user=user)}
    for (site, role), row in present.items():
        if row.from_claims and row.is_active != ((site, role) in wanted):
            row.is_active = not row.is_active
            row.save(update_fields=["is_active"])
            _record(user, row)
    for site, role in sorted(wanted.keys() - present.keys()):
        _record(user, Membership.objects.create(user=user, site_id=site, role=role, from_claims=True))


def _record(user: User, row: Membership) -> None:
    action = "membership.claimed" if row.is_active else "membership.withdrawn"
    trail.record(action, user, after={"site": row.site.slug, "role": row.role})


class ClaimsAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Lets in who has a role by claims or keeps one that was given here. A second factor is asked for afterwards."""

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if sociallogin.state.get("process") not in (None, "login"):
            raise ImmediateHttpResponse(render(request, "socialaccount/login_cancelled.html", status=403))
        if not url_has_allowed_host_and_scheme(sociallogin.state.get("next"), {request.get_host()}):
            sociallogin.state.pop("next", None)
        sociallogin.email_addresses = []  # nobody is found by one, and none is asked for
        wanted = known(places(_claims(sociallogin)))
        if not sociallogin.is_existing:
            if not wanted:
                log.warning("single-sign-on.refused")
                raise ImmediateHttpResponse(self._refusal(request))
            return
        user = sociallogin.user
        place(user, wanted)
        if not Membership.objects.filter(user=user, is_active=True).exists() and not user.is_staff:
            trail.record("sign-in.failed", user, reason="no role")
            raise ImmediateHttpResponse(self._refusal(request))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return bool(known(places(_claims(sociallogin))))

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """The first time: an account without a password, with the roles of the claims."""
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            trail.record("user.created", user, after={"by": "single sign-on"})
            place(user, known(places(_claims(sociallogin))))
        return user

    def _refusal(self, request: HttpRequest) -> Any:
        return render(request, "account/signup_closed.html", status=403)


def _claims(sociallogin: Any) -> dict[str, Any]:
    data = sociallogin.account.extra_data
    claims = data.get("id_token", data)
    return claims if isinstance(claims, dict) else {}
