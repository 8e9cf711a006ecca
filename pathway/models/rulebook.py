"""What can be observed and derived, and the rules that judge it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pathway.models import people
from pathway.models.definitions import Versioned, VersionStatus, child_of_published, frozen
from pathway.vocabulary import Severity


class ObservationKind(models.Model):
    """Listed for people and foreign keys; the ranges and factors are in the release's record."""

    code = models.CharField(primary_key=True, max_length=40)
    title = models.CharField(max_length=120)
    type = models.CharField(max_length=12)
    unit = models.CharField(max_length=20, blank=True)
    decimals = models.PositiveSmallIntegerField(default=0)
    terminology = models.CharField(max_length=120, blank=True)

    def __str__(self) -> str:
        return self.title


class MeasureKind(models.Model):
    """A derived value: a function of the software by code; the formula is its text for people."""

    code = models.CharField(primary_key=True, max_length=40)
    title = models.CharField(max_length=120)
    formula = models.TextField()
    unit = models.CharField(max_length=20, blank=True)
    places = models.PositiveSmallIntegerField(default=0)
    changes_daily = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.title


class RuleSet(models.Model):
    code = models.SlugField(unique=True)
    title = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.title


class RuleSetVersion(Versioned):
    rule_set = models.ForeignKey(RuleSet, models.PROTECT, related_name="versions")
    source = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule_set", "number"], name="one_rule_set_version_per_number"),
        ]
        triggers = frozen("rule_set_version_frozen")

    def __str__(self) -> str:
        return f"{self.rule_set.code} v{self.number}"


class Rule(models.Model):
    version = models.ForeignKey(RuleSetVersion, models.CASCADE, related_name="rules")
    code = models.CharField(max_length=32)
    title = models.CharField(max_length=200)
    applies = models.TextField(blank=True)
    test = models.TextField()
    severity = models.CharField(max_length=8, choices=Severity)
    mark = models.CharField(max_length=120, blank=True)
    citation = models.TextField(blank=True)
    review_by = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "code"], name="one_rule_per_code")]
        triggers = [child_of_published("rule_frozen", "changed.version_id", "pathway_rulesetversion")]

    def __str__(self) -> str:
        return self.code


class RuleSetUse(models.TextChoices):
    ACTIVE = "active", _("active: alerts, proposals and tasks")
    SHADOW = "shadow", _("shadow: recorded only")


class SiteRuleSet(models.Model):
    """A site follows a rule-set version, or watches it in shadow."""

    site = models.ForeignKey(people.Site, models.CASCADE, related_name="rule_sets")
    version = models.ForeignKey(
        RuleSetVersion, models.PROTECT, related_name="sites", limit_choices_to=Q(status=VersionStatus.PUBLISHED)
    )
    use = models.CharField(max_length=8, choices=RuleSetUse)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "version"], name="one_use_per_site_and_version")]

    def __str__(self) -> str:
        return f"{self.site}: {self.version} ({self.use})"
