"""Who did or saw what, when and why. Rows are only ever added, and a chain of seals shows whether one was touched."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pathway.models.people import Patient, Site, User


class Purpose(models.TextChoices):
    """What for. Each stands for a code of HL7's list of purposes of use (see `selectors.audit_export`)."""

    TREATMENT = "treatment", _("treatment")
    EMERGENCY = "emergency", _("emergency treatment")
    ADMINISTRATION = "administration", _("administration")
    AUDIT = "audit", _("audit")
    OPERATION = "operation", _("the server itself")


class AuditEvent(models.Model):
    """Parted by month of `at`, so the key in the database is (id, at); ids are given by the database alone.

    `ways`: on which ways the person saw the patient, or the patients of a list (`models.grants.Sight.Way`).
    """

    at = models.DateTimeField()  # real time, also under a simulated clock
    action = models.CharField(max_length=64)  # a dotted verb
    # The indexes below begin with these two.
    actor = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    patient = models.ForeignKey(Patient, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    subject = models.CharField(max_length=64, blank=True)  # model:pk
    reason = models.TextField(blank=True)
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    patients = ArrayField(models.BigIntegerField(), null=True, blank=True)  # of a list that was read
    purpose = models.CharField(max_length=16, choices=Purpose, default="", db_default="", blank=True)
    ways = models.CharField(max_length=32, default="", db_default="", blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    request = models.UUIDField(null=True, blank=True)  # what one request did goes together

    class Meta:
        indexes = [
            models.Index(fields=["patient", "-at"], name="audit_patient"),
            models.Index(fields=["actor", "-at"], name="audit_actor"),
            GinIndex(fields=["patients"], name="audit_patients"),
        ]
        triggers = [pgtrigger.Protect(name="audit_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


class AuditSeal(models.Model):
    """A link of the chain: the digest of the link before and of everything that the event says."""

    position = models.BigIntegerField(primary_key=True)  # 1, 2, 3, … without a gap
    event = models.BigIntegerField(unique=True)  # the id; the event's whole key is (event, event_at)
    event_at = models.DateTimeField()
    digest = models.BinaryField()
    sealed_at = models.DateTimeField()

    class Meta:
        triggers = [pgtrigger.Protect(name="seal_append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.position}"


class AccessReview(models.Model):
    """Somebody looked into an unusual access. Rows are only added; the newest one of a key counts."""

    class Verdict(models.TextChoices):
        FINE = "fine", _("Looked at, fine")
        FOLLOW_UP = "follow-up", _("Follow up")

    key = models.CharField(max_length=128)  # which entry of the queue: kind, person, patient or hour
    what = models.TextField()  # the entry as it was shown, by number and not by name
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    person = models.ForeignKey(User, models.PROTECT, related_name="+")  # whose access it was
    verdict = models.CharField(_("verdict"), max_length=16, choices=Verdict)
    reason = models.TextField(_("reason"))
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="access_review_has_a_reason"),
            models.CheckConstraint(condition=Q(verdict__in=["fine", "follow-up"]), name="known_access_verdict"),
            models.CheckConstraint(condition=~Q(by=models.F("person")), name="nobody_reviews_themselves"),
        ]
        indexes = [models.Index(fields=["site", "key", "-at"], name="access_review_key")]

    def __str__(self) -> str:
        return f"{self.key}: {self.verdict}"
