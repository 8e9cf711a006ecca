"""Ways besides the care team on which somebody sees a patient: standing in for a colleague, on call, an emergency.

`Sight` is the one relation that all doors and row-level security ask: who sees whom, in which role, from when to when.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from pathway.models.people import Patient, Site, User
from pathway.vocabulary import NO_CARE, Role

if TYPE_CHECKING:
    from typing import Self

M = TypeVar("M", bound=models.Model, covariant=True)


class Spell(models.QuerySet[M]):
    """Rows with a beginning, and an end that may be open."""

    def current(self, at: datetime) -> Self:
        return self.filter(since__lte=at).filter(Q(until=None) | Q(until__gt=at))


class Sight(models.Model):
    """Somebody sees a patient: a row of the view `pathway_sight`, which knows teams, covers and emergency grants.

    Only people with an active account and an active care role at the patient's site are in it. `role` is what they
    may act as for this patient; NULL where the place on the team is in a role that they do not hold at the site.
    """

    class Way(models.TextChoices):
        TEAM = "team", _("on the care team")
        COVER = "cover", _("standing in or on call")
        EMERGENCY = "emergency", _("emergency access")

    # No column of a view is a key; rows are only ever filtered and tested for existence.
    patient = models.OneToOneField(Patient, models.DO_NOTHING, primary_key=True, related_name="+")
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="+")
    role = models.CharField(max_length=32, choices=Role, null=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    way = models.CharField(max_length=16, choices=Way)

    objects = Spell.as_manager()

    class Meta:
        managed = False
        db_table = "pathway_sight"

    def __str__(self) -> str:
        return f"{self.user_id} sees {self.patient_id} ({self.way})"


class Cover(models.Model):
    """Somebody stands in for a colleague, or is on call for a whole site when `stands_in_for` is empty."""

    site = models.ForeignKey(Site, models.PROTECT, related_name="covers")
    user = models.ForeignKey(User, models.PROTECT, related_name="covers")
    role = models.CharField(_("role"), max_length=32, choices=[c for c in Role.choices if c[0] not in NO_CARE])
    stands_in_for = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="covered_by")
    since = models.DateTimeField()
    until = models.DateTimeField()  # brought forward when it ends early; to `since` where it has not begun
    reason = models.TextField()
    granted_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = Spell.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="cover_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(reason=""), name="cover_has_a_reason"),
            models.CheckConstraint(
                condition=Q(stands_in_for=None) | ~Q(stands_in_for=F("user")), name="nobody_covers_themselves"
            ),
        ]
        indexes = [models.Index(fields=["user", "site"], name="cover_user_site")]

    def __str__(self) -> str:
        return f"{self.user} covers {self.stands_in_for or self.site} until {self.until:%Y-%m-%d %H:%M}"


class EmergencyReason(models.TextChoices):
    EMERGENCY = "emergency", _("Acute emergency")
    OUT_OF_HOURS = "out-of-hours", _("Out-of-hours call about the patient")
    TEAM_ABSENT = "team-absent", _("Nobody of the care team can be reached")
    OTHER = "other", _("Another reason")


class EmergencyGrant(models.Model):
    """Break-glass: one person sees one patient for some hours, the team is told, somebody reviews it."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="emergency_grants")
    user = models.ForeignKey(User, models.PROTECT, related_name="emergency_grants")
    reason_code = models.CharField(_("reason"), max_length=16, choices=EmergencyReason)
    reason = models.TextField(_("what happened"))
    since = models.DateTimeField()
    until = models.DateTimeField()  # brought forward when it is given back early
    reviewed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)
    was_justified = models.BooleanField(null=True, blank=True)
    review_note = models.TextField(blank=True)

    objects = Spell.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reason_code__in=EmergencyReason.values), name="known_emergency_reason"),
            models.CheckConstraint(condition=~Q(reason=""), name="emergency_has_a_reason"),
            models.CheckConstraint(condition=Q(until__gte=F("since")), name="emergency_ends_after_it_begins"),
            models.CheckConstraint(
                condition=Q(reviewed_at=None, reviewed_by=None, was_justified=None)
                | Q(reviewed_at__isnull=False, reviewed_by__isnull=False, was_justified__isnull=False),
                name="emergency_review_is_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "patient"], name="emergency_user_patient"),
            models.Index(fields=["since"], condition=Q(reviewed_at=None), name="emergency_unreviewed"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in an emergency until {self.until:%Y-%m-%d %H:%M}"
