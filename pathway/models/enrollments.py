"""A patient on a pathway, and the stays that tell where in each track the patient is and was."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from pathway.models.definitions import PathwayVersion, Stage
from pathway.models.lifecycle import Lifecycle
from pathway.models.people import Patient, User


class EnrollmentStatus(models.TextChoices):
    ACTIVE = "active", _("active")
    ON_HOLD = "on-hold", _("on hold")
    COMPLETED = "completed", _("completed")
    WITHDRAWN = "withdrawn", _("withdrawn")
    DECEASED = "deceased", _("deceased")


LIVE = (EnrollmentStatus.ACTIVE, EnrollmentStatus.ON_HOLD)


class Enrollment(Lifecycle):
    """`enrolled_on` is the day on this version; `care_since` goes back through changes of pathway."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="enrollments")
    version = models.ForeignKey(PathwayVersion, models.PROTECT, related_name="enrollments")
    status = FSMField(choices=EnrollmentStatus.choices, default=EnrollmentStatus.ACTIVE, protected=True)
    enrolled_at = models.DateTimeField()
    enrolled_on = models.DateField()
    care_since = models.DateField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.TextField(blank=True)
    # Rungs of a day up to and including this one are not made up for (hold, reversal of a death).
    quiet_until = models.DateField(null=True, blank=True)
    # The schedule row that holds for each activity now; a change of it lays the activity out again.
    rows_in_force = ArrayField(models.BigIntegerField(), default=list)
    judged_on = models.DateField(null=True, blank=True)  # the last local day of the daily judge
    judge_failed_at = models.DateTimeField(null=True, blank=True)  # it could not be judged then: somebody should look
    status_before_death = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(status__in=["active", "on-hold", "deceased"]),
                name="one_live_enrollment",
            ),
        ]
        indexes = [
            # Read by the daily judge: who has not been judged today.
            models.Index(
                fields=["judged_on"], condition=Q(status__in=["active", "on-hold"]), name="enrollment_to_judge"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.patient} on {self.version}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @transition(field=status, source=EnrollmentStatus.ACTIVE, target=EnrollmentStatus.ON_HOLD)
    def hold(self) -> None:
        """Messages stop; judging and due dates go on."""

    @transition(field=status, source=EnrollmentStatus.ON_HOLD, target=EnrollmentStatus.ACTIVE)
    def resume(self) -> None:
        """Messages go on from tomorrow; what was missed is not made up for."""

    @transition(
        field=status, source=[EnrollmentStatus.ACTIVE, EnrollmentStatus.ON_HOLD], target=EnrollmentStatus.COMPLETED
    )
    def complete(self) -> None:
        """The enrollment gave way to another one (change of pathway)."""

    @transition(
        field=status, source=[EnrollmentStatus.ACTIVE, EnrollmentStatus.ON_HOLD], target=EnrollmentStatus.WITHDRAWN
    )
    def withdraw(self) -> None:
        """The patient leaves the pathway."""

    @transition(
        field=status, source=[EnrollmentStatus.ACTIVE, EnrollmentStatus.ON_HOLD], target=EnrollmentStatus.DECEASED
    )
    def die(self) -> None:
        """Everything stops in the same transaction."""

    @transition(field=status, source=EnrollmentStatus.DECEASED, target=EnrollmentStatus.ACTIVE)
    def revive(self) -> None:
        """The death was recorded by mistake."""


class StayQuerySet(models.QuerySet["Stay"]):
    def open(self) -> StayQuerySet:
        return self.filter(left_at=None, annulled=False)


class Stay(models.Model):
    """The open stay of a track is the present; the others are how the patient came here."""

    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="stays")
    track = models.CharField(max_length=32)
    stage = models.ForeignKey(Stage, models.PROTECT, related_name="stays")
    entered_at = models.DateTimeField()
    entered_on = models.DateField()
    left_at = models.DateTimeField(null=True, blank=True)
    left_by_death = models.BooleanField(default=False)
    annulled = models.BooleanField(default=False)  # a stay that a reversed death had made
    how = models.CharField(max_length=16)  # enrollment | proposal | intervention | move | death | withdrawal | pathway
    reason = models.TextField(blank=True)
    by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")

    objects = StayQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["enrollment", "track"], condition=Q(left_at=None, annulled=False), name="one_open_stay"
            ),
            models.CheckConstraint(
                condition=Q(left_at=None) | Q(left_at__gte=F("entered_at")), name="left_after_entered"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.track}: {self.stage_id}"
