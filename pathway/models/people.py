"""Sites, the people who work there, and patients."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import pgtrigger
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.functions import RandomUUID
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Replace, Upper
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from pathway.engine import schedule
from pathway.vocabulary import FvcEquation, Region, Role, Sex

CALENDAR = {"holiday_country", "clinic_weekdays"}


def known_country(code: str) -> None:
    """Raises ValidationError for a country or region whose holidays nobody knows."""
    try:
        schedule.working_days(code, range(7))
    except ValueError as error:
        raise ValidationError(
            _("No holidays are known for %(code)s."), code="unknown-country", params={"code": code}
        ) from error


class Site(models.Model):
    """A clinic: its calendar and the rule sets that it follows."""

    slug = models.SlugField(unique=True)
    name = models.CharField(_("name"), max_length=200)
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/London")
    holiday_country = models.CharField(
        _("holiday country"),
        max_length=8,
        blank=True,
        validators=[known_country],
        help_text=_("Two letters, and a region after a hyphen where it has holidays of its own: GB, GB-SCT, DE-BY."),
    )
    region = models.CharField(_("region"), max_length=2, choices=Region, default=Region.EU)
    requires_mfa = models.BooleanField(
        _("second factor required"),
        default=True,
        db_default=True,
        help_text=_("Who works here signs in with an authenticator or a security key besides the password."),
    )
    clinic_weekdays = models.CharField(
        _("clinic weekdays"),
        max_length=13,
        default="0,1,2,3,4",
        validators=[RegexValidator(r"^[0-6](,[0-6])*$", _("Numbers from 0 (Monday) to 6 (Sunday), with commas."))],
    )
    # Another one whenever its closures change, see `models.calendars`.
    calendar_key = models.UUIDField(default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    feed_shows_initials = models.BooleanField(
        _("initials in calendar feeds"),
        default=False,
        db_default=False,
        help_text=_("Feeds are read outside of Pathway. Names are never in them; initials only where this is set."),
    )
    reminder_time = models.TimeField(_("time of day for reminders"), default="08:00")
    is_demo = models.BooleanField(default=False)
    demo_patients = models.PositiveIntegerField(default=0, db_default=0)  # how many are being invented for it
    fvc_equation = models.CharField(
        _("equation for predicted FVC"),
        max_length=8,
        choices=FvcEquation,
        default=FvcEquation.NONE,
        db_default="",
        blank=True,
        help_text=_("Percent of predicted is then computed where litres are recorded without it."),
    )

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(fvc_equation__in=FvcEquation.values), name="known_fvc_equation"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises ValidationError for a calendar that nobody could read, whoever saves it."""
        self.clean_fields(exclude={field.name for field in self._meta.fields} - CALENDAR)
        if not self._state.adding and kwargs.get("update_fields") is None:
            # An instance that was read before its closures changed does not bring the old key back.
            kwargs["update_fields"] = [
                f.name for f in self._meta.concrete_fields if f.name not in ("id", "calendar_key")
            ]
        super().save(*args, **kwargs)


