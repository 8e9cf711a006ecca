"""Forms: shape only. Whether something may be stored is said by flow; its refusals land at the field they name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pathway import clock, errors
from pathway.selectors.choices import Choice
from pathway.selectors.prescriptions import Prescribable
from pathway.services.interventions import REVIEW
from pathway.vocabulary import Sex, SkipReason

CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.RadioSelect, "nhsuk-radios__input"),
    (forms.CheckboxSelectMultiple, "nhsuk-checkboxes__input"),
    (forms.CheckboxInput, "nhsuk-checkboxes__input"),
    (forms.Select, "nhsuk-select"),
    (forms.Textarea, "nhsuk-textarea"),
    (forms.TextInput, "nhsuk-input"),
    (forms.DateInput, "nhsuk-input"),
    (forms.NumberInput, "nhsuk-input"),
)
NEEDED = _("This is needed")
MOST_AHEAD = timedelta(days=3653)


class DayInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d", attrs={"data-narrow": "day"})


class DayField(forms.DateField):
    widget = DayInput

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)

    def validate(self, value: Any) -> None:
        """A year typed wrong must not silence a question or plan a dose for decades, unnoticed."""
        super().validate(value)
        if value and value > clock.now().date() + MOST_AHEAD:
            raise forms.ValidationError(_("This lies ahead by more than ten years: is the year right?"))


class ReasonField(forms.CharField):
    def __init__(self, label: Any = _("Reason"), **kwargs: Any) -> None:
        super().__init__(label=label, widget=forms.Textarea(attrs={"rows": 2}), max_length=500, **kwargs)


class PlainForm(forms.Form):
    """A form whose refusals are shown where they belong."""

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            dress(field)

    def refuse(self, refused: errors.Refused) -> None:
        """Show why flow said no: at the field that it names, else above the form."""
        self.full_clean() if not hasattr(self, "cleaned_data") else None
        field = self.field_of(refused.field or "")
        self.add_error(field if field in self.fields else None, refused.reason)

    def field_of(self, refused: str) -> str:
        """The field of this form that a refusal names."""
        return refused

    def add(self, name: str, field: forms.Field) -> None:
        """A field that depends on data."""
        dress(field)
        self.fields[name] = field


def dress(field: forms.Field) -> None:
    """The class of its component, and a plain sentence when it is empty."""
    for widget, css in CLASSES:
        if isinstance(field.widget, widget):
            field.widget.attrs.setdefault("class", css)
            break
    field.error_messages["required"] = NEEDED


# people


class RegisterForm(PlainForm):
    site = forms.ChoiceField(label=_("Site"))
    family_name = forms.CharField(label=_("Family name"), max_length=100)
    given_name = forms.CharField(label=_("Given name"), max_length=100)
    identifier = forms.CharField(label=_("Hospital number"), max_length=64)
    birth_date = DayField(label=_("Birth date"))
    birth_date_is_estimated = forms.BooleanField(label=_("The birth date is an estimate"), required=False)
    sex = forms.ChoiceField(label=_("Sex"), choices=Sex.choices, widget=forms.RadioSelect)

    def __init__(self, *args: Any, sites: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"] = forms.ChoiceField(label=_("Site"), choices=sites)
        dress(self.fields["site"])
        if len(sites) == 1:
            self.fields["site"].initial = sites[0][0]


class SearchForm(PlainForm):
    text = forms.CharField(label=_("Name or hospital number"), required=False, max_length=100)


class TeamForm(PlainForm):
    """Who stays and who comes, and one guest whose place ends by itself. `ends`: the same for those who are there."""

    def __init__(
        self, *args: Any, people: Sequence[Choice], present: Sequence[str], ends: Mapping[str, str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        known = {key for key, _title in people}
        titles = [(key, f"{title} ({_('until')} {ends[key]})" if key in ends else title) for key, title in people]
        self.add(
            "members",
            forms.MultipleChoiceField(
                label=_("Care team"),
                choices=titles,
                initial=[key for key in present if key in known],
                widget=forms.CheckboxSelectMultiple,
                help_text=_("Only these people see the patient. A role counts for this patient as ticked here."),
            ),
        )
        nobody = [("", _("Nobody")), *((key, title) for key, title in people)]
        self.add(
            "guest", forms.ChoiceField(label=_("Somebody for a time (a locum, say)"), choices=nobody, required=False)
        )
        self.add("guest_until", DayField(label=_("Their last day"), required=False))


class EnrollForm(PlainForm):
    def __init__(self, *args: Any, pathways: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add("pathway", forms.ChoiceField(label=_("Pathway"), choices=pathways, widget=forms.RadioSelect))


# one row or the whole enrollment


class NothingForm(PlainForm):
    """Nothing to fill in: the button is the answer."""


class ReasonForm(PlainForm):
    reason = ReasonField()


class OptionalReasonForm(PlainForm):
    reason = ReasonField(label=_("Reason (if any)"), required=False)


class DeclineForm(PlainForm):
    reason = ReasonField()
    until = DayField(
        label=_("Ask again on (if at all)"),
        required=False,
        help_text=_("Until then the question stays quiet. Without a day it is asked again only on new evidence."),
    )


class SkipForm(PlainForm):
    reason = forms.ChoiceField(label=_("Why not this time"), choices=SkipReason.choices, widget=forms.RadioSelect)
    effective = DayField(label=_("Day"), help_text=_("The next one is counted from this day."))


class SnoozeForm(PlainForm):
    until = DayField(label=_("No reminders until"), help_text=_("The due date stays what it is."))
    reason = ReasonField()


class ReassignForm(PlainForm):
    def __init__(self, *args: Any, roles: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add("to", forms.ChoiceField(label=_("To whom"), choices=roles))


class DeathForm(PlainForm):
    effective = DayField(
        label=_("Date of death"),
        help_text=_("All tasks, alerts, proposals and messages stop at once. This can be reversed."),
    )


class ChangePathwayForm(PlainForm):
    reason = ReasonField()

    def __init__(self, *args: Any, pathways: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add("to", forms.ChoiceField(label=_("New pathway"), choices=pathways, widget=forms.RadioSelect))
        self.order_fields(["to", "reason"])


class MoveForm(PlainForm):
    reason = ReasonField(help_text=_("Moving back needs a reason; for any other move it helps those who come later."))

    def __init__(self, *args: Any, stages: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add("to", forms.ChoiceField(label=_("New stage"), choices=stages, widget=forms.RadioSelect))
        self.order_fields(["to", "reason"])


# interventions


class ChooseInterventionForm(PlainForm):
    def __init__(self, *args: Any, offered: Sequence[Choice], others: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        groups: list[Any] = [("", _("Choose one"))]
        groups += [(_("Offered for this patient now"), list(offered))] if offered else []
        groups += [(_("Others"), list(others))]
        self.add("intervention", forms.ChoiceField(label=_("Intervention"), choices=groups))


class StartForm(PlainForm):
    effective = DayField(label=_("Started on"), help_text=_("A day ahead plans the start."))

    def __init__(self, *args: Any, details: Mapping[str, Sequence[str]], has_review: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if has_review:
            self.add(f"details.{REVIEW}", DayField(label=_("To be looked at again on (if at all)"), required=False))
        for name, allowed in details.items():
            label = DETAIL_LABELS.get(name, name.replace("_", " ").replace("-", " ").capitalize())
            if allowed:
                choices = [("", _("not stated")), *((one, one.replace("-", " ")) for one in allowed)]
                field: forms.Field = forms.ChoiceField(label=label, choices=choices, required=False)
            else:
                field = forms.CharField(label=label, required=False, max_length=40)
            self.add(f"details.{name}", field)

    def details(self) -> dict[str, object]:
        given = self.cleaned_data.items()
        return {key.removeprefix("details."): value for key, value in given if key.startswith("details.") and value}


class StopForm(PlainForm):
    effective = DayField(label=_("Stopped on"))
    reason = ReasonField(label=_("Reason (if any)"), required=False)


class GiveForm(PlainForm):
    effective = DayField(label=_("Given on"))

    def __init__(self, *args: Any, doses: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add("dose", forms.ChoiceField(label=_("Dose"), choices=doses))
        self.order_fields(["dose", "effective"])


class PrescribeForm(PlainForm):
    """Offers what no restriction refuses; what is sent all the same is refused in the words of the restriction."""

    def __init__(self, *args: Any, allowed: Prescribable, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.add("type", RestrictedField(label=_("Kind of exercise"), choices=allowed.types, refusals=allowed.refusals))
        self.add("load", RestrictedField(label=_("Load"), choices=allowed.loads, refusals=allowed.refusals))
        self.add(
            "minutes",
            forms.IntegerField(label=_("Minutes a session (if any)"), required=False, min_value=1, max_value=300),
        )
        self.add(
            "rest_days",
            forms.IntegerField(
                label=_("Rest days a week (if any)"),
                required=False,
                min_value=0,
                max_value=7,
                help_text=allowed.rest_hint,
            ),
        )


class RestrictedField(forms.ChoiceField):
    """A choice whose refusals say which restriction stands in the way; by the code "" for anything else."""

    def __init__(self, *, refusals: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.refusals = refusals

    def validate(self, value: str) -> None:
        if value and not self.valid_value(value):
            raise forms.ValidationError(self.refusals.get(value) or self.refusals.get("") or NEEDED)
        super().validate(value)


class ReviewForm(PlainForm):
    review_on = DayField(
        label=_("Next review on"), required=False, help_text=_("Leave it empty if no review is planned.")
    )


DETAIL_LABELS = {
    "dose_mg": _("Daily dose in mg"),
    "use": _("Use"),
    "type": _("Type"),
    "setting": _("Setting"),
}


def today_for(form_class: type[PlainForm], today: date) -> dict[str, Any]:
    """The day that such a form is filled in with at first."""
    return {"effective": today} if "effective" in form_class.base_fields else {}
