"""A clinic opens, and people get accounts there."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from dataclasses import dataclass

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from pathway import audit, errors
from pathway.models import Membership, RuleSetVersion, Site, User, VersionStatus
from pathway.vocabulary import FvcEquation, Region, Role

SLUG = re.compile("[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG = 50


@dataclass(frozen=True, slots=True)
class NewSite:
    slug: str
    name: str
    time_zone: str
    region: str
    fvc_equation: str = ""


def open_site(new: NewSite, *, rule_sets: list[str], by: User | None) -> Site:
    """Raises InvalidEntry naming the field at fault. `rule_sets` are all that it will follow, checked here."""
    _check(new)
    _check_rule_sets(rule_sets)
    try:
        with transaction.atomic():
            site = Site.objects.create(
                slug=new.slug,
                name=new.name.strip(),
                time_zone=new.time_zone,
                region=new.region,
                fvc_equation=new.fvc_equation,
            )
    except IntegrityError as error:
        raise errors.InvalidEntry("not-allowed", f"There is a site {new.slug!r} already", "slug") from error
    audit.record("site.opened", by=by, subject=site, after={"slug": site.slug, "rule_sets": rule_sets})
    return site


def create_admin(username: str, password: str, *, site: Site | None, role: str, by: User | None) -> User:
    """An account for the administration; a role at a site where one is named. Raises InvalidEntry."""
    if role not in Role.values:
        raise errors.InvalidEntry("not-allowed", f"There is no role {role!r}; one of: {', '.join(Role.values)}", "role")
    person = User(username=username, is_staff=True, is_superuser=True, must_change_password=True)
    try:
        person.clean_fields(exclude=["password"])
        password_validation.validate_password(password, person)
    except ValidationError as error:
        raise errors.InvalidEntry("not-allowed", " ".join(error.messages), "account") from error
    person.set_password(password)
    try:
        with transaction.atomic():
            person.save()
    except IntegrityError as error:
        raise errors.InvalidEntry("not-allowed", f"There is a user {username!r} already", "username") from error
    if site is not None:
        Membership.objects.create(user=person, site=site, role=role)
    audit.record("user.created", by=by, subject=person, after={"role": role, "site": site.slug if site else None})
    return person


def site_named(slug: str) -> Site:
    """Raises NotFound naming the sites that there are."""
    found = Site.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Site.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise errors.NotFound("not-found", f"There is no site {slug!r}; there are: {known}", "site")
    return found


def _check(new: NewSite) -> None:
    if not SLUG.fullmatch(new.slug) or len(new.slug) > LONGEST_SLUG:
        raise errors.InvalidEntry(
            "not-allowed", f"{new.slug!r} is no short name: small letters, digits and single hyphens", "slug"
        )
    if not new.name.strip():
        raise errors.InvalidEntry("not-allowed", "The name is empty", "name")
    if new.region not in Region.values:
        raise errors.InvalidEntry(
            "not-allowed", f"There is no region {new.region!r}; one of: {', '.join(Region.values)}", "region"
        )
    if new.fvc_equation not in FvcEquation.values:
        known = ", ".join(code for code in FvcEquation.values if code)
        raise errors.InvalidEntry(
            "not-allowed", f"There is no equation {new.fvc_equation!r}; one of: {known}", "fvc-equation"
        )
    zones = zoneinfo.available_timezones()
    if new.time_zone not in zones:
        near = difflib.get_close_matches(new.time_zone, zones, 1, 0.5)
        hint = f"; did you mean {near[0]}?" if near else "; write one such as Europe/London"
        raise errors.InvalidEntry("not-allowed", f"There is no time zone {new.time_zone!r}{hint}", "time-zone")


def _check_rule_sets(codes: list[str]) -> None:
    published = RuleSetVersion.objects.filter(status=VersionStatus.PUBLISHED)
    known = sorted(set(published.values_list("rule_set__code", flat=True)))
    for code in codes:
        if code not in known:
            told = ", ".join(known) or "none is loaded: run load_pathways first"
            raise errors.InvalidEntry("not-allowed", f"There is no rule set {code!r}; there are: {told}", "rule-sets")
        if codes.count(code) > 1:
            raise errors.InvalidEntry("not-allowed", f"The rule set {code!r} is named twice", "rule-sets")
