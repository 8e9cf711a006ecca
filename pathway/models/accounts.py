"""What signing in leaves behind: failed attempts, and the tokens of service accounts."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from pathway.models.people import Membership, Site, User

LONGEST_TOKEN = timedelta(days=366)


class SignInAttempt(models.Model):
    """An attempt that failed, or has not ended yet. Names are kept as keyed hashes: what is typed may be a password."""

    at = models.DateTimeField()
    account = models.CharField(max_length=64)
    address = models.CharField(max_length=64)

    class Meta:
        indexes = [
            models.Index(fields=["account", "at"], name="attempt_account"),
            models.Index(fields=["address", "at"], name="attempt_address"),
        ]

    def __str__(self) -> str:
        return f"attempt at {self.at:%Y-%m-%d %H:%M}"


class Scope(models.TextChoices):
    """What a token may be used for. It opens nothing beyond what its service account may see and do."""

    READ_PATIENTS = "patients:read", _("read patients, enrolments and stages")
    WRITE_PATIENTS = "patients:write", _("register and enrol patients")
    READ_OBSERVATIONS = "observations:read", _("read observations and measures")
    WRITE_OBSERVATIONS = "observations:write", _("record observations")
    READ_TASKS = "tasks:read", _("read tasks and reminders")
    WRITE_TASKS = "tasks:write", _("complete, skip and snooze tasks")
    READ_ALERTS = "alerts:read", _("read alerts and proposals")
    READ_CONTENT = "content:read", _("read pathways, rules and statements")
    READ_AUDIT = "audit:read", _("read the audit")


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def usable(self, at: datetime) -> ApiTokenQuerySet:
        """Neither revoked nor expired, of an active service account that still has a role at one of its sites."""
        alive = self.filter(revoked_at=None, expires_at__gt=at, user__is_active=True, user__is_service=True)
        held = Membership.objects.filter(user=OuterRef("user"), is_active=True, site__in=OuterRef("sites"))
        return alive.filter(Exists(held)).distinct()


class ApiToken(models.Model):
    """A key of a service account. Only its SHA-256 is stored: with 256 random bits it needs no slow hash."""

    user = models.ForeignKey(User, models.PROTECT, related_name="tokens")
    label = models.CharField(_("what it is for"), max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope))
    sites = models.ManyToManyField(Site, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at"))
                & Q(expires_at__lte=models.ExpressionWrapper(F("created_at") + LONGEST_TOKEN, models.DateTimeField())),
                name="token_lives_a_year_at_most",
            ),
            models.CheckConstraint(condition=Q(scopes__contained_by=Scope.values), name="token_scopes_are_known"),
            models.CheckConstraint(condition=Q(scopes__len__gt=0), name="token_has_a_scope"),
        ]

    def __str__(self) -> str:
        return f"{self.label} ({self.user})"
