"""Scenario files, checked before anything is played: an unknown key or code names file, line and key."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pathway.engine import yamltext
from pathway.engine.definitions import Vocabulary
from pathway.engine.measures import REGISTRY
from pathway.engine.yamltext import ContentError, Listing, Table

SCENARIO_KEYS = ("scenario", "title", "pathway", "rule_sets", "site", "patient", "enrolled", "start", "facts", "steps")
ENTRY_KEYS = ("code", "value", "unit", "effective", "context", "items", "id")
ACTION_KEYS: dict[str, tuple[str, ...]] = {
    "observe": ENTRY_KEYS,
    "not_performable": ("code", "reason", "effective", "context", "id"),
    "void": ("id", "reason", "replace"),
    "confirm": ("id", "reason"),
    "accept": ("proposal", "reason"),
    "decline": ("proposal", "reason", "until"),
    "complete": ("task", "effective", "outcome"),
    "skip": ("task", "effective", "outcome", "reason"),
    "reassign": ("task", "to"),
    "snooze": ("task", "until", "reason"),
    "close_alert": ("rule", "reason"),
    "move": ("track", "to", "reason"),
    "start": ("intervention", "effective", "details"),
    "stop": ("intervention", "effective", "reason", "details"),
    "give": ("intervention", "dose", "effective"),
    "plan": ("exercise",),
    "death": ("effective", "reason"),
    "reverse_death": ("reason",),
    "hold": ("reason",),
    "resume": ("reason",),
    "withdraw": ("reason",),
    "change_pathway": ("to", "start", "reason"),
}
NEEDED: dict[str, tuple[str, ...]] = {
    "observe": ("code",),
    "not_performable": ("code",),
    "void": ("id",),
    "confirm": ("id",),
    "accept": ("proposal",),
    "decline": ("proposal",),
    "complete": ("task",),
    "skip": ("task", "reason"),
    "reassign": ("task", "to"),
    "snooze": ("task", "until"),
    "close_alert": ("rule",),
    "move": ("track", "to"),
    "start": ("intervention",),
    "stop": ("intervention",),
    "give": ("intervention", "dose"),
    "plan": ("exercise",),
    "change_pathway": ("to",),
}
EXPECT_KEYS = (
    "alerts", "proposals", "stage", "tasks", "open_tasks", "tasks_closed", "reminders", "measures", "measures_at",
    "planned", "unknown", "not_applicable", "held", "rejected", "flags", "evidence", "offered", "not_offered",
)  # fmt: skip
ALERT_KEYS = ("raised", "open", "not_open", "no_longer_met", "withdrawn", "since")
PROPOSAL_KEYS = ("opened", "open", "not_open", "withdrawn")
REASON_CODES = (
    "unit-missing", "unit-unknown", "implausible", "contradiction", "after-death", "not-allowed", "restricted",
)  # fmt: skip
FLAGS = (
    "bmi-implausible", "rapid-change", "soft-range", "uln-missing", "q3-no-gastrostomy", "weight-stale",
    "below-20-kg", "interval-short", "no-rest-day", "after-death", "basis-retracted", "unit-mixup",
)  # fmt: skip
SKIP_REASONS = ("declined", "unable", "not-appropriate", "done-elsewhere")
DAY_LENGTH = len("2025-03-30")
CASE_KEYS = ("id", "convert", "add", "measure", "rule", "store", "given", "patient", "expect")


@dataclass(frozen=True, slots=True)
class Action:
    verb: str
    told: Any
    line: int


@dataclass(frozen=True, slots=True)
class Step:
    on: date | datetime
    actions: tuple[Action, ...]
    expect: Table
    line: int


@dataclass(frozen=True, slots=True)
class Scenario:
    file: str
    name: str
    pathway: str
    active: tuple[str, ...]
    shadow: tuple[str, ...]
    site: dict[str, Any]
    patient: dict[str, Any]
    enrolled: date
    start: dict[str, str]
    facts: Listing
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One unit case."""

    name: str
    told: Table
    line: int


