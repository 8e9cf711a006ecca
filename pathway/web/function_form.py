"""The fields of the ALSFRS-R: twelve scores by short name, item 5 in the one form that fits the patient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pathway.selectors import function_scores
from pathway.web.forms import PlainForm

GASTROSTOMY, ITEM = "gastrostomy", "items."
SCORES = [("", _("not answered")), *((str(n), str(n)) for n in range(4, -1, -1))]
ANSWERS = [("no", _("no: item 5 is 5a")), ("yes", _("yes: item 5 is 5b"))]


def add(form: PlainForm, *, has_gastrostomy: bool, prefix: str = "") -> None:
    """Whether there is a gastrostomy first: it decides which form of item 5 the answer is stored as."""
    field = forms.ChoiceField(
        label=_("Gastrostomy"),
        choices=ANSWERS,
        widget=forms.RadioSelect,
        initial="yes" if has_gastrostomy else "no",
        required=False,
    )
    form.add(prefix + GASTROSTOMY, field)
    for number, title in function_scores.ITEMS.items():
        score = forms.ChoiceField(label=f"{number} {title}", choices=SCORES, required=False)
        form.add(f"{prefix}{ITEM}{number}", score)


def check(form: PlainForm, given: Mapping[str, Any], prefix: str = "") -> None:
    """Item 5 says nothing without the answer about the gastrostomy."""
    if given.get(f"{prefix}{ITEM}5") and not given.get(prefix + GASTROSTOMY):
        form.add_error(prefix + GASTROSTOMY, _("Say whether there is a gastrostomy"))


def items(given: Mapping[str, Any], prefix: str = "") -> dict[object, object]:
    """The answers by the names of the vocabulary; what was not answered is left out."""
    fifth = "5b" if given.get(prefix + GASTROSTOMY) == "yes" else "5a"
    found: dict[object, object] = {}
    for number in function_scores.ITEMS:
        answer = given.get(f"{prefix}{ITEM}{number}")
        if answer not in (None, ""):
            found[fifth if number == "5" else number] = answer
    return found


def field_of(refused: str, prefix: str = "") -> str:
    """The field that a refusal means: 5a and 5b are one field here."""
    return f"{prefix}{ITEM}5" if refused in (f"{ITEM}5a", f"{ITEM}5b") else prefix + refused
