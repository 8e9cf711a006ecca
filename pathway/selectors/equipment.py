"""When equipment is looked at again: splints, seating, chairs and the like, and whose concern that is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from django.db.models import QuerySet

from pathway.engine.definitions import Intervention as Kind
from pathway.models import Intervention, LinkKind, Patient, StatementLink


def has_review(kind: Kind) -> bool:
    """Drugs have doses and laboratory dates instead, programmes their own end."""
    return not kind.is_drug and kind.series is None and not any(task.label for task in kind.tasks)


def concern_of(role: str) -> frozenset[str]:
    """Interventions that are the concern of a role: the statements behind them name it, or nobody."""
    links = StatementLink.objects.filter(kind=LinkKind.INTERVENTION, statement__is_retired=False)
    pairs = links.values_list("code", "statement__owners")
    return frozenset(code for code, owners in pairs if not owners or role in owners)


def due(visible: QuerySet[Patient], until: date, limit: int, only: Iterable[str] | None = None) -> list[Intervention]:
    """Running equipment whose review is due by that day, the oldest first; only of these kinds, where they are given.

    Nothing of those who have died or left their pathway.
    """
    here = visible.filter(died_on=None, enrollments__status__in=("active", "on-hold"))
    rows = Intervention.objects.filter(patient__in=here, stopped_on=None, review_on__lte=until)
    if only is not None:
        rows = rows.filter(kind__in=list(only))
    return list(rows.select_related("patient", "kind").order_by("review_on", "pk")[:limit])
