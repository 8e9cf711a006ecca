"""What a pathway is: versions that freeze when published, with tracks, stages, routes and schedule rows."""

from __future__ import annotations

from typing import Any

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from pathway.models.lifecycle import Lifecycle


class VersionStatus(models.TextChoices):
    DRAFT = "draft", _("draft")
    IN_REVIEW = "in-review", _("in review")
    PUBLISHED = "published", _("published")
    RETIRED = "retired", _("retired")


class Release(models.Model):
    """The vocabulary of one software release: kinds, activities, interventions, calendars, ladders.

    `record` is what the engine is compiled from; the newest release is the present one.
    """

    digest = models.CharField(max_length=64)
    record = models.JSONField()
    loaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.digest[:12]


class Pathway(models.Model):
    """A kind of care, such as ALS with limb onset."""

    code = models.SlugField(unique=True)
    title = models.CharField(_("title"), max_length=200)

    def __str__(self) -> str:
        return self.title


class Versioned(Lifecycle):
    """A definition that is written as a draft, reviewed, published (then frozen) and retired."""

    number = models.PositiveIntegerField()
    status = FSMField(choices=VersionStatus.choices, default=VersionStatus.DRAFT, protected=True)
    record = models.JSONField()  # what was published, compiled at run time; shown, never searched
    digest = models.CharField(max_length=64)
    origin = models.CharField(max_length=16, default="local")  # local | shipped
    change_note = models.TextField(blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @transition(field=status, source=VersionStatus.DRAFT, target=VersionStatus.IN_REVIEW)
    def submit(self) -> None:
        """Ask a second person to look."""

    @transition(field=status, source=VersionStatus.IN_REVIEW, target=VersionStatus.PUBLISHED)
    def publish(self) -> None:
        """Freeze it: from here on a trigger refuses every change."""

    @transition(field=status, source=VersionStatus.PUBLISHED, target=VersionStatus.RETIRED)
    def retire(self) -> None:
        """No new enrollments; those that run on it stay."""


FROZEN_COLUMNS = ("record", "digest", "number")


def frozen(name: str) -> list[pgtrigger.Trigger]:
    """Refuses to change what a published version says, to take it back, or to delete it."""
    changed = pgtrigger.Q()
    for column in FROZEN_COLUMNS:
        changed |= pgtrigger.Q(**{f"old__{column}__df": pgtrigger.F(f"new__{column}")})
    published = pgtrigger.Q(old__status__in=["published", "retired"])
    back = pgtrigger.Q(old__status="published") & ~pgtrigger.Q(new__status__in=["published", "retired"])
    again = pgtrigger.Q(old__status="retired") & ~pgtrigger.Q(new__status="retired")
    return [
        pgtrigger.Protect(name=name, operation=pgtrigger.Update, condition=(published & changed) | back | again),
        pgtrigger.Protect(name=f"{name}_kept", operation=pgtrigger.Delete, condition=published),
    ]


class PathwayVersion(Versioned):
    pathway = models.ForeignKey(Pathway, models.PROTECT, related_name="versions")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pathway", "number"], name="one_pathway_version_per_number"),
        ]
        triggers = frozen("pathway_version_frozen")

    def __str__(self) -> str:
        return f"{self.pathway.code} v{self.number}"


def child_of_published(name: str, lookup: str, table: str = "pathway_pathwayversion") -> pgtrigger.Trigger:
    """Refuses every change below a published version; `lookup` finds the version's id from the row R."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        declare=[("changed", "RECORD")],
        func=f"""
            IF TG_OP = 'INSERT' THEN changed := NEW; ELSE changed := OLD; END IF;
            IF EXISTS (SELECT 1 FROM {table} v
                       WHERE v.id = ({lookup}) AND v.status IN ('published', 'retired')) THEN
                RAISE EXCEPTION 'pathway: a published version never changes (%)', TG_TABLE_NAME;
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        """,
    )


OF_TRACK = "SELECT version_id FROM pathway_track WHERE id = changed.{}"
OF_STAGE = "SELECT t.version_id FROM pathway_track t JOIN pathway_stage s ON s.track_id = t.id WHERE s.id = changed.{}"


class Track(models.Model):
    """One strand of care that moves by itself: breathing, nutrition, mobility…"""

    version = models.ForeignKey(PathwayVersion, models.CASCADE, related_name="tracks")
    code = models.CharField(max_length=32)
    title = models.CharField(max_length=100)
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "code"], name="one_track_per_code")]
        triggers = [child_of_published("track_frozen", "changed.version_id")]

    def __str__(self) -> str:
        return self.title


class Stage(models.Model):
    track = models.ForeignKey(Track, models.CASCADE, related_name="stages")
    code = models.CharField(max_length=16)
    title = models.CharField(max_length=100)
    rank = models.PositiveSmallIntegerField()
    is_initial = models.BooleanField(default=False)
    is_terminal = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["track", "code"], name="one_stage_per_code"),
            models.UniqueConstraint(fields=["track", "rank"], name="one_stage_per_rank"),
            models.UniqueConstraint(fields=["track"], condition=Q(is_initial=True), name="one_initial_stage"),
        ]
        triggers = [child_of_published("stage_frozen", OF_TRACK.format("track_id"))]

    def __str__(self) -> str:
        return f"{self.code} {self.title}"


class RouteMode(models.TextChoices):
    PROPOSAL = "proposal", _("by an accepted proposal")
    AUTOMATIC = "automatic", _("by itself")
    MANUAL = "manual", _("by hand only")


class Route(models.Model):
    """A way from one stage to another of the same track. It names no rule: a rule's effects name the target."""

    source = models.ForeignKey(Stage, models.CASCADE, related_name="routes_out")
    target = models.ForeignKey(Stage, models.CASCADE, related_name="routes_in")
    mode = models.CharField(max_length=10, choices=RouteMode, default=RouteMode.PROPOSAL)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "target"], name="one_route_per_pair"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="a_route_leads_somewhere"),
        ]
        triggers = [
            child_of_published("route_frozen", OF_STAGE.format("source_id")),
            pgtrigger.Trigger(
                name="route_within_one_track",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF (SELECT track_id FROM pathway_stage WHERE id = NEW.source_id)
                       <> (SELECT track_id FROM pathway_stage WHERE id = NEW.target_id) THEN
                        RAISE EXCEPTION 'pathway: a route joins two stages of one track';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source.code} → {self.target.code}"


Record = dict[str, Any]
