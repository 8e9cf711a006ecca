"""What a message says outside of the server: how much waits at which clinic, and where to sign in."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override


@dataclass(frozen=True, slots=True)
class Counts:
    """Tasks that wait; what is neither urgent nor due yet is coming."""

    items: int
    urgent: int
    overdue: int
    due: int

    @property
    def coming(self) -> int:
        return self.items - self.urgent - self.overdue - self.due


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    body: str


def write(clinic: str, counts: Counts) -> Letter:
    """In the language of the server; accounts have none of their own."""
    with override(settings.LANGUAGE_CODE):
        name = " ".join(clinic.split())  # a name with a line break would end the header
        waiting = ngettext("%(items)d item waits for you", "%(items)d items wait for you", counts.items)
        subject = f"{name}: " + waiting % {"items": counts.items}
        if counts.urgent:
            subject = _("Urgent") + f" – {subject}"
        return Letter(subject, "\n".join([*_lines(name, waiting, counts), ""]))


def _lines(clinic: str, waiting: str, counts: Counts) -> list[str]:
    parts = (
        (_("urgent"), counts.urgent),
        (_("overdue"), counts.overdue),
        (_("due today"), counts.due),
        (_("coming up"), counts.coming),
    )
    return [
        _("Clinic: %(clinic)s") % {"clinic": clinic},
        "",
        waiting % {"items": counts.items} + ":",
        *(f"  {number} {what}" for what, number in parts if number),
        "",
        _("Sign in to see them: %(link)s") % {"link": address("inbox")},
        "",
        _("This message names no patient. When and how you get such messages: %(link)s")
        % {"link": address("my-messages")},
    ]


def address(page: str) -> str:
    """Of a page, for somebody who is somewhere else."""
    return settings.PUBLIC_URL.rstrip("/") + reverse(page)
