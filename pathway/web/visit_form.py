"""The form of a whole visit: the usual results on one page, stored and judged together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pathway import errors
from pathway.engine import chart, entries
from pathway.engine.catalogue import Kind
from pathway.selectors import function_scores, shown
from pathway.services.observations import NewObservation
from pathway.web import function_form
from pathway.web.forms import DayField, PlainForm
from pathway.web.recording_form import CONTRADICTION, NONE_OF_THESE, TOKEN_LENGTH, choice_field, new_token

QUANTITIES = ("weight", "fvc-pct", "snip", "mip", "spo2")
SYMPTOMS = "respiratory-symptoms"
SCALE = f"{function_scores.FORM}."
# Said here so that nobody has to choose it: a result under other circumstances has a form of its own.
CONTEXT: Mapping[str, Mapping[str, str]] = {"fvc-pct": {"posture": "sitting"}, "spo2": {"activity": "rest"}}
LABELS = {"fvc-pct": _("FVC, % of predicted, sitting"), "mip": _("MIP"), "spo2": _("SpO₂ at rest")}


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the form: the number, its unit and the newest result so far."""

    value: forms.BoundField
    unit: forms.BoundField
    last: str


class VisitForm(PlainForm):
    """What is left empty was not measured and not asked; `none of these` is an answer."""

    def __init__(
        self,
        *args: Any,
        kinds: Mapping[str, Kind],
        birth: date | None,
        today: date,
        with_scale: bool,
        has_gastrostomy: bool,
        last: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kinds, self.birth, self.today, self.with_scale, self.last = kinds, birth, today, with_scale, last
        self.add("effective", DayField(label=_("Date of the visit"), initial=today))
        for code in QUANTITIES:
            self._add_quantity(kinds[code])
        self.add(f"{SYMPTOMS}.value", choice_field(kinds[SYMPTOMS]))
        if with_scale:
            function_form.add(self, has_gastrostomy=has_gastrostomy, prefix=SCALE)
        self.add("token", forms.CharField(widget=forms.HiddenInput, initial=new_token, max_length=TOKEN_LENGTH))

    @property
    def measured(self) -> list[Measured]:
        return [Measured(self[f"{c}.value"], self[f"{c}.unit"], self.last.get(c, "")) for c in QUANTITIES]

    @property
    def symptoms(self) -> forms.BoundField:
        return self[f"{SYMPTOMS}.value"]

    @property
    def gastrostomy(self) -> forms.BoundField:
        return self[f"{SCALE}{function_form.GASTROSTOMY}"]

    @property
    def scores(self) -> list[forms.BoundField]:
        return [self[f"{SCALE}{function_form.ITEM}{number}"] for number in function_scores.ITEMS]

    @property
    def is_scale_open(self) -> bool:
        return any(field.errors or field.value() for field in self.scores)

    def clean(self) -> dict[str, Any]:
        """Every entry is checked by itself, so that what is wrong is said where it was typed."""
        given = super().clean() or {}
        ticked = given.get(f"{SYMPTOMS}.value") or []
        if NONE_OF_THESE in ticked and len(ticked) > 1:
            self.add_error(f"{SYMPTOMS}.value", CONTRADICTION)
        if self.with_scale:
            function_form.check(self, given, SCALE)
        if self.errors:
            return given
        found = self.new_observations()
        if not found:
            raise forms.ValidationError(_("Nothing has been entered"))
        day = given["effective"]
        for new in found:
            self._check(new, day)
        return given

    def new_observations(self) -> list[NewObservation]:
        """One form in the order of the page; only what was entered."""
        given, found = self.cleaned_data, []
        for code in QUANTITIES:
            if given.get(f"{code}.value"):
                unit = given.get(f"{code}.unit") or None
                found.append(self._new(code, value=given[f"{code}.value"], unit=unit, context=CONTEXT.get(code, {})))
        if given.get(f"{SYMPTOMS}.value"):
            ticked = [one for one in given[f"{SYMPTOMS}.value"] if one != NONE_OF_THESE]
            found.append(self._new(SYMPTOMS, value=ticked))
        items = function_form.items(given, SCALE) if self.with_scale else {}
        if items:
            found.append(self._new(function_scores.FORM, items=items))
        return found

    def _new(self, code: str, **told: Any) -> NewObservation:
        given = self.cleaned_data
        return NewObservation(code, effective=given["effective"], source_id=f"{given['token']}.{code}", **told)

    def _check(self, new: NewObservation, day: date) -> None:
        age = chart.age_in_years(self.birth, day) if self.birth is not None else None
        entry = entries.Entry(new.value, new.unit, new.context, new.items, day=day)
        try:
            entries.check(self.kinds[new.kind], entry, age=age, today=self.today)
        except errors.InvalidEntry as refused:
            prefix = f"{new.kind}."
            field = function_form.field_of(refused.field, prefix) if prefix == SCALE else prefix + refused.field
            shared = "effective" if refused.field == "effective" else None
            at_fault = field if field in self.fields else shared
            if at_fault != "effective" or not self.has_error("effective"):
                self.add_error(at_fault, refused.reason)

    def _add_quantity(self, kind: Kind) -> None:
        attrs = {"inputmode": "decimal", "autocomplete": "off", "data-narrow": "number"}
        text = forms.TextInput(attrs=attrs)
        label = LABELS.get(kind.code, kind.title)
        self.add(f"{kind.code}.value", forms.CharField(label=label, required=False, widget=text, max_length=40))
        units = [(code, shown.unit(code) or code) for code in kind.units]
        unit = forms.ChoiceField(label=_("Unit"), choices=units, initial=kind.unit, required=False)
        self.add(f"{kind.code}.unit", unit)
