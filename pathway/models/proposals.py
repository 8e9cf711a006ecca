"""What the server asks a person to decide: a later stage of a track, or a question by code."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from pathway.models.alerts import Episode
from pathway.models.definitions import Stage
from pathway.models.enrollments import Enrollment
from pathway.models.lifecycle import Lifecycle
from pathway.models.people import User


class ProposalStatus(models.TextChoices):
    OPEN = "open", _("waiting for a decision")
    ACCEPTED = "accepted", _("accepted")
    DECLINED = "declined", _("declined")
    SUPERSEDED = "superseded", _("superseded")
    WITHDRAWN = "withdrawn", _("withdrawn")


class Proposal(Lifecycle):
    """Either a stage (with its track) or a code, never both."""

    enrollment = models.ForeignKey(Enrollment, models.PROTECT, related_name="proposals")
    track = models.CharField(max_length=32, blank=True)
    stage = models.ForeignKey(Stage, models.PROTECT, null=True, blank=True, related_name="+")
    code = models.CharField(max_length=40, blank=True)
    status = FSMField(choices=ProposalStatus.choices, default=ProposalStatus.OPEN, protected=True)
    opened_at = models.DateTimeField()
    opened_on = models.DateField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_on = models.DateField(null=True, blank=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField(blank=True)
    until = models.DateField(null=True, blank=True)  # a declined one asks again on this day
    closed_by_death = models.BooleanField(default=False)
    # The hits it rested on when it was accepted; when each of them used a voided result, the basis is retracted.
    basis = ArrayField(models.BigIntegerField(), default=list)
    basis_retracted = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["enrollment", "track"],
                condition=Q(status="open") & ~Q(track=""),
                name="one_open_stage_proposal_per_track",
            ),
            models.UniqueConstraint(
                fields=["enrollment", "code"],
                condition=Q(status="open") & ~Q(code=""),
                name="one_open_proposal_per_code",
            ),
            models.CheckConstraint(
                condition=(Q(code="") & ~Q(track="") & Q(stage__isnull=False))
                | (~Q(code="") & Q(track="", stage=None)),
                name="proposal_is_stage_or_code",
            ),
        ]

    def __str__(self) -> str:
        return self.code or f"{self.track} → {self.stage.code if self.stage else '?'}"

    @transition(field=status, source=ProposalStatus.OPEN, target=ProposalStatus.ACCEPTED)
    def accept(self) -> None:
        """A person decided for it."""

    @transition(field=status, source=ProposalStatus.OPEN, target=ProposalStatus.DECLINED)
    def decline(self) -> None:
        """A person decided against it, with a reason."""

    @transition(field=status, source=ProposalStatus.OPEN, target=ProposalStatus.SUPERSEDED)
    def supersede(self) -> None:
        """A further one took its place, or the stage was reached."""

    @transition(field=status, source=[ProposalStatus.OPEN, ProposalStatus.SUPERSEDED], target=ProposalStatus.WITHDRAWN)
    def withdraw(self) -> None:
        """What it rested on was entered in error, or the patient died or left."""

    @transition(field=status, source=[ProposalStatus.WITHDRAWN, ProposalStatus.SUPERSEDED], target=ProposalStatus.OPEN)
    def reopen(self) -> None:
        """A reversed death had withdrawn it, or the further one that superseded it is gone."""


class ProposalGround(models.Model):
    """An episode that asks for the proposal. None: it was opened on entering a stage."""

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="grounds")
    episode = models.ForeignKey(Episode, models.PROTECT, related_name="proposal_grounds")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "episode"], name="one_ground_per_episode")]

    def __str__(self) -> str:
        return f"{self.proposal_id} ← {self.episode_id}"
