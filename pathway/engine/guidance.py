"""The shape of guidance: the statements of the source article, and what people are told, asked and kept from.

Read from `fixtures/guidance` (engine.content), stored as rows (services.guidance). A statement names what
implements it; what implements it takes its owners, its mark and its qualification from there, so that a
doubtful statement is never shown bare.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from pathway.engine.definitions import Activity

STAFF, EVERYONE = "staff", "everyone"
EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Where:
    """Where something belongs. What is empty does not limit; within one field any of the words is enough.

    `situations` are occasions that are no activity: exercise-plan, exercise-session, care-plan, every-visit.
    """

    text: str = EVERYWHERE
    pathways: tuple[str, ...] = ()
    tracks: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    activities: tuple[str, ...] = ()
    interventions: tuple[str, ...] = ()
    situations: tuple[str, ...] = ()

    def holds(self, pathway: str, stages: Mapping[str, str], running: Collection[str]) -> bool:
        """Whether a patient is there now: on this pathway, in these stages (by track), with this running."""
        return (
            (not self.pathways or pathway in self.pathways)
            and (not self.tracks or any(track in stages for track in self.tracks))
            and (not self.stages or any(stage in self.stages for stage in stages.values()))
            and (not self.interventions or any(code in running for code in self.interventions))
        )


@dataclass(frozen=True, slots=True)
class Link:
    """One thing that implements a statement. `where` is text for people, such as `first 28 d`."""

    kind: str  # one of KINDS
    code: str
    where: str = ""


KINDS = (
    "activity",
    "checklist",
    "education",
    "info",
    "intervention",
    "measure",
    "observation",
    "pathway",
    "policy",
    "restriction",
    "rule",
    "stage",
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of the source article, in words of our own.

    `doubt` says in what way it does not stand as it is: contested, incomplete, out-of-date or unverified;
    then `qualification` is the text that is always shown with it. No owners: everybody's concern.
    """

    code: str
    short: str
    text: str
    classes: tuple[str, ...]
    owners: tuple[str, ...]
    mark: str
    source: str
    review_by: date
    implemented_by: tuple[Link, ...]
    doubt: str = ""
    qualification: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """What patient and family are taught; whether they could tell it back is recorded."""

    code: str
    title: str
    text: str
    where: Where
    mark: str
    statements: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    qualification: str = ""


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """Something to look at. Without an activity it belongs to the tasks of its owners."""

    code: str
    text: str
    where: Where
    mark: str
    statements: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()

    def belongs_to(self, activity: Activity) -> bool:
        """Whether it is looked at in a task of this activity. What a result completes by itself is no visit."""
        if self.where.activities:
            return activity.code in self.where.activities
        if "every-visit" in self.where.situations:
            return not activity.completed_by
        return not self.where.situations and activity.owner in self.owners


@dataclass(frozen=True, slots=True)
class Restriction:
    """A limit or goal of the plan. `effect`: refuse | allow (nothing else) | flag | check | goal."""

    code: str
    text: str
    where: Where
    effect: str
    mark: str
    types: tuple[str, ...] = ()  # of exercise
    loads: tuple[str, ...] = ()
    least_rest_days: int | None = None  # a week
    check: str = ""  # the checklist item that is needed
    statements: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Info:
    """A text to read. `as_of`: the day for which it was true, to be shown with it."""

    code: str
    text: str
    where: Where
    audience: str  # staff | everyone
    mark: str
    as_of: date | None = None
    statements: tuple[str, ...] = ()
    qualification: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """How the server itself treats what it is told."""

    code: str
    text: str
    where: Where
    mark: str
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guidance:
    """All of it, by code."""

    statements: Mapping[str, Statement] = field(default_factory=dict)
    topics: Mapping[str, Topic] = field(default_factory=dict)
    checklist: Mapping[str, ChecklistItem] = field(default_factory=dict)
    restrictions: Mapping[str, Restriction] = field(default_factory=dict)
    texts: Mapping[str, Info] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=dict)
