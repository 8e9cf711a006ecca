"""How people want to hear of what waits for them, and who hears of it while they are away. The inbox is always on."""

from __future__ import annotations

import re

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from pathway.models.people import User

# Where somebody is found on a channel: a name, number or address. What was encoded for a URL is undone on its way, so
# what could mean more than itself in one is not taken at all.
PLAIN_ADDRESS = re.compile(r"(?!.*\.\.)[A-Za-z0-9@+_][A-Za-z0-9@+_.-]{0,199}\Z")

DIGEST_HOUR = 8  # of the day at the person's site, unless they choose another


class MessageSettings(models.Model):
    """Of one person, who changes them. Without a row: a digest by e-mail at eight, if the account has an address."""

    person = models.OneToOneField(User, models.CASCADE, related_name="message_settings")
    by_email = models.BooleanField(_("by e-mail"), default=True)
    digest_hour = models.PositiveSmallIntegerField(
        _("hour of the digest"), default=DIGEST_HOUR, validators=[MaxValueValidator(23)]
    )
    quiet_from = models.TimeField(_("quiet from"), null=True, blank=True)
    quiet_until = models.TimeField(_("quiet until"), null=True, blank=True)
    absent_from = models.DateField(_("away from"), null=True, blank=True)
    absent_until = models.DateField(_("away until"), null=True, blank=True)  # that day included
    deputy = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name_plural = "message settings"
        constraints = [
            models.CheckConstraint(condition=Q(digest_hour__lte=23), name="digest_hour_of_a_day"),
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None)
                | Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until")),
                name="quiet_hours_are_whole",
            ),
            models.CheckConstraint(
                condition=Q(absent_from=None, absent_until=None, deputy=None)
                | Q(absent_from__isnull=False, absent_until__isnull=False, absent_until__gte=F("absent_from")),
                name="absence_is_whole",
            ),
            models.CheckConstraint(condition=Q(deputy=None) | ~Q(deputy=F("person")), name="nobody_is_their_deputy"),
        ]

    def __str__(self) -> str:
        return f"messages of {self.person_id}"


class PersonalChannel(models.Model):
    """A channel that the operator offers, and where the person is found on it."""

    person = models.ForeignKey(User, models.CASCADE, related_name="personal_channels")
    channel = models.CharField(max_length=16)
    address = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "channel"], name="one_address_per_channel")]

    def __str__(self) -> str:
        return f"{self.channel} of {self.person_id}"
