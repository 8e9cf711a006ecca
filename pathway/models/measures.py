"""Derived values as they stand; every row can be rebuilt at any time."""

from __future__ import annotations

from django.db import models

from pathway.models.people import Patient
from pathway.models.rulebook import MeasureKind


class Measure(models.Model):
    """The present value of one measure. Unknown is a row too, with what is missing."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="measures")
    kind = models.ForeignKey(MeasureKind, models.PROTECT, related_name="+")
    value = models.DecimalField(max_digits=40, decimal_places=20, null=True, blank=True)
    text = models.CharField(max_length=40, blank=True)
    day = models.DateField(null=True, blank=True)
    missing = models.CharField(max_length=200, blank=True)
    derived_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["patient", "kind"], name="one_measure_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind_id} = {self.value if self.text == '' else self.text}"
