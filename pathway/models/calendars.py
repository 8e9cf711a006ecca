"""When a site is closed, what it does otherwise than the release says, and addresses of calendar feeds."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from pathway.models.people import Site, User
from pathway.models.plans import Activity, Ladder, Shift


def _span(kind: str, first: str, last: str) -> Func:
    """A range with both its ends. Ranges of both kinds share one index, which needs no extension that way."""
    return Func(F(first), F(last), function=kind, template="%(function)s(%(expressions)s, '[]')")


class Closure(models.Model):
    """Days, the last one included, on which nobody works at the site."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="closures")
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="closure_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(reason=""), name="closure_has_a_reason"),
            ExclusionConstraint(
                name="closures_do_not_overlap",
                expressions=[
                    (_span("int8range", "site", "site"), RangeOperators.OVERLAPS),
                    (_span("daterange", "first_day", "last_day"), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        triggers = [
            # Whoever keeps what a calendar says, keeps it under this key.
            pgtrigger.Trigger(
                name="calendar_changes",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("changed", "bigint")],
                func="""
                    IF TG_OP = 'DELETE' THEN changed := OLD.site_id; ELSE changed := NEW.site_id; END IF;
                    UPDATE pathway_site SET calendar_key = gen_random_uuid() WHERE id = changed;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_day} to {self.last_day}: {self.reason}"


class SiteActivity(models.Model):
    """What a site does otherwise than the release says. Empty: as the release says."""

    site = models.ForeignKey(Site, models.CASCADE, related_name="activities")
    activity = models.ForeignKey(Activity, models.CASCADE, related_name="sites")
    shift = models.CharField(
        _("day without clinic"),
        max_length=8,
        choices=Shift,
        blank=True,
        help_text=_("Where a due day falls on one. Empty: as the release says. Tasks that are open keep their days."),
    )
    ladder = models.ForeignKey(
        Ladder,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="site_activities",
        verbose_name=_("ladder"),
        help_text=_("Empty: that of the release. Open tasks go on with the rungs whose day is still to come."),
    )

    class Meta:
        verbose_name = _("activity at a site")
        verbose_name_plural = _("activities at sites")
        constraints = [
            models.UniqueConstraint(fields=["site", "activity"], name="one_row_per_site_and_activity"),
            models.CheckConstraint(condition=Q(shift__in=["", *Shift.values]), name="known_shift_at_site"),
            models.CheckConstraint(condition=~Q(shift="", ladder=None), name="site_activity_says_something"),
        ]

    def __str__(self) -> str:
        return f"{self.activity_id} at {self.site}"


class CalendarFeed(models.Model):
    """The address of a calendar: of what a person has to do, or of a whole site for one who coordinates it.

    Only the SHA-256 of its secret is stored: with 256 random bits it needs no slow hash.
    """

    person = models.ForeignKey(User, models.CASCADE, related_name="calendar_feeds")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="calendar_feeds")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    # As the account's when it was made: what ends all sessions of an account ends its feeds.
    session_epoch = models.PositiveIntegerField(editable=False)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "site"], condition=Q(revoked_at=None), nulls_distinct=False, name="one_live_feed"
            ),
        ]

    def __str__(self) -> str:
        return f"calendar of {self.person_id}"
