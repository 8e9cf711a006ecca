"""What a person is asked to do. At most one is open per enrollment and activity."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from pathway.models.alerts import Episode
from pathway.models.enrollments import Enrollment
from pathway.models.interventions import Intervention
from pathway.models.lifecycle import Lifecycle
from pathway.models.observations import Observation
from pathway.models.people import User
from pathway.models.plans import Activity, StageActivity
from pathway.vocabulary import Role, SkipReason


class TaskStatus(models.TextChoices):
    OPEN = "open", _("open")
    IN_PROGRESS = "in-progress", _("in progress")
    COMPLETED = "completed", _("completed")
    SKIPPED = "skipped", _("skipped")
    CANCELLED = "cancelled", _("cancelled")


LIVE_TASK = (TaskStatus.OPEN, TaskStatus.IN_PROGRESS)


class CareTaskQuerySet(models.QuerySet["CareTask"]):
    def live(self) -> CareTaskQuerySet:
        return self.filter(status__in=LIVE_TASK)


class CareTask(Lifecycle):
    """`asked_by_*` tell who wants it: leaving a stage cancels what a rule alone did not ask for (CONVENTIONS 24)."""

    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="care_tasks")
    activity = models.ForeignKey(Activity, models.PROTECT, related_name="care_tasks")
    occurrence = models.PositiveIntegerField()
    status = FSMField(choices=TaskStatus.choices, default=TaskStatus.OPEN, protected=True)
    row = models.ForeignKey(StageActivity, models.PROTECT, null=True, blank=True, related_name="+")
    asked_by_stage = models.BooleanField(default=False)
    asked_by_rule = models.BooleanField(default=False)
    asked_by_plan = models.ForeignKey(Intervention, models.PROTECT, null=True, blank=True, related_name="care_tasks")
    asked_by_person = models.BooleanField(default=False)  # an accepted proposal, or the server at a death
    label = models.CharField(max_length=16, blank=True)  # of a calendar or series
    owner = models.CharField(max_length=32, choices=Role)
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="care_tasks")
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    due_on = models.DateField()
    window_opens_on = models.DateField(null=True, blank=True)
    due_set_on = models.DateField()  # rungs of a day up to this one are not sent
    next_rung_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateField(null=True, blank=True)
    snooze_reason = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)  # the effective day of a completion or skip
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    completed_by = models.ForeignKey(Observation, models.PROTECT, null=True, blank=True, related_name="completed_tasks")
    outcome = models.CharField(max_length=40, blank=True)
    skip_reason = models.CharField(max_length=16, choices=SkipReason, blank=True)
    close_reason = models.TextField(blank=True)
    cancelled_by_death = models.BooleanField(default=False)

    objects = CareTaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["enrollment", "activity"],
                condition=Q(status__in=["open", "in-progress"]),
                name="one_open_task_per_activity",
            ),
            models.UniqueConstraint(fields=["enrollment", "activity", "occurrence"], name="one_task_per_occurrence"),
            models.CheckConstraint(
                condition=Q(window_opens_on=None) | Q(window_opens_on__lte=F("due_on")), name="window_opens_before_due"
            ),
        ]
        indexes = [
            # Read by services.reminders.climb: open tasks with a rung to climb.
            models.Index(
                fields=["next_rung_at", "id"], condition=Q(status__in=["open", "in-progress"]), name="task_next_rung"
            ),
            # Read by selectors.worklists: the open tasks of a role by due date.
            models.Index(
                fields=["owner", "due_on", "id"], condition=Q(status__in=["open", "in-progress"]), name="task_worklist"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.activity_id} due {self.due_on}"

    @transition(field=status, source=TaskStatus.OPEN, target=TaskStatus.IN_PROGRESS)
    def begin(self) -> None:
        """Somebody is at it."""

    @transition(field=status, source=[TaskStatus.OPEN, TaskStatus.IN_PROGRESS], target=TaskStatus.COMPLETED)
    def complete(self) -> None:
        """Done, by hand or by a result."""

    @transition(field=status, source=[TaskStatus.OPEN, TaskStatus.IN_PROGRESS], target=TaskStatus.SKIPPED)
    def skip(self) -> None:
        """Not done, with a reason."""

    @transition(field=status, source=[TaskStatus.OPEN, TaskStatus.IN_PROGRESS], target=TaskStatus.CANCELLED)
    def cancel(self) -> None:
        """Nobody asks for it any more."""

    @transition(field=status, source=TaskStatus.CANCELLED, target=TaskStatus.OPEN)
    def restore(self) -> None:
        """A death that had cancelled it was reversed."""


class TaskGround(models.Model):
    """An episode that asks for the task."""

    task = models.ForeignKey(CareTask, models.CASCADE, related_name="grounds")
    episode = models.ForeignKey(Episode, models.PROTECT, related_name="task_grounds")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "episode"], name="one_task_ground_per_episode")]

    def __str__(self) -> str:
        return f"{self.task_id} ← {self.episode_id}"
