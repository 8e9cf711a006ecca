"""Forms of those who read the audit."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from pathway.web.forms import DayField, PlainForm, ReasonField


class FindForm(PlainForm):
    UNKNOWN = _("No patient of your sites has this number")

    number = forms.CharField(label=_("Hospital number"), max_length=64, help_text=_("The whole number, as written."))


class DaysForm(PlainForm):
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("To"), required=False)


class MarkForm(PlainForm):
    """What somebody found who looked into an entry."""

    verdict = forms.ChoiceField(
        label=_("What did you find?"),
        choices=[("fine", _("Looked at, fine")), ("follow-up", _("Follow up"))],
        widget=forms.RadioSelect,
    )
    reason = ReasonField()