class User(AbstractUser):
    """Someone who signs in. What they may see is decided by membership and care team, never by is_superuser."""

    must_change_password = models.BooleanField(
        _("must choose a new password"),
        default=False,
        db_default=False,
        help_text=_("Somebody else knows the present one."),
    )
    is_service = models.BooleanField(
        _("service account"),
        default=False,
        db_default=False,
        help_text=_("A program: it has tokens, and never signs in."),
    )
    # Part of what every session carries: a higher number ends all sessions of this account.
    session_epoch = models.PositiveIntegerField(default=0, db_default=0, editable=False)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(is_service=False) | Q(is_staff=False, is_superuser=False), name="no_service_is_staff"
            ),
        ]
        triggers = [
            # A disabled account that is enabled again finds none of its old sessions, whoever wrote the row; and a
            # row that was read before sessions were ended does not bring them back when it is saved.
            pgtrigger.Trigger(
                name="sessions_end",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                    NEW.session_epoch = greatest(NEW.session_epoch, OLD.session_epoch);
                    IF NEW.is_active IS DISTINCT FROM OLD.is_active THEN
                        NEW.session_epoch = NEW.session_epoch + 1;
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """What a session is compared with at each request: the password, and the epoch."""
        text = f"{self.password}:{self.session_epoch}"
        return salted_hmac("pathway.session", text, secret=secret, algorithm="sha256").hexdigest()


class Membership(models.Model):
    """A user holds a role at a site."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    site = models.ForeignKey(Site, models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=32, choices=Role)
    is_active = models.BooleanField(_("active"), default=True)
    # Given by the single sign-on, which takes it away again.
    from_claims = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "site", "role"], name="one_membership_per_role")]

    def __str__(self) -> str:
        return f"{self.user} – {self.get_role_display()} – {self.site}"


class Unscoped(RuntimeError):
    """A query for patients that says neither for whom it asks nor why it asks for everybody."""


class PatientManager(models.Manager["Patient"]):
    """Answers to `visible_to`, and to `unscoped` with a reason. Everything else a manager can do raises Unscoped."""

    def visible_to(self, user: User, at: datetime) -> models.QuerySet[Patient]:
        """Whom the user sees at this instant, by the view of `models.grants.Sight`. No bypass for anybody."""
        seen = RawSQL("SELECT seen FROM pathway_seen_by(%s, %s) seen", [user.pk, at])
        return super().get_queryset().filter(pk__in=seen)

    def unscoped(self, reason: str) -> models.QuerySet[Patient]:
        """Patients of everybody, for what serves no single person. The reasons are listed in a test."""
        if not reason:
            raise Unscoped("Say why all patients are asked for")
        return super().get_queryset()

    def create(self, **columns: Any) -> Patient:
        """A new one: nobody is looked at."""
        return super().get_queryset().create(**columns)

    def none(self) -> models.QuerySet[Patient]:
        return super().get_queryset().none()

    def get_queryset(self) -> models.QuerySet[Patient]:
        raise Unscoped("Ask for patients with visible_to(user, at), or with unscoped(reason)")


def number_key(number: str) -> str:
    """Hospital numbers that differ in case or blanks only are the same number; see `NUMBER_KEY`."""
    return number.replace(" ", "").upper()


NUMBER_KEY = Upper(Replace(F("identifier"), Value(" "), Value("")))  # in the database


class Patient(models.Model):
    """One person. The random UUID is the only name used in addresses."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    site = models.ForeignKey(Site, models.PROTECT, related_name="patients")
    given_name = models.CharField(_("given name"), max_length=100)
    family_name = models.CharField(_("family name"), max_length=100)
    identifier = models.CharField(_("hospital number"), max_length=64)
    birth_date = models.DateField(_("birth date"), null=True)
    birth_date_is_estimated = models.BooleanField(_("birth date is an estimate"), default=False)
    sex = models.CharField(_("sex"), max_length=8, choices=Sex, default=Sex.UNKNOWN)
    died_on = models.DateField(_("date of death"), null=True, blank=True)
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="merged_from")
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True, blank=True)  # nothing but this row is left

    objects = PatientManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                F("site"), NUMBER_KEY, condition=Q(erased_at=None), name="one_patient_per_identifier"
            ),
            models.CheckConstraint(
                condition=Q(died_on=None) | Q(birth_date=None) | Q(died_on__gte=F("birth_date")),
                name="death_not_before_birth",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.family_name}, {self.given_name}"


class CareTeamMemberQuerySet(models.QuerySet["CareTeamMember"]):
    def current(self, at: datetime) -> CareTeamMemberQuerySet:
        return self.filter(since__lte=at).filter(Q(until=None) | Q(until__gt=at))


class CareTeamMember(models.Model):
    """A user cares for a patient in a role, from since until until."""

    patient = models.ForeignKey(Patient, models.CASCADE, related_name="team")
    user = models.ForeignKey(User, models.CASCADE, related_name="care_teams")
    role = models.CharField(_("role"), max_length=32, choices=Role)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)

    objects = CareTeamMemberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "user", "role"], condition=Q(until=None), name="one_open_team_place"
            ),
        ]
        indexes = [models.Index(fields=["user", "patient"], name="care_team_user_patient")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"
