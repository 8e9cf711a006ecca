"""What exercise may be prescribed to a patient, and what the plan says beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from pathway.models import Restriction, RestrictionEffect
from pathway.selectors import guidance, shown
from pathway.selectors.cases import Case
from pathway.selectors.guidance import ItemView, RestrictionView

LOADS = ("low", "moderate", "high")
USUAL_TYPES = ("aerobic", "stretching")  # where no restriction lists them


@dataclass(frozen=True, slots=True)
class Prescribable:
    """Kinds and loads to choose from; `refusals` by kind or load in the words of the restriction, "" for all others."""

    types: Sequence[tuple[str, str]]
    loads: Sequence[tuple[str, str]]
    refusals: Mapping[str, str]
    rest_hint: str
    restrictions: Sequence[RestrictionView] = field(default=())
    checks: Sequence[ItemView] = field(default=())


def prescribable(case: Case) -> Prescribable:
    limits, guided = guidance.exercise_limits(), guidance.for_patient(case)
    refusals = _refusals()
    types = sorted(limits.types) or USUAL_TYPES
    return Prescribable(
        types=[(one, shown.words(one)) for one in types if one not in refusals],
        loads=[(one, shown.words(one)) for one in LOADS if one not in refusals],
        refusals=refusals,
        rest_hint=_("Fewer than %(n)d are stored and flagged.") % {"n": max(1, limits.least_rest_days)},
        restrictions=guided.restrictions,
        checks=guided.session_checks,
    )


def _refusals() -> dict[str, str]:
    """Eccentric work and high loads are refused whatever the content says; their reason is the restriction's."""
    found: dict[str, str] = {}
    effects = (RestrictionEffect.REFUSE, RestrictionEffect.ALLOW)
    for row in Restriction.objects.filter(effect__in=effects, is_retired=False).order_by("pk"):
        if row.effect == RestrictionEffect.ALLOW:
            found[""] = row.text
        for refused in (*row.types, *row.loads) if row.effect == RestrictionEffect.REFUSE else ():
            found[refused] = _("%(restriction)s: it harms weak muscle") % {"restriction": row.text}
    return found
