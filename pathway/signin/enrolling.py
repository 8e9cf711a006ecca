"""Who needs a second factor, and who has one. Asked anew at each request, in one statement."""

from __future__ import annotations

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from pathway.models import Membership, User

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)  # recovery codes alone are none


def is_required(user: User) -> bool:
    """At one of the person's sites, or because they administrate."""
    if (user.is_staff or user.is_superuser) and settings.STAFF_REQUIRES_MFA:
        return True
    return Membership.objects.filter(user=user, is_active=True, site__requires_mfa=True).exists()


def is_missing(user: User) -> bool:
    """It is required, and the person has none yet."""
    asks: Exists | Q = Exists(Membership.objects.filter(user=OuterRef("pk"), is_active=True, site__requires_mfa=True))
    if (user.is_staff or user.is_superuser) and settings.STAFF_REQUIRES_MFA:
        asks = Q()
    has = Exists(Authenticator.objects.filter(user=OuterRef("pk"), type__in=FACTORS))
    return User.objects.filter(asks, ~has, pk=user.pk).exists()
