"""The form of one's own messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pathway.selectors.choices import Choice
from pathway.selectors.preferences import Wishes
from pathway.web.forms import DayField, PlainForm

HOURS = [(str(hour), f"{hour:02d}:00") for hour in range(24)]
PREFIX = "channel-"


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M", attrs={"data-narrow": "day", "class": "nhsuk-input"})


class MessagesForm(PlainForm):
    """`offered` are the operator's channels: one with a personal part asks for it, and empty means no."""

    by_email = forms.BooleanField(label=_("Tell me by e-mail"), required=False)
    digest_hour = forms.ChoiceField(
        label=_("Daily summary at"), choices=HOURS, help_text=_("On working days of your clinic, if anything waits.")
    )
    quiet_from = forms.TimeField(
        label=_("Quiet from"),
        required=False,
        widget=TimeInput,
        help_text=_("Nothing is sent until they end. Your inbox fills all the same."),
    )
    quiet_until = forms.TimeField(label=_("Quiet until"), required=False, widget=TimeInput)
    absent_from = DayField(label=_("Away from"), required=False)
    absent_until = DayField(label=_("Away until"), required=False, help_text=_("That day included."))

    def __init__(self, *args: Any, offered: Mapping[str, str], deputies: Sequence[Choice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offered = offered
        for name, template in offered.items():
            self.add(PREFIX + name, _field(name, template))
        nobody = ("", _("Nobody: the coordinators are told"))
        help_text = _("They are told of patients whom they see: from the care team, or standing in for you.")
        self.add(
            "deputy",
            forms.ChoiceField(label=_("Deputy"), choices=[nobody, *deputies], required=False, help_text=help_text),
        )
        ways = [PREFIX + name for name in offered]
        self.order_fields(
            ["by_email", *ways, "digest_hour", "quiet_from", "quiet_until", "absent_from", "absent_until", "deputy"]
        )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for begin, end in (("quiet_from", "quiet_until"), ("absent_from", "absent_until")):
            if bool(given.get(begin)) != bool(given.get(end)):
                self.add_error(end if given.get(begin) else begin, _("Fill in both, or none"))
        return given

    def field_of(self, refused: str) -> str:
        return PREFIX + refused if refused in self.offered else refused

    def wishes(self) -> Wishes:
        given = self.cleaned_data
        chosen = {name: given[PREFIX + name] for name in self.offered if given[PREFIX + name]}
        return Wishes(
            by_email=given["by_email"],
            digest_hour=int(given["digest_hour"]),
            quiet=(given["quiet_from"], given["quiet_until"]) if given["quiet_from"] else None,
            away=(given["absent_from"], given["absent_until"]) if given["absent_from"] else None,
            deputy=int(given["deputy"]) if given["deputy"] else None,
            channels={name: "" if value is True else value for name, value in chosen.items()},
        )


def initial(wishes: Wishes, offered: Mapping[str, str]) -> dict[str, Any]:
    """The form as it stands."""
    ways = {
        PREFIX + name: wishes.channels.get(name, "") if "{address}" in template else name in wishes.channels
        for name, template in offered.items()
    }
    quiet, away = wishes.quiet or (None, None), wishes.away or (None, None)
    return {
        "by_email": wishes.by_email,
        "digest_hour": str(wishes.digest_hour),
        "quiet_from": quiet[0],
        "quiet_until": quiet[1],
        "absent_from": away[0],
        "absent_until": away[1],
        "deputy": str(wishes.deputy or ""),
        **ways,
    }


def _field(name: str, template: str) -> forms.Field:
    if "{address}" not in template:
        return forms.BooleanField(label=_("Tell me by %(channel)s") % {"channel": name}, required=False)
    return forms.CharField(
        label=_("Tell me by %(channel)s at") % {"channel": name},
        required=False,
        max_length=200,
        help_text=_("Where you are found there; empty: not by this one."),
    )
