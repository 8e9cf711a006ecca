"""Forms about a record as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pathway.selectors.choices import Choice
from pathway.web.forms import PlainForm, ReasonField

PURPOSES = (
    ("patient", _("The patient asks for it")),
    ("care", _("For care elsewhere")),
    ("legal", _("The law asks for it")),
    ("other", _("Another purpose")),
)


class OtherNumberForm(PlainForm):
    other = forms.CharField(label=_("Hospital number of the other record"), max_length=64)


class ProposeMergeForm(PlainForm):
    other = forms.CharField(widget=forms.HiddenInput, max_length=64)
    request = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    reason = ReasonField(label=_("Why they are one person"))


class ConfirmMergeForm(PlainForm):
    def __init__(self, *args: Any, people: Sequence[Choice], present: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add(
            "members",
            forms.MultipleChoiceField(
                label=_("Care team of the joined record"),
                choices=people,
                initial=present,
                widget=forms.CheckboxSelectMultiple,
                help_text=_("Only these people see the joined record. Ticked is the team of the record that stays."),
            ),
        )


class ReasonForm(PlainForm):
    reason = ReasonField()


class OfferForm(PlainForm):
    def __init__(self, *args: Any, sites: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add("site", forms.ChoiceField(label=_("To which site"), choices=sites))
        self.add("reason", ReasonField(label=_("Reason, which the other site reads")))
        self.order_fields(["site", "reason"])


class AcceptForm(PlainForm):
    def __init__(self, *args: Any, people: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add("identifier", forms.CharField(label=_("Hospital number at your site"), max_length=64))
        self.add(
            "members",
            forms.MultipleChoiceField(
                label=_("Care team"),
                choices=people,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                help_text=_("You are on it as the coordinator."),
            ),
        )


class ExportForm(PlainForm):
    purpose = forms.ChoiceField(label=_("What for"), choices=PURPOSES, widget=forms.RadioSelect)
    reason = ReasonField()

    def __init__(self, *args: Any, asks_password: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if asks_password:
            self.add("password", forms.CharField(label=_("Your password"), widget=forms.PasswordInput, strip=False))
