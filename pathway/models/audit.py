"""Who did or saw what, when and why. Rows are only ever added."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models

from pathway.models.people import Patient, User


class AuditEvent(models.Model):
    at = models.DateTimeField()  # real time, also under a simulated clock
    action = models.CharField(max_length=64)  # a dotted verb
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    patient = models.ForeignKey(Patient, models.PROTECT, null=True, blank=True, related_name="+")
    subject = models.CharField(max_length=64, blank=True)  # model:pk
    reason = models.TextField(blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    patients = ArrayField(models.BigIntegerField(), null=True, blank=True)  # of a list that was read

    class Meta:
        indexes = [
            models.Index(fields=["patient", "-at"], name="audit_patient"),
            models.Index(fields=["actor", "-at"], name="audit_actor"),
        ]
        triggers = [pgtrigger.Protect(name="audit_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
