"""What becomes of a whole record: merged with another, moved to another site, kept, erased."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from pathway.models.people import Patient, Site, User


class MergeStatus(models.TextChoices):
    PROPOSED = "proposed", _("proposed")
    CONFIRMED = "confirmed", _("confirmed")
    REFUSED = "refused", _("refused")
    UNDONE = "undone", _("taken apart again")


class Merge(models.Model):
    """Two records of one person: `source` is closed, `survivor` goes on with everything of both."""

    request = models.UUIDField(unique=True)  # of the form: the same request twice is one proposal
    source = models.ForeignKey(Patient, models.PROTECT, related_name="merges_away")
    survivor = models.ForeignKey(Patient, models.PROTECT, related_name="merges_in")
    status = models.CharField(max_length=12, choices=MergeStatus, default=MergeStatus.PROPOSED)
    reason = models.TextField()
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    undone_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.TextField(blank=True)  # why it was refused or undone
    died_on_was = models.DateField(null=True, blank=True)  # of the survivor, before

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=MergeStatus.values), name="known_merge_status"),
            models.CheckConstraint(condition=~Q(source=F("survivor")), name="merge_of_two_records"),
            models.CheckConstraint(condition=~Q(reason=""), name="merge_has_a_reason"),
            models.CheckConstraint(
                condition=Q(status="proposed", decided_at=None) | (~Q(status="proposed") & Q(decided_at__isnull=False)),
                name="merge_decision_says_when",
            ),
            models.UniqueConstraint(
                fields=["source"], condition=Q(status__in=["proposed", "confirmed"]), name="one_merge_per_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.survivor_id} ({self.status})"


class MergeRow(models.Model):
    """The journal of a merge: what it moved, or changed and how it was before, so that it can be taken apart."""

    merge = models.ForeignKey(Merge, models.CASCADE, related_name="rows")
    table = models.CharField(max_length=64)
    row = models.BigIntegerField()
    moved = models.BooleanField(default=True)  # from the source to the survivor
    before = models.JSONField(null=True, blank=True)  # columns that were changed

    class Meta:
        constraints = [models.UniqueConstraint(fields=["table", "row", "merge"], name="one_journal_line_per_row")]

    def __str__(self) -> str:
        return f"{self.table} {self.row}"


class PatientNumber(models.Model):
    """A hospital number that the patient had: at another site, or on a record that was merged."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="former_numbers")
    site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    number = models.CharField(max_length=64)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return self.number


class TransferStatus(models.TextChoices):
    OFFERED = "offered", _("offered")
    ACCEPTED = "accepted", _("accepted")
    DECLINED = "declined", _("declined")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Transfer(models.Model):
    """A patient is to be cared for at another site, from the moment at which that site accepts."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="transfers")
    from_site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    to_site = models.ForeignKey(Site, models.PROTECT, related_name="+")
    number = models.CharField(max_length=64)  # at the site that offers: all that the other one sees before
    status = models.CharField(max_length=12, choices=TransferStatus, default=TransferStatus.OFFERED)
    reason = models.TextField()
    offered_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    offered_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=TransferStatus.values), name="known_transfer_status"),
            models.CheckConstraint(condition=~Q(from_site=F("to_site")), name="transfer_to_another_site"),
            models.CheckConstraint(condition=~Q(reason=""), name="transfer_has_a_reason"),
            models.CheckConstraint(
                condition=Q(status="offered", decided_by=None, decided_at=None)
                | (~Q(status="offered") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="transfer_decision_is_whole",
            ),
            models.UniqueConstraint(fields=["patient"], condition=Q(status="offered"), name="one_open_transfer"),
        ]
        indexes = [
            models.Index(fields=["to_site"], condition=Q(status="offered"), name="transfer_offered"),
        ]

    def __str__(self) -> str:
        return f"{self.number} → {self.to_site_id} ({self.status})"


class RetentionPolicy(models.Model):
    """When a site's records may go. No row, or an empty rule: they are kept."""

    site = models.OneToOneField(Site, models.PROTECT, related_name="retention")
    years_after_death = models.PositiveSmallIntegerField(null=True, blank=True)
    years_after_last_contact = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "retention policies"
        constraints = [
            models.CheckConstraint(
                condition=(Q(years_after_death=None) | Q(years_after_death__gte=1))
                & (Q(years_after_last_contact=None) | Q(years_after_last_contact__gte=1)),
                name="retention_of_a_year_at_least",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site_id}: {self.years_after_death}, {self.years_after_last_contact}"


class LegalHold(models.Model):
    """While it stands nobody erases the record, whatever the policy says."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="legal_holds")
    reason = models.TextField()
    placed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    since = models.DateTimeField()
    released_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    released_at = models.DateTimeField(null=True, blank=True)
    release_reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="hold_has_a_reason"),
            models.CheckConstraint(
                condition=Q(released_at=None, released_by=None, release_reason="")
                | (Q(released_at__isnull=False, released_by__isnull=False) & ~Q(release_reason="")),
                name="hold_release_is_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"hold since {self.since:%Y-%m-%d}"


class Erasure(models.Model):
    """What is left of an erased record: whose (by a UUID that names nobody), when, by whom and by which policy.

    Written by the owner of the tables alone, before the rows go: while `erased_at` is empty the triggers let them.
    """

    patient = models.OneToOneField(Patient, models.PROTECT, related_name="erasure")
    policy = models.CharField(max_length=200)
    begun_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)
    by = models.CharField(max_length=150)  # who ran it: an account of the machine, since it is a command
    rows = models.JSONField(default=dict)  # how many of each table

    def __str__(self) -> str:
        return f"{self.patient_id} erased"
