"""What people are told, asked and kept from, and which statement of the source article each of it implements.

Definitions are retired, never deleted; what was taught and what a checklist found are facts: voided, never edited.
"""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pathway.models.care_tasks import CareTask
from pathway.models.keeping import any_changed, only_erased, only_merged
from pathway.models.people import Patient, User


def codes() -> ArrayField[list[str], list[str]]:
    return ArrayField(models.CharField(max_length=40), default=list, blank=True)


class Doubt(models.TextChoices):
    CONTESTED = "contested", _("contested")
    INCOMPLETE = "incomplete", _("incomplete")
    OUT_OF_DATE = "out-of-date", _("out of date")
    UNVERIFIED = "unverified", _("unverified")


class LinkKind(models.TextChoices):
    ACTIVITY = "activity", _("activity")
    CHECKLIST = "checklist", _("checklist item")
    EDUCATION = "education", _("education topic")
    INFO = "info", _("text")
    INTERVENTION = "intervention", _("intervention")
    MEASURE = "measure", _("measure")
    OBSERVATION = "observation", _("observation")
    PATHWAY = "pathway", _("pathway")
    POLICY = "policy", _("policy")
    RESTRICTION = "restriction", _("restriction")
    RULE = "rule", _("rule")
    STAGE = "stage", _("stage")


class Statement(models.Model):
    """A statement of the source article in words of our own. A doubtful one is never without its qualification."""

    code = models.CharField(primary_key=True, max_length=16)
    position = models.PositiveSmallIntegerField()
    short = models.CharField(max_length=120)
    text = models.TextField()
    classes = codes()
    owners = codes()  # empty: everybody's
    mark = models.TextField()
    source = models.TextField()
    review_by = models.DateField()
    doubt = models.CharField(max_length=12, choices=Doubt, blank=True)
    qualification = models.TextField(blank=True)
    is_retired = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(doubt="", qualification="") | (~Q(doubt="") & ~Q(qualification="")),
                name="doubt_never_bare",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.short}"


class StatementLink(models.Model):
    """One thing that implements a statement, named by its code: it may live in any of ten tables."""

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="links")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=LinkKind)
    code = models.CharField(max_length=40)
    where = models.CharField(max_length=120, blank=True)  # for people

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["statement", "kind", "code"], name="one_link_per_thing"),
        ]

    def __str__(self) -> str:
        return f"{self.statement_id} ← {self.kind} {self.code}"


class Guided(models.Model):
    """Something that belongs somewhere. `where` is for people; an empty list does not limit."""

    code = models.CharField(primary_key=True, max_length=40)
    text = models.TextField()
    mark = models.TextField()
    where = models.CharField(max_length=120)
    pathways = codes()
    tracks = codes()
    stages = codes()
    activities = codes()
    interventions = codes()
    situations = codes()
    is_retired = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.code


class Topic(Guided):
    """What patient and family are taught."""

    title = models.CharField(max_length=120)
    owners = codes()
    qualification = models.TextField(blank=True)


class ChecklistItem(Guided):
    """Something to look at in a task."""

    owners = codes()


class RestrictionEffect(models.TextChoices):
    REFUSE = "refuse", _("refused")
    ALLOW = "allow", _("nothing else is allowed")
    FLAG = "flag", _("stored and flagged")
    CHECK = "check", _("needs a check first")
    GOAL = "goal", _("a goal")


class Restriction(Guided):
    """A limit or goal of the plan."""

    effect = models.CharField(max_length=8, choices=RestrictionEffect)
    types = codes()  # of exercise
    loads = codes()
    least_rest_days = models.PositiveSmallIntegerField(null=True, blank=True)
    check_item = models.ForeignKey(ChecklistItem, models.PROTECT, null=True, blank=True, related_name="+")


class Audience(models.TextChoices):
    STAFF = "staff", _("staff only")
    EVERYONE = "everyone", _("everyone")


class InfoText(Guided):
    """A text to read, always with its qualification and the day for which it was true."""

    audience = models.CharField(max_length=8, choices=Audience)
    as_of = models.DateField(null=True, blank=True)
    qualification = models.TextField(blank=True)


class Policy(Guided):
    """How the server itself treats what it is told."""

    class Meta:
        verbose_name_plural = "policies"


# facts


class Fact(models.Model):
    """It stands until it is voided, with a reason."""

    note = models.TextField(blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    voided_at = models.DateTimeField(null=True, blank=True)
    voided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    void_reason = models.TextField(blank=True)

    class Meta:
        abstract = True


PATIENT_OF_TASK = (
    "(SELECT e.patient_id FROM pathway_enrollment e JOIN pathway_caretask t ON t.enrollment_id = e.id"
    " WHERE t.id = OLD.task_id)"
)
VOIDED_WITH_REASON = Q(voided_at=None, void_reason="") | (Q(voided_at__isnull=False) & ~Q(void_reason=""))


def fact(name: str, patient: str, *columns: str) -> list[pgtrigger.Trigger]:
    """Nobody deletes it or edits what it says; a voided one stays as it is. `patient` finds whose it is, in SQL."""
    voided = pgtrigger.Q(old__voided_at__isnull=False) & any_changed("voided_at", "voided_by_id", "void_reason")
    edited = any_changed(*columns, "note", "recorded_at", "recorded_by_id") | voided
    return [
        only_erased(f"{name}_never_deleted", patient),
        pgtrigger.Protect(name=f"{name}_never_edited", operation=pgtrigger.Update, condition=edited),
    ]


class TeachBack(models.TextChoices):
    UNDERSTOOD = "understood", _("told back and understood")
    NEEDS_REPEAT = "needs-repeat", _("needs to be repeated")


class EducationGiven(Fact):
    """A topic was taught, and what the patient or family could tell back."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="education")
    topic = models.ForeignKey(Topic, models.PROTECT, related_name="given")
    given_on = models.DateField()
    teach_back = models.CharField(max_length=12, choices=TeachBack)

    class Meta:
        verbose_name_plural = "education given"
        constraints = [models.CheckConstraint(condition=VOIDED_WITH_REASON, name="education_voided_with_reason")]
        indexes = [
            # Read by selectors.guidance: what was taught last, per topic.
            models.Index(fields=["patient", "topic", "-given_on", "-id"], name="education_latest"),
        ]
        triggers = [
            *fact("education", "OLD.patient_id", "topic_id", "given_on", "teach_back"),
            only_merged("education_never_moved"),
        ]

    def __str__(self) -> str:
        return f"{self.topic_id} {self.given_on}"


class Finding(models.TextChoices):
    FINE = "fine", _("looked at, nothing to do")
    CONCERN = "concern", _("looked at, needs attention")
    NOT_APPLICABLE = "not-applicable", _("does not apply")


class ChecklistAnswer(Fact):
    """What a checklist item came to in one task; at most one answer stands."""

    task = models.ForeignKey(CareTask, models.PROTECT, related_name="answers")
    item = models.ForeignKey(ChecklistItem, models.PROTECT, related_name="answers")
    answer = models.CharField(max_length=16, choices=Finding)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "item"], condition=Q(voided_at=None), name="one_answer_per_item"),
            models.CheckConstraint(condition=VOIDED_WITH_REASON, name="answer_voided_with_reason"),
        ]
        triggers = fact("checklist_answer", PATIENT_OF_TASK, "task_id", "item_id", "answer")

    def __str__(self) -> str:
        return f"{self.item_id}: {self.answer}"
