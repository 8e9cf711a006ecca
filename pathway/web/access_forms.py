"""Forms of access that is given for a time: in an emergency, as a cover, and its review."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from pathway.selectors.choices import Choice
from pathway.services.emergencies import REASON_LENGTH
from pathway.web.forms import DayField, PlainForm, ReasonField, dress


class EmergencyForm(PlainForm):
    """The password only where the person has not proved lately that it is they."""

    number = forms.CharField(label=_("Hospital number"), max_length=64, help_text=_("The whole number, as written."))
    birth_date = DayField(label=_("Birth date"), required=False, help_text=_("Empty where none is known."))
    reason = forms.CharField(
        label=_("What happened"), max_length=REASON_LENGTH, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(
        self, *args: Any, sites: Sequence[Choice], codes: Sequence[Choice], asks_password: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if len(sites) > 1:
            self.add("site", forms.ChoiceField(label=_("Site"), choices=[("", _("Choose one")), *sites]))
        self.add("code", forms.ChoiceField(label=_("Why"), choices=codes, widget=forms.RadioSelect))
        if asks_password:
            widget = forms.PasswordInput(attrs={"autocomplete": "current-password", "class": "nhsuk-input"})
            hint = _("Asked again unless you have signed in within the last 15 minutes.")
            self.add("password", forms.CharField(label=_("Your password"), widget=widget, help_text=hint))
        self.order_fields(["site", "number", "birth_date", "code", "reason", "password"])


class ReviewAccessForm(PlainForm):
    justified = forms.ChoiceField(
        label=_("Was it justified?"),
        choices=[("yes", _("Yes")), ("no", _("No: it ends now, and is followed up"))],
        widget=forms.RadioSelect,
    )
    note = ReasonField(label=_("Note"), required=False, help_text=_("Needed where it was not justified."))


class MomentInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M", attrs={"data-narrow": "moment", "class": "nhsuk-input"})


class MomentField(forms.DateTimeField):
    """Date and time of day at a site."""

    def __init__(self, zone: str, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%dT%H:%M"], widget=MomentInput(), **kwargs)
        self.zone = zone

    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        # Django reads it in the zone of the server; what was typed is meant as at the site.
        return found.replace(tzinfo=ZoneInfo(self.zone)) if found is not None else None


class CoverForm(PlainForm):
    """Who, for whom, from when to when, and why."""

    def __init__(self, *args: Any, people: Sequence[Choice], away: Sequence[Choice], zone: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"] = forms.ChoiceField(label=_("Who"), choices=[("", _("Choose one")), *people])
        self.fields["instead_of"] = forms.ChoiceField(
            label=_("Stands in for"),
            choices=[("", _("Nobody: on call for the whole site")), *away],
            required=False,
            help_text=_("Of the same role. Up to 90 days; on call for the whole site up to 7 days."),
        )
        self.fields["since"] = MomentField(zone, label=_("From"), required=False, help_text=_("Empty: at once."))
        self.fields["until"] = MomentField(zone, label=_("Until"))
        self.fields["reason"] = ReasonField()
        for field in self.fields.values():
            dress(field)
