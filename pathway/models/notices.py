"""What a person is told that is no reminder of a task."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pathway.models.grants import EmergencyGrant
from pathway.models.people import Patient, User


class Notice(models.Model):
    """One line in somebody's inbox. Written by functions of the database, see `0008_break_glass`."""

    class Kind(models.TextChoices):
        EMERGENCY = "emergency", _("Somebody has opened the record in an emergency")

    person = models.ForeignKey(User, models.PROTECT, related_name="notices")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="notices")
    kind = models.CharField(max_length=16, choices=Kind)
    emergency = models.ForeignKey(EmergencyGrant, models.PROTECT, related_name="notices")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["emergency"]), name="known_kind_of_notice"),
            models.UniqueConstraint(fields=["person", "emergency"], name="one_notice_per_emergency"),
        ]
        indexes = [models.Index(fields=["person", "-at"], name="notice_inbox")]

    def __str__(self) -> str:
        return f"{self.kind} to {self.person_id}"
