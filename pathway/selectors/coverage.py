"""Which part of the server implements each statement of the source article, and whether that part is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pathway.models import (
    Activity,
    ChecklistItem,
    Doubt,
    InfoText,
    InterventionKind,
    LinkKind,
    MeasureKind,
    ObservationKind,
    PathwayVersion,
    Policy,
    Restriction,
    Rule,
    RuleSetVersion,
    Stage,
    Statement,
    Topic,
    VersionStatus,
)
from pathway.selectors import shown


@dataclass(frozen=True, slots=True)
class Implementation:
    """One thing that implements a statement. `title` is empty where there is no such thing."""

    kind: str
    code: str
    where: str
    title: str
    exists: bool

    @property
    def kind_title(self) -> str:
        return str(LinkKind(self.kind).label)

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        return f"{self.kind} {self.code}{where}" + ("" if self.exists else ": there is no such thing")


@dataclass(frozen=True, slots=True)
class Covered:
    """One statement with all that implements it."""

    code: str
    short: str
    text: str
    classes: tuple[str, ...]
    owners: tuple[str, ...]
    doubt: str
    doubt_title: str
    qualification: str
    mark: str
    source: str
    review_by: date
    is_overdue: bool  # its review
    implementations: tuple[Implementation, ...]

    @property
    def review_day(self) -> str:
        return shown.day(self.review_by)

    @property
    def dangling(self) -> tuple[Implementation, ...]:
        return tuple(one for one in self.implementations if not one.exists)

    @property
    def holds(self) -> bool:
        """Something implements it, and all that it names is there."""
        return bool(self.implementations) and not self.dangling


@dataclass(frozen=True, slots=True)
class Coverage:
    statements: tuple[Covered, ...]

    @property
    def holding(self) -> int:
        return sum(one.holds for one in self.statements)

    @property
    def failing(self) -> tuple[Covered, ...]:
        return tuple(one for one in self.statements if not one.holds)

    @property
    def overdue(self) -> tuple[Covered, ...]:
        return tuple(one for one in self.statements if one.is_overdue)

    @property
    def is_complete(self) -> bool:
        """Every statement is implemented, and there are statements at all."""
        return bool(self.statements) and not self.failing


def report(today: date) -> Coverage:
    """Every statement that is not retired, in the order of the article. A review is overdue after its day."""
    titles = {kind: find() for kind, find in _TITLES.items()}
    rows = Statement.objects.filter(is_retired=False).order_by("position").prefetch_related("links")
    return Coverage(tuple(_covered(row, titles, today) for row in rows))


def _covered(row: Statement, titles: Mapping[str, Mapping[str, str]], today: date) -> Covered:
    links = sorted(row.links.all(), key=lambda link: link.position)
    return Covered(
        code=row.code,
        short=row.short,
        text=row.text,
        classes=tuple(row.classes),
        owners=tuple(row.owners),
        doubt=row.doubt,
        doubt_title=str(Doubt(row.doubt).label) if row.doubt else "",
        qualification=row.qualification,
        mark=row.mark,
        source=row.source,
        review_by=row.review_by,
        is_overdue=row.review_by < today,
        implementations=tuple(
            Implementation(
                link.kind, link.code, link.where, titles[link.kind].get(link.code, ""), link.code in titles[link.kind]
            )
            for link in links
        ),
    )


# what is there, by kind: code and title


def _titles(model: Any, title: str = "title") -> Callable[[], dict[str, str]]:
    return lambda: dict(model.objects.values_list("code", title))


def _guided(model: Any, title: str = "text") -> Callable[[], dict[str, str]]:
    return lambda: dict(model.objects.filter(is_retired=False).values_list("code", title))


def _newest(versions: Any, owner: str) -> Iterable[int]:
    """The newest published version of each pathway or rule set."""
    found: Iterable[int] = (
        versions.filter(status=VersionStatus.PUBLISHED)
        .order_by(owner, "-number")
        .distinct(owner)
        .values_list("pk", flat=True)
    )
    return list(found)


def _pathways() -> dict[str, str]:
    newest = _newest(PathwayVersion.objects, "pathway")
    return dict(PathwayVersion.objects.filter(pk__in=newest).values_list("pathway__code", "pathway__title"))


def _rules() -> dict[str, str]:
    newest = _newest(RuleSetVersion.objects, "rule_set")
    return dict(Rule.objects.filter(version__in=newest).values_list("code", "title"))


def _stages() -> dict[str, str]:
    newest = _newest(PathwayVersion.objects, "pathway")
    return dict(Stage.objects.filter(track__version__in=newest).values_list("code", "title"))


_TITLES: Mapping[str, Callable[[], dict[str, str]]] = {
    LinkKind.ACTIVITY: _titles(Activity),
    LinkKind.CHECKLIST: _guided(ChecklistItem),
    LinkKind.EDUCATION: _guided(Topic, "title"),
    LinkKind.INFO: _guided(InfoText),
    LinkKind.INTERVENTION: _titles(InterventionKind),
    LinkKind.MEASURE: _titles(MeasureKind),
    LinkKind.OBSERVATION: _titles(ObservationKind),
    LinkKind.PATHWAY: _pathways,
    LinkKind.POLICY: _guided(Policy),
    LinkKind.RESTRICTION: _guided(Restriction),
    LinkKind.RULE: _rules,
    LinkKind.STAGE: _stages,
}
