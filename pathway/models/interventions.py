"""What is being done for a patient: equipment, ventilation, drugs and their doses, the exercise prescription."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from pathway.models.people import Patient, User
from pathway.models.plans import InterventionKind


class Intervention(models.Model):
    """From `started_on` (which may lie ahead: planned) until `stopped_on`, a day on which it is not active any more."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="interventions")
    kind = models.ForeignKey(InterventionKind, models.PROTECT, related_name="+")
    started_on = models.DateField()
    took_effect = models.BooleanField(default=False)  # its stage was entered; a planned start waits for its day
    stopped_on = models.DateField(null=True, blank=True)
    dose_mg = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    extent = models.CharField(max_length=16, blank=True)  # wheelchairs: part-time | full-time
    details = models.JSONField(default=dict, blank=True)
    outside_licence = models.BooleanField(default=False, db_default=False)
    concerns = models.TextField(blank=True, default="", db_default="")  # when it was started, one a line
    review_on = models.DateField(null=True, blank=True)  # equipment: when it is looked at again
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        indexes = [
            # Read by selectors.equipment: reviews that are due.
            models.Index(
                fields=["review_on"], condition=Q(stopped_on=None, review_on__isnull=False), name="review_due"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "kind"], condition=Q(stopped_on=None), name="one_running_intervention_per_kind"
            ),
            models.CheckConstraint(
                condition=Q(stopped_on=None) | Q(stopped_on__gte=F("started_on")), name="stopped_after_started"
            ),
            models.CheckConstraint(
                condition=Q(outside_licence=False) | ~Q(concerns=""), name="outside_licence_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind_id} from {self.started_on}"


class Administration(models.Model):
    """One dose of a series, as given."""

    intervention = models.ForeignKey(Intervention, models.PROTECT, related_name="administrations")
    label = models.CharField(max_length=8)
    given_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["intervention", "label"], name="one_administration_per_label")]

    def __str__(self) -> str:
        return f"{self.label} {self.given_on}"


class ExerciseItem(models.Model):
    """One line of the exercise prescription. Eccentric work and high loads never get here (S37, S63)."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="exercises")
    type = models.CharField(max_length=32)
    load = models.CharField(max_length=16)
    minutes = models.PositiveSmallIntegerField(null=True, blank=True)
    rest_days = models.PositiveSmallIntegerField(null=True, blank=True)
    planned_at = models.DateTimeField()
    planned_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(type="eccentric") & ~Q(load="high"), name="no_harmful_exercise"),
        ]

    def __str__(self) -> str:
        return f"{self.type} ({self.load})"
