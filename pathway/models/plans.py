"""What is to be done, when and by whom: activities, schedule rows, ladders, interventions that can be started."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pathway.models.definitions import PathwayVersion, Stage, Track, child_of_published
from pathway.vocabulary import Role


class Shift(models.TextChoices):
    """What becomes of a due day without clinic."""

    NONE = "none", _("stays")
    NEXT = "next", _("the next working day")
    PREVIOUS = "previous", _("the working day before")
    NEAREST = "nearest", _("the nearest working day")


OWN_LADDER = "own-"  # codes of a release never begin so


class Ladder(models.Model):
    """The rungs by which an open task reminds and escalates: one of the release, or one that a site has added."""

    code = models.SlugField(unique=True)
    title = models.CharField(_("title"), max_length=100)

    @property
    def is_shipped(self) -> bool:
        return not self.code.startswith(OWN_LADDER)

    def __str__(self) -> str:
        return self.title


class Rung(models.Model):
    ladder = models.ForeignKey(Ladder, models.CASCADE, related_name="rungs")
    code = models.SlugField()
    offset_days = models.SmallIntegerField(_("days from the due date"))
    to = models.CharField(max_length=32)  # owner | a role

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ladder", "code"], name="one_rung_per_code"),
            models.UniqueConstraint(fields=["ladder", "offset_days"], name="one_rung_per_day"),
        ]

    def __str__(self) -> str:
        return f"{self.code} ({self.offset_days:+d} d → {self.to})"


class Activity(models.Model):
    code = models.CharField(primary_key=True, max_length=40)
    title = models.CharField(max_length=120)
    owner = models.CharField(max_length=32, choices=Role)
    ladder = models.ForeignKey(Ladder, models.PROTECT, related_name="activities")
    shift = models.CharField(max_length=8, choices=Shift, default=Shift.NONE, db_default=Shift.NONE)

    class Meta:
        verbose_name_plural = "activities"
        constraints = [models.CheckConstraint(condition=Q(shift__in=Shift.values), name="known_shift")]

    def __str__(self) -> str:
        return self.title


class RowMode(models.TextChoices):
    RECURRING = "recurring", _("recurring")
    ONCE = "once", _("once")
    SPEED_UP = "speed-up", _("brings forward")


class StageActivity(models.Model):
    """One schedule row: from the first to the last stage (by rank) of a track, while `when` holds."""

    version = models.ForeignKey(PathwayVersion, models.CASCADE, related_name="rows")
    track = models.ForeignKey(Track, models.CASCADE, related_name="rows")
    first_stage = models.ForeignKey(Stage, models.CASCADE, related_name="rows_starting")
    last_stage = models.ForeignKey(Stage, models.CASCADE, related_name="rows_ending")
    activity = models.ForeignKey(Activity, models.PROTECT, related_name="rows")
    position = models.PositiveSmallIntegerField()
    mode = models.CharField(max_length=10, choices=RowMode)
    when = models.TextField(blank=True)
    first = models.CharField(max_length=12, blank=True)
    entry = models.CharField(max_length=12, blank=True)
    every = models.CharField(max_length=12, blank=True)

    class Meta:
        verbose_name_plural = "stage activities"
        constraints = [models.UniqueConstraint(fields=["version", "position"], name="one_row_per_position")]
        triggers = [child_of_published("stage_activity_frozen", "changed.version_id")]

    def __str__(self) -> str:
        return f"{self.first_stage.code}–{self.last_stage.code} {self.activity_id}"


class InterventionKind(models.Model):
    """Listed for people and foreign keys; series, calendars and licences are in the release's record."""

    code = models.CharField(primary_key=True, max_length=40)
    title = models.CharField(max_length=120)
    is_drug = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.title