@dataclass(frozen=True, slots=True)
class Known:
    """The codes that a scenario may use."""

    vocabulary: Vocabulary
    rules: frozenset[str]  # CODE, and set/CODE
    rule_sets: frozenset[str]
    pathways: frozenset[str]


def read(path: Path, known: Known) -> Scenario | list[Question]:
    """A scenario, or the questions of a file of unit cases. Raises ContentError."""
    tree = yamltext.read(path)
    if not isinstance(tree, Table):
        raise ContentError(path.name, 1, "", "a scenario file is a mapping")
    checker = _Checker(path.name, known)
    return checker.questions(tree) if "cases" in tree else checker.scenario(tree)


class _Checker:
    """Walks one file and refuses the first thing that is not in the format."""

    def __init__(self, file: str, known: Known) -> None:
        self.file = file
        self.known = known

    # the file

    def scenario(self, tree: Table) -> Scenario:
        self.keys(tree, SCENARIO_KEYS, needed=("scenario", "pathway", "enrolled", "steps"))
        rule_sets = self.table(tree, "rule_sets")
        self.keys(rule_sets, ("active", "shadow"))
        site, patient = self.table(tree, "site"), self.table(tree, "patient")
        self.keys(site, ("time_zone", "holidays", "region"))
        self.keys(patient, ("sex", "birth_date"))
        self.moment(patient, "birth_date")
        self.word(patient, "sex", ("male", "female", "unknown"), optional=True)
        self.word(site, "region", ("EU", "US"), optional=True)
        self.word(tree, "pathway", self.known.pathways)
        start = self.table(tree, "start")
        self.stages(start)
        facts = self.listing(tree, "facts")
        for entry in facts:
            self.entry(entry, facts)
        return Scenario(
            file=self.file,
            name=str(tree["scenario"]),
            pathway=str(tree["pathway"]),
            active=tuple(self.words(rule_sets, "active", self.known.rule_sets))
            if "active" in rule_sets
            else ("core", "nice-ng42"),
            shadow=tuple(self.words(rule_sets, "shadow", self.known.rule_sets)),
            site=dict(site),
            patient=dict(patient),
            enrolled=self.day(tree, "enrolled"),
            start={track: str(stage) for track, stage in start.items()},
            facts=facts,
            steps=tuple(self.steps(tree)),
        )

    def questions(self, tree: Table) -> list[Question]:
        self.keys(tree, ("cases",))
        found = []
        for told in self.listing(tree, "cases"):
            if not isinstance(told, Table):
                raise ContentError(self.file, tree.line, "cases", "each case is a mapping")
            self.keys(told, CASE_KEYS, needed=("id", "expect"))
            kinds = [key for key in ("convert", "add", "measure", "rule", "store") if key in told]
            if len(kinds) != 1:
                raise self.error(told, "id", "a case asks exactly one of convert, add, measure, rule, store")
            found.append(Question(str(told["id"]), told, told.line))
        return found

    def steps(self, tree: Table) -> list[Step]:
        found: list[Step] = []
        for told in self.listing(tree, "steps"):
            if not isinstance(told, Table):
                raise ContentError(self.file, tree.line, "steps", "each step is a mapping")
            self.keys(told, ("on", "do", "expect"), needed=("on",))
            self.moment(told, "on")
            on = told["on"]
            if not isinstance(on, date):
                raise self.error(told, "on", "not a day")
            before = _day(found[-1].on) if found else self.day(tree, "enrolled")
            if _day(on) < before:
                raise self.error(told, "on", f"the clock never goes back (before: {before})")
            found.append(Step(on, tuple(self.actions(told)), self.expect(told), told.line))
        return found

    # what is done

    def actions(self, step: Table) -> list[Action]:
        told = step.get("do")
        if told is None:
            return []
        return [self.action(one, step) for one in (told if isinstance(told, Listing) else [told])]

    def action(self, told: Any, step: Table) -> Action:
        if not isinstance(told, Table) or len(told) != 1:
            raise self.error(step, "do", "an action is a mapping with one verb")
        verb, body = next(iter(told.items()))
        self.known_key(told, verb, ACTION_KEYS)
        if verb == "observe" and isinstance(body, Listing):
            for entry in body:
                self.entry(entry, told)
        elif verb == "observe":
            self.entry(body, told)
        else:
            self.body(verb, Table(told.line) if body is None else body, told)
        return Action(verb, {} if body is None else body, told.line)

    def body(self, verb: str, body: Any, told: Table) -> None:
        if not isinstance(body, Table):
            raise self.error(told, verb, "the action takes a mapping")
        self.keys(body, ACTION_KEYS[verb], needed=NEEDED.get(verb, ()))
        for key in ("effective", "until"):
            self.moment(body, key)
        vocabulary = self.known.vocabulary
        for key, codes in (
            ("code", vocabulary.catalogue.kinds),
            ("task", vocabulary.activities),
            ("intervention", vocabulary.interventions),
            ("rule", self.known.rules),
        ):
            self.word(body, key, codes, optional=True)
        if verb == "skip":
            self.word(body, "reason", SKIP_REASONS)
        if verb == "reassign":
            self.word(body, "to", [role.code for role in vocabulary.roles])
        if verb == "change_pathway":
            self.word(body, "to", self.known.pathways)
            self.stages(self.table(body, "start"))
        if verb == "move":
            self.stages({body["track"]: body["to"]}, body)
        if "proposal" in body:
            self.proposal(body["proposal"], body)
        if "replace" in body:
            self.entry(body["replace"], body)
        if verb == "plan":
            self.keys(self.table(body, "exercise"), ("type", "load", "minutes", "rest_days"), needed=("type", "load"))

    def entry(self, entry: Any, around: Any) -> None:
        if not isinstance(entry, Table):
            raise ContentError(self.file, getattr(around, "line", 1), "observe", "an observation is a mapping")
        self.keys(entry, ENTRY_KEYS, needed=("code",))
        self.moment(entry, "effective")
        self.word(entry, "code", self.known.vocabulary.catalogue.kinds)

    # what is expected

    def expect(self, step: Table) -> Table:
        told = self.table(step, "expect")
        self.keys(told, EXPECT_KEYS)
        alerts, proposals = self.table(told, "alerts"), self.table(told, "proposals")
        self.keys(alerts, ALERT_KEYS)
        self.keys(proposals, PROPOSAL_KEYS)
        for key in ("raised", "open", "not_open", "no_longer_met", "withdrawn"):
            self.words(alerts, key, self.known.rules)
        self.codes(self.table(alerts, "since"), self.known.rules)
        for key in PROPOSAL_KEYS:
            for one in self.listing(proposals, key):
                self.proposal(one, proposals)
        self.expect_codes(told)
        return told

    def expect_codes(self, told: Table) -> None:
        vocabulary = self.known.vocabulary
        self.stages(self.table(told, "stage"))
        for key in ("tasks", "tasks_closed"):
            self.codes(self.table(told, key), vocabulary.activities)
        if told.get("reminders") != "none":
            self.codes(self.table(told, "reminders"), vocabulary.activities)
        self.words(told, "open_tasks", vocabulary.activities)
        for key in ("unknown", "not_applicable"):
            self.words(told, key, self.known.rules)
        for key in ("offered", "not_offered"):
            self.words(told, key, vocabulary.interventions)
        self.words(told, "flags", FLAGS)
        readable = {*REGISTRY, *vocabulary.catalogue.kinds}
        self.codes(self.table(told, "measures"), readable)
        measures_at = self.table(told, "measures_at")
        for day in measures_at:
            self.codes(self.table(measures_at, day), readable)
        if told.get("rejected") is not True:
            self.word(told, "rejected", REASON_CODES, optional=True)
        self.codes(self.table(told, "planned"), {*self.planned_codes()})
        for rungs in self.table(told, "reminders").values() if told.get("reminders") != "none" else ():
            for rung in rungs if isinstance(rungs, Listing) else ():
                if not isinstance(rung, Table):
                    raise self.error(told, "reminders", "each reminder is a mapping with to and on")
                self.keys(rung, ("to", "on"), needed=("to", "on"))
                self.moment(rung, "on")
                self.word(rung, "to", [role.code for role in vocabulary.roles])
        self.codes(self.table(told, "evidence"), {*self.known.rules, *vocabulary.proposals})

    def planned_codes(self) -> set[str]:
        """Calendars by their activity, series and programmes by their intervention, and dates without a task."""
        vocabulary = self.known.vocabulary
        dates = [
            *(i.planned for i in vocabulary.interventions.values()),
            *(p.planned for p in vocabulary.proposals.values()),
        ]
        calendars = {calendar.activity for calendar in vocabulary.calendars}
        return calendars | set(vocabulary.interventions) | {one.code for many in dates for one in many}

    def proposal(self, told: Any, around: Table) -> None:
        if isinstance(told, Table):
            self.keys(told, ("track", "to"), needed=("track", "to"))
            self.stages({str(told["track"]): told["to"]}, told)
        elif told not in self.known.vocabulary.proposals:
            raise self.unlisted(around, "proposal", told, self.known.vocabulary.proposals)

    # small checks

    def keys(self, table: Table, known: Collection[str], needed: Collection[str] = ()) -> None:
        for key in table:
            self.known_key(table, key, known)
        for key in needed:
            if key not in table:
                raise ContentError(self.file, table.line, key, "is missing")

    def known_key(self, table: Table, key: str, known: Collection[str]) -> None:
        if key not in known:
            raise self.unlisted(table, key, key, known)

    def codes(self, table: Table, known: Collection[str]) -> None:
        for key in table:
            self.known_key(table, key, known)

    def word(self, table: Table, key: str, known: Collection[str], *, optional: bool = False) -> None:
        if optional and key not in table:
            return
        if table.get(key) not in known:
            raise self.unlisted(table, key, table.get(key), known)

    def words(self, table: Table, key: str, known: Collection[str]) -> list[str]:
        found = self.listing(table, key)
        for one in found:
            if one not in known:
                raise self.unlisted(table, key, one, known)
        return [str(one) for one in found]

    def stages(self, told: Any, around: Table | None = None) -> None:
        tracks = {track.code: [s.code for s in track.stages] for track in self.known.vocabulary.tracks}
        table = around if around is not None else told
        for track, stage in told.items():
            if track not in tracks:
                raise self.unlisted(table, track, track, tracks)
            if stage not in tracks[track]:
                raise self.unlisted(table, track, stage, tracks[track])

    def table(self, table: Table, key: str) -> Table:
        told = table.get(key)
        if told is None:
            return Table(table.line)
        if not isinstance(told, Table):
            raise self.error(table, key, "must be a mapping")
        return told

    def listing(self, table: Table, key: str) -> Listing:
        told = table.get(key)
        if told is None:
            return Listing(table.line)
        if not isinstance(told, Listing):
            raise self.error(table, key, "must be a list")
        return told

    def moment(self, table: Table, key: str) -> None:
        """A day or date-time, in quotes or not; kept as what it says."""
        told = table.get(key)
        if isinstance(told, str):
            try:
                table[key] = date.fromisoformat(told) if len(told) == DAY_LENGTH else datetime.fromisoformat(told)
            except ValueError:
                raise self.error(
                    table, key, f"{told!r} is no day (2025-03-30) or date-time (2025-03-30T00:30)"
                ) from None
        elif told is not None and not isinstance(told, date):
            raise self.error(table, key, f"{told!r} is no day or date-time")

    def day(self, table: Table, key: str) -> date:
        self.moment(table, key)
        told = table[key]
        if not isinstance(told, date):
            raise self.error(table, key, "not a day")
        return _day(told)

    def unlisted(self, table: Table, key: str, told: object, known: Collection[str]) -> ContentError:
        close = difflib.get_close_matches(str(told), list(known), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        return self.error(table, key, f"{told!r} is not known{hint}")

    def error(self, table: Table, key: str, message: str) -> ContentError:
        return ContentError(self.file, table.lines.get(key, table.line), key, message)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment
