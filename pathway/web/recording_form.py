"""The form of one observation kind: its units, values, items and context, as the catalogue lists them."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pathway.engine.catalogue import Kind
from pathway.selectors import function_scores, shown
from pathway.services.observations import NewObservation
from pathway.web import function_form
from pathway.web.forms import DayField, PlainForm, ReasonField

NONE_OF_THESE = "none-of-these"
TOKEN_LENGTH = 36
FOLDED = ("not_performable", "performable_reason")
CONTRADICTION = _("Some are ticked and “none of these” too")
YES_NO = [("yes", _("yes")), ("no", _("no"))]
CONTEXT_LABELS = {
    "uln": _("Upper limit of normal (same unit)"),
    "days": _("For how many days"),
    "reference": _("Reference values"),
    "omni": _("Exertion (OMNI)"),
}


class RecordForm(PlainForm):
    """Field names are those that a refusal names: value, unit, items.…, context.…, effective."""

    def __init__(self, *args: Any, kind: Kind, today: date, has_gastrostomy: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.has_gastrostomy = kind, has_gastrostomy
        self._add_value()
        for key, allowed in kind.context.items():
            self.add(f"context.{key}", _context_field(kind, key, allowed))
        self.add("effective", DayField(label=_("Date of the result"), initial=today))
        if kind.type not in ("event", "date"):
            self.add("not_performable", forms.BooleanField(label=_("Could not be performed"), required=False))
            self.add("performable_reason", ReasonField(label=_("Why it could not be performed"), required=False))
        self.add("token", forms.CharField(widget=forms.HiddenInput, initial=new_token, max_length=TOKEN_LENGTH))

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [field for field in self if field.name not in FOLDED]

    @property
    def folded_fields(self) -> list[forms.BoundField]:
        """What is asked only if the test could not be done."""
        return [field for field in self if field.name in FOLDED]

    @property
    def is_unfolded(self) -> bool:
        return any(field.errors or field.value() for field in self.folded_fields)

    def new_observation(self) -> NewObservation:
        """What was entered, as it was typed: checking is the engine's."""
        given = self.cleaned_data
        performable = not given.get("not_performable")
        context = {key[8:]: value for key, value in given.items() if key.startswith("context.") and value}
        return NewObservation(
            kind=self.kind.code,
            value=self._value() if performable else None,
            unit=(given.get("unit") or None) if performable else None,
            context=context,
            items=self._items() if performable else {},
            performable=performable,
            reason=given.get("performable_reason", ""),
            effective=given["effective"],
            source_id=given["token"],
        )

    def clean(self) -> dict[str, Any]:
        """An empty value is no answer, unless the form says that there is none to give."""
        given = super().clean() or {}
        if given.get("not_performable"):
            if not given.get("performable_reason"):
                self.add_error("performable_reason", _("Say why it could not be performed"))
            if given.get("value") or self._items():
                self.add_error("not_performable", _("A result was entered, too: one of the two is wrong"))
            return given
        if self.kind.type == "set" and NONE_OF_THESE in given.get("value", []) and len(given["value"]) > 1:
            self.add_error("value", CONTRADICTION)
        if "value" in self.fields and "value" not in self.errors and given.get("value") in (None, "", []):
            self.add_error("value", _("This is needed"))
        if self.kind.code == function_scores.FORM:
            function_form.check(self, given)
        if self.kind.type == "panel" and not self._items():
            first = next(name for name in self.fields if name.startswith("items."))
            self.add_error(first, _("Answer at least one item"))
        return given

    def field_of(self, refused: str) -> str:
        return function_form.field_of(refused) if self.kind.code == function_scores.FORM else refused

    # fields

    def _add_value(self) -> None:
        kind = self.kind
        if kind.type == "quantity":
            attrs = {"inputmode": "decimal", "autocomplete": "off", "data-narrow": "number"}
            text = forms.TextInput(attrs=attrs)
            self.add("value", forms.CharField(label=kind.title, required=False, widget=text, max_length=40))
            units = [(code, shown.unit(code) or code) for code in kind.units]
            self.add("unit", forms.ChoiceField(label=_("Unit"), choices=units, initial=kind.unit, required=False))
        elif kind.code == function_scores.FORM:
            function_form.add(self, has_gastrostomy=self.has_gastrostomy)
        elif kind.type == "panel":
            for item in kind.items:
                self.add(f"items.{item}", _item_field(item))
        elif kind.type == "date":
            self.add("value", DayField(label=kind.title, required=False))
        elif kind.type != "event":
            self.add("value", choice_field(kind))

    # what was typed

    def _value(self) -> object:
        value = self.cleaned_data.get("value")
        if self.kind.type == "boolean":
            return value == "yes"
        if self.kind.type == "event":
            return True
        if self.kind.type == "set":
            return [one for one in value or [] if one != NONE_OF_THESE]
        return None if self.kind.type == "panel" else value

    def _items(self) -> dict[object, object]:
        if self.kind.type != "panel":
            return {}
        if self.kind.code == function_scores.FORM:
            return function_form.items(self.cleaned_data)
        found: dict[object, object] = {}
        for name, value in self.cleaned_data.items():
            if name.startswith("items.") and value not in (None, ""):
                found[name[6:]] = value == "yes" if name == "items.significant" else value
        return found


def new_token() -> str:
    """Sent twice, a form is stored once."""
    return str(uuid.uuid4())


def choice_field(kind: Kind) -> forms.Field:
    if kind.type == "boolean":
        return forms.ChoiceField(label=kind.title, choices=YES_NO, widget=forms.RadioSelect, required=False)
    if kind.type == "coded":
        choices = [(one, shown.words(one)) for one in kind.values]
        return forms.ChoiceField(label=kind.title, choices=choices, widget=forms.RadioSelect, required=False)
    answers = [*((one, shown.words(one)) for one in kind.items), (NONE_OF_THESE, _("none of these"))]
    return forms.MultipleChoiceField(
        label=kind.title, choices=answers, widget=forms.CheckboxSelectMultiple, required=False
    )


def _item_field(item: str) -> forms.Field:
    label = shown.item_title(item)
    if item == "significant":
        return forms.ChoiceField(label=label, choices=[("", _("not answered")), *YES_NO], required=False)
    attrs = {"inputmode": "numeric", "data-narrow": "number"}
    return forms.CharField(label=label, required=False, max_length=10, widget=forms.TextInput(attrs=attrs))


def _context_field(kind: Kind, key: str, allowed: tuple[str, ...]) -> forms.Field:
    label = CONTEXT_LABELS.get(key, shown.words(key).capitalize())
    is_needed = key in kind.required_context
    if not allowed:
        return forms.CharField(label=label, required=is_needed, max_length=100)
    default = kind.default_context.get(key)
    unsaid = _("as usual (%(value)s)") % {"value": shown.words(default)} if default else _("not stated")
    names = {"true": _("yes"), "false": _("no")}
    choices: list[Any] = [("", unsaid), *((one, names.get(one, shown.words(one))) for one in allowed)]
    return forms.ChoiceField(label=label, choices=choices, required=is_needed)
