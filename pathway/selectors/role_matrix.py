"""Which role may do what, as a table that is made from what is enforced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from pathway.access import CLINICAL, GRANTS, Permit
from pathway.vocabulary import Role

TITLES: Mapping[Permit, Any] = {
    Permit.OBSERVE: _("Record, correct and void results"),
    Permit.RELEASE: _("Confirm a held result"),
    Permit.DECIDE: _("Accept and decline proposals"),
    Permit.MOVE: _("Move a stage by hand"),
    Permit.WORK: _("Complete, skip, snooze and reassign tasks"),
    Permit.CLOSE_ALERT: _("Close alerts"),
    Permit.TREAT: _("Start and stop interventions, give doses, prescribe exercise"),
    Permit.RECORD_DEATH: _("Record a death"),
    Permit.STEER: _("Hold, resume, withdraw, change the pathway"),
    Permit.REGISTER: _("Register a patient"),
    Permit.ENROLL: _("Enroll a patient"),
    Permit.SET_TEAM: _("Set the care team"),
    Permit.COVER: _("Let somebody stand in or be on call"),
    Permit.EXPORT: _("Take a whole record out"),
    Permit.MERGE: _("Join two records of one person, and part them"),
    Permit.TRANSFER: _("Transfer a patient to another site"),
    Permit.HOLD_RECORD: _("Keep a record from being erased"),
    Permit.SEE_ACCESS: _("See who looked at the patient"),
    Permit.REVIEW_ACCESS: _("Review emergency and unusual access"),
    Permit.READ_AUDIT: _("Read who looked at which patient, by number"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One permit: `granted` has one answer for each of the roles."""

    permit: str
    title: str
    granted: Sequence[bool]
    in_emergency: bool  # whether it counts for a patient who is seen by emergency access alone


def roles() -> list[str]:
    return [str(role.label) for role in Role]


def lines() -> list[Line]:
    return [
        Line(permit.value, str(TITLES[permit]), [permit in GRANTS[role] for role in Role], permit in CLINICAL)
        for permit in Permit
    ]


def markdown() -> str:
    """The table as `docs/roles.md` has it."""
    rows = [
        "# Roles and permits",
        "",
        "Made by `python manage.py role_matrix --write` from `pathway/access.py`, which is what is enforced.",
        "A role counts for a patient only where the person holds it at the patient's site *and* sees the patient in",
        "it: on the care team, standing in or on call, or in an emergency. The last column says what counts in an",
        "emergency.",
        "",
        "| Permit | " + " | ".join(roles()) + " | In an emergency |",
        "|---|" + ":-:|" * (len(Role) + 1),
    ]
    rows += [
        f"| {one.title} (`{one.permit}`) | "
        + " | ".join("●" if g else " " for g in (*one.granted, one.in_emergency))
        + " |"
        for one in lines()
    ]
    return "\n".join(rows) + "\n"
