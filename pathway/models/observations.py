"""What was seen. An observation is a fact: it is voided and replaced, never edited."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pathway.models.keeping import any_changed, only_erased, only_merged
from pathway.models.people import Patient, User
from pathway.models.rulebook import ObservationKind

# What was seen, when and by whom. Only the status, its reasons and the link from a correction may change, and none of
# these once it is voided. Whose it is changes by a merge of two records alone.
FACT = (
    "kind_id", "performable", "value", "entered", "unit", "text", "truth", "day_value", "members",
    "effective_at", "effective_on", "recorded_at", "recorded_by_id", "source", "source_id", "posture", "assistance",
    "activity", "oxygen", "antibiotics", "reference", "uln", "days", "notes",
)  # fmt: skip
STATE = ("status", "held_for", "void_reason", "voided_at", "replaces_id")


class ObservationStatus(models.TextChoices):
    FINAL = "final", _("final")
    HELD = "held", _("held for a person to check")
    VOIDED = "voided", _("entered in error")


class ObservationQuerySet(models.QuerySet["Observation"]):
    def usable(self) -> ObservationQuerySet:
        return self.filter(status=ObservationStatus.FINAL)


class Observation(models.Model):
    """One result. `value` is canonical; `entered` and `unit` are what was typed.

    The columns from `posture` to `days` are the context that rules compare; the rest of
    the context is in `notes`, which is shown and never compared.
    """

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="observations")
    kind = models.ForeignKey(ObservationKind, models.PROTECT, related_name="+")
    status = models.CharField(max_length=8, choices=ObservationStatus, default=ObservationStatus.FINAL)
    performable = models.BooleanField(default=True)
    value = models.DecimalField(max_digits=40, decimal_places=20, null=True, blank=True)
    entered = models.DecimalField(max_digits=40, decimal_places=20, null=True, blank=True)
    unit = models.CharField(max_length=20, blank=True)
    text = models.CharField(max_length=200, blank=True)  # coded value, or the reason why not performable
    truth = models.BooleanField(null=True, blank=True)
    day_value = models.DateField(null=True, blank=True)
    members = ArrayField(models.CharField(max_length=40), null=True, blank=True)
    effective_at = models.DateTimeField()
    effective_on = models.DateField()
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    source = models.CharField(max_length=64, default="person")
    source_id = models.CharField(max_length=128, blank=True)
    held_for = models.CharField(max_length=20, blank=True)  # unit-mixup | after-death
    void_reason = models.TextField(blank=True)
    voided_at = models.DateTimeField(null=True, blank=True)
    replaces = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="replaced_by")
    posture = models.CharField(max_length=16, blank=True)
    assistance = models.CharField(max_length=16, blank=True)
    activity = models.CharField(max_length=16, blank=True)
    oxygen = models.CharField(max_length=16, blank=True)
    antibiotics = models.CharField(max_length=8, blank=True)
    reference = models.CharField(max_length=32, blank=True)
    uln = models.DecimalField(max_digits=20, decimal_places=8, null=True, blank=True)
    days = models.PositiveIntegerField(null=True, blank=True)
    notes = models.JSONField(default=dict, blank=True)

    objects = ObservationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["source", "source_id"],
                condition=~Q(source_id="") & ~Q(status="voided"),
                name="one_observation_per_source_id",
            ),
        ]
        indexes = [
            # Read by selectors.charts: the usable results of one patient, newest first, per kind.
            models.Index(
                fields=["patient", "kind", "-effective_at", "-id"],
                condition=Q(status="final"),
                name="observation_usable",
            ),
            models.Index(fields=["patient"], condition=Q(status="held"), name="observation_held"),
        ]
        triggers = [
            only_erased("observation_never_deleted", "OLD.patient_id"),
            only_merged("observation_never_moved"),
            pgtrigger.Protect(
                name="observation_never_edited",
                operation=pgtrigger.Update,
                condition=any_changed(*FACT) | (pgtrigger.Q(old__status="voided") & any_changed(*STATE)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind_id} {self.effective_on}"


class ObservationItem(models.Model):
    """One item of a panel; both values empty: asked and missing."""

    observation = models.ForeignKey(Observation, models.CASCADE, related_name="items")
    code = models.CharField(max_length=32)
    value = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    truth = models.BooleanField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["observation", "code"], name="one_item_per_code")]
        triggers = [
            pgtrigger.Protect(name="item_never_edited", operation=pgtrigger.Update),
            only_erased(
                "item_never_deleted",
                "(SELECT o.patient_id FROM pathway_observation o WHERE o.id = OLD.observation_id)",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} = {self.value if self.truth is None else self.truth}"


class QualityFlag(models.Model):
    """Something about the data that a person should know (CONVENTIONS 35)."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="flags")
    code = models.CharField(max_length=32)
    observation = models.ForeignKey(Observation, models.PROTECT, null=True, blank=True, related_name="flags")
    detail = models.CharField(max_length=200, blank=True)
    raised_at = models.DateTimeField()
    raised_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["observation", "code"], condition=Q(observation__isnull=False), name="one_flag_per_observation"
            ),
        ]
        indexes = [models.Index(fields=["patient", "raised_at"], name="flag_patient")]

    def __str__(self) -> str:
        return self.code
