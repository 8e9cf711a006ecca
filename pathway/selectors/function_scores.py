"""What the newest ALSFRS-R form of a patient comes to: total, stages, slopes, and what is unknown and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pathway.models import MeasureKind, Observation, Patient
from pathway.selectors import shown
from pathway.selectors.cases import Case

FORM, GASTROSTOMY = "alsfrs-r", "gastrostomy"
SCORES = ("alsfrs-total", "kings", "mitos", "dfs", "fs-slope")
# Short names of the items; what each score means is in the scale itself, which is licensed.
ITEMS = {
    "1": gettext_lazy("Speech"),
    "2": gettext_lazy("Salivation"),
    "3": gettext_lazy("Swallowing"),
    "4": gettext_lazy("Handwriting"),
    "5": gettext_lazy("Handling food"),
    "6": gettext_lazy("Dressing, hygiene"),
    "7": gettext_lazy("Turning in bed"),
    "8": gettext_lazy("Walking"),
    "9": gettext_lazy("Stairs"),
    "10": gettext_lazy("Dyspnea"),
    "11": gettext_lazy("Orthopnea"),
    "12": gettext_lazy("Breathing support"),
}


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is empty where it is unknown; then `note` says why."""

    title: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Staging:
    """`missing`: items without an answer, by number and name."""

    day: str
    scores: Sequence[Score]
    missing: Sequence[str]


def has_gastrostomy(case: Case) -> bool:
    """By the record, today."""
    return case.reader().is_active(GASTROSTOMY)


def is_asked(case: Case) -> bool:
    """Whether the pathway has a task that the form completes."""
    known = case.vocabulary.activities
    return any(FORM in known[row.activity].completed_by for row in case.version.record.rows)


def was_recorded(patient: Patient, at: datetime) -> bool:
    """Whether a form was stored at exactly that moment."""
    return Observation.objects.filter(patient=patient, kind=FORM, recorded_at=at).exists()


def staging(case: Case) -> Staging | None:
    """From the newest form that may be used; None when there is none."""
    forms = case.reader().usable(FORM)
    if not forms:
        return None
    newest = forms[-1]
    answered = {name.rstrip("ab") for name, value in newest.items.items() if value is not None}
    missing = [f"{number} {title}" for number, title in ITEMS.items() if number not in answered]
    kinds = {kind.code: kind for kind in MeasureKind.objects.filter(code__in=SCORES)}
    scores = [_score(case, kinds[code], bool(missing)) for code in SCORES if code in kinds]
    return Staging(shown.day(newest.day), scores, missing)


def _score(case: Case, kind: MeasureKind, is_incomplete: bool) -> Score:
    reading = case.reader().read(kind.code)
    if reading.is_known:
        return Score(kind.title, shown.reading(reading.value, kind.places, kind.unit))
    wanting = reading.missing - {FORM}
    if wanting:
        note = _("unknown: %(missing)s missing") % {"missing": shown.titles(wanting, case.vocabulary, {})}
    elif is_incomplete:
        note = _("unknown: the form is incomplete")
    elif kind.code == "fs-slope":
        note = _("unknown: no complete form of at least 28 days before")
    else:
        note = _("unknown")
    return Score(kind.title, "", note)
