"""What the rules found: present verdicts, episodes, and the alerts by which people hear of them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from pathway.models.enrollments import Enrollment
from pathway.models.lifecycle import Lifecycle
from pathway.models.observations import Observation
from pathway.models.people import Patient, User
from pathway.models.rulebook import Rule
from pathway.vocabulary import Severity


class Judgement(models.Model):
    """The present verdict of one rule for one enrollment; `last_definite` is its last hit or miss."""

    enrollment = models.ForeignKey(Enrollment, models.CASCADE, related_name="judgements")
    rule = models.ForeignKey(Rule, models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=16)
    last_definite = models.CharField(max_length=8, blank=True)
    day = models.DateField(null=True, blank=True)
    missing = ArrayField(models.CharField(max_length=40), default=list)
    evidence = ArrayField(models.BigIntegerField(), default=list)
    judged_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["enrollment", "rule"], name="one_judgement_per_rule")]

    def __str__(self) -> str:
        return f"{self.rule_id}: {self.verdict}"


class Episode(models.Model):
    """A stretch in which a rule's condition was met. Its effects happen once (CONVENTIONS 14).

    `key` is the rule's name across versions: `CODE` for active sets, `set/CODE` in shadow.
    """

    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="episodes")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="episodes")
    rule = models.ForeignKey(Rule, models.PROTECT, related_name="episodes")
    key = models.CharField(max_length=64)
    is_shadow = models.BooleanField(default=False)
    began_at = models.DateTimeField()
    began_on = models.DateField()
    since = models.DateField()  # the condition day at the raise
    ended_at = models.DateTimeField(null=True, blank=True)
    retracted = models.BooleanField(default=False)  # every hit of it used a result that was voided

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["patient", "key"], condition=Q(ended_at=None), name="one_running_episode"),
        ]

    def __str__(self) -> str:
        return f"{self.key} since {self.since}"


class Evidence(models.Model):
    """An observation that some hit of the episode read."""

    episode = models.ForeignKey(Episode, models.CASCADE, related_name="evidence")
    observation = models.ForeignKey(Observation, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["episode", "observation"], name="one_evidence_per_observation")]

    def __str__(self) -> str:
        return f"{self.episode_id}: {self.observation_id}"


class Hit(models.Model):
    """What one hit of an episode read: an episode of which no hit is left without a voided result is retracted."""

    episode = models.ForeignKey(Episode, models.CASCADE, related_name="hits")
    observations = ArrayField(models.BigIntegerField())  # ascending

    class Meta:
        constraints = [models.UniqueConstraint(fields=["episode", "observations"], name="one_hit_per_evidence")]

    def __str__(self) -> str:
        return f"{self.episode_id}: {self.observations}"


class AlertStatus(models.TextChoices):
    OPEN = "open", _("open")
    CLOSED = "closed", _("closed")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Alert(Lifecycle):
    """What tells people of an episode. Only a person closes it (or death, withdrawal, retraction)."""

    episode = models.OneToOneField(Episode, models.PROTECT, related_name="alert")
    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="alerts")
    severity = models.CharField(max_length=8, choices=Severity)
    status = FSMField(choices=AlertStatus.choices, default=AlertStatus.OPEN, protected=True)
    no_longer_met = models.BooleanField(default=False)
    raised_at = models.DateTimeField()
    raised_on = models.DateField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    close_reason = models.TextField(blank=True)
    closed_by_death = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["enrollment"], condition=Q(status="open"), name="alert_open")]

    def __str__(self) -> str:
        return f"{self.episode}"

    @transition(field=status, source=AlertStatus.OPEN, target=AlertStatus.CLOSED)
    def close(self) -> None:
        """Somebody has dealt with it."""

    @transition(field=status, source=[AlertStatus.OPEN, AlertStatus.CLOSED], target=AlertStatus.WITHDRAWN)
    def withdraw(self) -> None:
        """What it rested on was entered in error."""

    @transition(field=status, source=AlertStatus.CLOSED, target=AlertStatus.OPEN)
    def restore(self) -> None:
        """A death that had closed it was reversed."""
