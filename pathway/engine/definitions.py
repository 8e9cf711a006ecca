"""The shape of shipped and authored content: pathways, rules, activities, interventions.

The same frozen records are read from `fixtures/` (engine.content), stored as rows
(services.definitions) and compiled back from rows for every judgement (selectors.definitions).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from pathway.engine.catalogue import Catalogue
from pathway.engine.schedule import Period


@dataclass(frozen=True, slots=True)
class Role:
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class Stage:
    code: str  # R3
    title: str
    rank: int  # 3; the number of the code
    is_terminal: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    code: str
    title: str
    stages: tuple[Stage, ...]  # by rank


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule asks for once per episode: exactly one of stage (with its track), proposal, task."""

    track: str = ""
    stage: str = ""
    proposal: str = ""
    task: str = ""
    within: Period | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    test: str
    severity: str  # none | info | warning | urgent
    title: str = ""
    pathways: tuple[str, ...] = ()  # expanded; never "mnd" or "all"
    applies: str = ""
    effects: tuple[Effect, ...] = ()
    when_missing: str = ""  # text for people
    mark: str = ""
    citation: str = ""
    review_by: date | None = None


@dataclass(frozen=True, slots=True)
class RuleSet:
    code: str
    title: str
    version: int
    source: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One schedule row: in these stages of one track, while `when` holds, the activity recurs."""

    track: str
    stages: tuple[str, ...]
    activity: str
    when: str = ""
    first: Period | None = None
    entry: Period | None = None
    every: Period | None = None  # recurring when given
    mode: str = "recurring"  # recurring | once | speed-up


@dataclass(frozen=True, slots=True)
class Pathway:
    code: str
    title: str
    version: int
    initial: Mapping[str, str]  # track -> stage
    tracks: tuple[Track, ...]
    rows: tuple[Row, ...]
    rule_sets: tuple[str, ...] = ()
    on_entry: Mapping[str, str] = field(default_factory=dict)  # stage -> code proposal opened on entering it
    routes: tuple[str, ...] = ()  # R1-R2; a track of which none is named has one from each stage to each later one
    terminology: Mapping[str, str] = field(default_factory=dict)


def routes_of(pathway: Pathway) -> list[tuple[str, str]]:
    """Every route as source and target stage; nothing leads out of a terminal stage."""
    named = [(source, target) for source, _, target in (one.partition("-") for one in pathway.routes)]
    found = []
    for track in pathway.tracks:
        codes = {stage.code for stage in track.stages}
        of_track = [route for route in named if route[0] in codes]
        forward = [
            (one.code, other.code)
            for one in track.stages
            for other in track.stages
            if one.rank < other.rank and not one.is_terminal
        ]
        found += of_track or forward
    return found


@dataclass(frozen=True, slots=True)
class Rung:
    code: str
    offset_days: int  # from the due date
    to: str  # owner | a role code


@dataclass(frozen=True, slots=True)
class Activity:
    code: str
    title: str
    owner: str  # role
    completed_by: tuple[str, ...] = ()  # observation codes
    context: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # per observation code
    ladder: str = "default"
    shift: str = "none"  # off days without clinic: none | next | previous | nearest


@dataclass(frozen=True, slots=True)
class CalendarDate:
    label: str
    offset: Period


@dataclass(frozen=True, slots=True)
class Calendar:
    """Fixed dates from an anchor. `then_every` recurs from the last completion; `then_while` ends it."""

    activity: str
    anchor_intervention: str
    anchor_dose: str = ""  # the anchor is this dose's day; empty: the start
    dates: tuple[CalendarDate, ...] = ()
    tolerance_days: int = 0
    then_every: Period | None = None
    then_while: str = ""  # rule text; the calendar goes on while it is true or unknown


@dataclass(frozen=True, slots=True)
class SeriesDose:
    label: str
    spacing: Period | None  # from the dose before; None for the first


@dataclass(frozen=True, slots=True)
class Series:
    """Doses given one after another; see vocabulary 7.3 for how each is counted.

    `maintenance`: none | from-last (M1, M2 … a fixed spacing from the dose before as given) |
    calendar (M1, M2 … at multiples of the spacing from the last loading dose; missed-dose rules hold).
    """

    task: str
    loading: tuple[SeriesDose, ...]
    maintenance: str = "none"
    maintenance_every: Period | None = None
    minimum_days: int = 14
    labs: str = ""  # activity due in the window [dose - labs_days, dose]
    labs_days: int = 0


@dataclass(frozen=True, slots=True)
class StartTask:
    """A task opened by starting (or stopping) an intervention, with a window in days from it."""

    activity: str
    due: Period
    opens: Period | None = None  # first day of the window; None: no window
    label: str = ""  # shown in `planned` under the intervention's own code
    on: str = "start"  # start | stop


@dataclass(frozen=True, slots=True)
class PlannedDate:
    """A date laid out by a start without a task, e.g. the steroid course around onasemnogene."""

    code: str
    label: str
    offset_days: int


@dataclass(frozen=True, slots=True)
class Entry:
    """Starting the intervention moves the track there; `details` must match (use: full-time)."""

    track: str
    stage: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Licence:
    """From when a region's label allows it; None in `since` means it always did."""

    region: str
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Intervention:
    code: str
    title: str
    enters: tuple[Entry, ...] = ()
    offered_when: str = ""
    offered_in: tuple[str, ...] = ()  # pathways
    licences: tuple[Licence, ...] = ()  # empty: no licence needed
    is_drug: bool = False  # disease-modifying drug: T1 on start, T4 when the last one stops
    completes: tuple[str, ...] = ()  # activities completed by starting it
    tasks: tuple[StartTask, ...] = ()
    planned: tuple[PlannedDate, ...] = ()
    series: Series | None = None
    details: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CodeProposal:
    """A question that is no stage move (vocabulary 7.5) and what accepting it does.

    `then`: nothing | task | stop | plan-taper | dose-change.
    """

    code: str
    title: str
    then: str = "nothing"
    task: str = ""
    within: Period | None = None
    stops: str = ""  # intervention
    completes: tuple[str, ...] = ()  # activities completed by accepting or declining
    answered_by: str = ""  # intervention whose start is the answer
    not_while_active: str = ""  # intervention
    pathways: tuple[str, ...] = ()
    planned: tuple[PlannedDate, ...] = ()  # dates laid out from the day of acceptance (plan-taper)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All that one release of the software lists, whatever the pathway: vocabulary sections 1, 4, 7 and 8."""

    roles: tuple[Role, ...]
    tracks: tuple[Track, ...]
    catalogue: Catalogue
    activities: Mapping[str, Activity]
    ladders: Mapping[str, tuple[Rung, ...]]
    interventions: Mapping[str, Intervention]
    calendars: tuple[Calendar, ...]
    proposals: Mapping[str, CodeProposal]
