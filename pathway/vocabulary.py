"""The words that code itself must know. Everything a clinic may list as data lives in `fixtures/vocabulary/`."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """Vocabulary section 1."""

    NEUROLOGIST = "neurologist", _("Neurologist")
    RESPIRATORY_PHYSICIAN = "respiratory-physician", _("Respiratory physician")
    RESPIRATORY_PHYSIO = "respiratory-physio", _("Respiratory physiotherapist or physiologist")
    DIETITIAN = "dietitian", _("Dietitian")
    PHYSIOTHERAPIST = "physiotherapist", _("Physiotherapist")
    OCCUPATIONAL_THERAPIST = "occupational-therapist", _("Occupational therapist")
    SPEECH_THERAPIST = "speech-therapist", _("Speech and language therapist")
    NURSE_COORDINATOR = "nurse-coordinator", _("Nurse coordinator")
    PALLIATIVE = "palliative", _("Palliative care")
    PSYCHOSOCIAL = "psychosocial", _("Psychology and social work")
    ORTHOPAEDICS = "orthopaedics", _("Spine and orthopaedic surgery")
    GASTROENTEROLOGY = "gastroenterology", _("Gastrostomy service")
    PHARMACIST = "pharmacist", _("Pharmacist")
    GENETICIST = "geneticist", _("Geneticist")
    ADMIN = "admin", _("Administrator (no clinical tasks)")
    # Not in the vocabulary, which lists who has tasks and who configures.
    AUDITOR = "auditor", _("Auditor (reads who looked at what, no patients)")


class Sex(TextChoices):
    MALE = "male", _("male")
    FEMALE = "female", _("female")
    UNKNOWN = "unknown", _("unknown")


class Severity(TextChoices):
    NONE = "none", _("none")
    INFO = "info", _("information")
    WARNING = "warning", _("warning")
    URGENT = "urgent", _("urgent")


class SkipReason(TextChoices):
    DECLINED = "declined", _("declined by the patient")
    UNABLE = "unable", _("unable to do it")
    NOT_APPROPRIATE = "not-appropriate", _("not appropriate")
    DONE_ELSEWHERE = "done-elsewhere", _("done elsewhere")


class Region(TextChoices):
    EU = "EU", _("European Union")
    US = "US", _("United States")


class FvcEquation(TextChoices):
    """Published equations by which a site has percent of predicted computed from litres (never GLI tables)."""

    NONE = "", _("none: percentages are entered")
    ECSC = "ecsc", _("ECSC 1993, 18 to 70 years")
    NHANES3 = "nhanes3", _("NHANES III, white set, from 8 years")


# Roles that care for nobody: neither gives sight of a patient.
NO_CARE = frozenset({Role.ADMIN, Role.AUDITOR})

OVERALL_TRACK = "overall"
CLOSED_STAGE = "O9"  # the one stage that the server sets by itself: death and withdrawal
TREATMENT_TRACK = "treatment"
COORDINATOR = Role.NURSE_COORDINATOR
BEREAVEMENT = "bereavement-contact"
