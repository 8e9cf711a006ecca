"""Roles, tracks, measures, activities and ladders: the plain word lists of the vocabulary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pathway.engine.catalogue import Kind
from pathway.engine.content.fields import MOST, Fields
from pathway.engine.definitions import Activity, Role, Rung, Stage, Track
from pathway.engine.schedule import SHIFT_RULES

OWNER = "owner"  # a rung addressed to whoever holds the task

_STAGE = re.compile(r"[A-Z]([0-9]{1,2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class MeasureText:
    """What a derived measure is called and how people read its formula; the sum itself is code."""

    code: str
    title: str
    formula: str = ""
    unit: str = ""
    places: int = 0
    unknown_when: str = ""


def roles(file: Fields) -> dict[str, Role]:
    found = file.within("roles")
    file.finish()
    return {code: Role(code, found.text(code)) for code in found.codes()}


def tracks(file: Fields) -> dict[str, Track]:
    """Tracks with their stages in order. A stage code is a letter and its rank, and belongs to one track."""
    found = {code: _track(code, entry) for code, entry in file.within("tracks").entries()}
    file.finish()
    return found


def _track(code: str, entry: Fields) -> Track:
    terminal = entry.words("terminal")
    listed = entry.within("stages")
    stages = tuple(_stage(listed, one, one in terminal) for one in listed.codes())
    track = Track(code, entry.text("title"), stages)
    entry.some_of("terminal", listed.codes(), "stage")
    entry.finish()
    if not stages or list(stages) != sorted(stages, key=lambda stage: stage.rank):
        raise entry.error("stages", "must be listed in the order of their numbers")
    return track


def _stage(listed: Fields, code: str, is_terminal: bool) -> Stage:
    match = _STAGE.fullmatch(code)
    if match is None:
        raise listed.error(code, "a stage is a letter and a number, such as R3")
    return Stage(code, listed.text(code), int(match.group(1)), is_terminal)


def measures(file: Fields, kinds: Mapping[str, Kind]) -> dict[str, MeasureText]:
    """Derived values; none may bear the name of an observation, since a rule could not tell them apart."""
    found = {code: _measure(code, entry) for code, entry in file.within("measures").entries()}
    file.finish()
    for code in found:
        if code in kinds:
            raise file.error("measures", f"{code} is an observation already")
    return found


def _measure(code: str, entry: Fields) -> MeasureText:
    measure = MeasureText(
        code,
        entry.text("title"),
        entry.text("formula", ""),
        entry.text("unit", ""),
        entry.whole("places", 0),
        entry.text("unknown_when", ""),
    )
    entry.finish()
    return measure


def ladders(file: Fields, role_codes: Mapping[str, Role]) -> dict[str, tuple[Rung, ...]]:
    """Who is reminded on which day before or after the due date; rungs in the order of their days."""
    listed = file.within("ladders")
    found = {code: tuple(_rung(one, role_codes) for one in listed.each(code)) for code in listed.codes()}
    file.finish()
    return found


def _rung(entry: Fields, role_codes: Mapping[str, Role]) -> Rung:
    offset_days = entry.whole("offset_days", least=-MOST)
    rung = Rung(entry.text("code"), offset_days, entry.one_of("to", {OWNER, *role_codes}, "role"))
    entry.finish()
    return rung


def activities(
    file: Fields,
    role_codes: Mapping[str, Role],
    kinds: Mapping[str, Kind],
    ladder_codes: Mapping[str, tuple[Rung, ...]],
) -> dict[str, Activity]:
    found = {
        code: _activity(code, entry, role_codes, kinds, ladder_codes)
        for code, entry in file.within("activities").entries()
    }
    file.finish()
    return found


def _activity(
    code: str,
    entry: Fields,
    role_codes: Mapping[str, Role],
    kinds: Mapping[str, Kind],
    ladder_codes: Mapping[str, tuple[Rung, ...]],
) -> Activity:
    completed_by = entry.some_of("completed_by", kinds, "observation")
    activity = Activity(
        code,
        entry.text("title"),
        entry.one_of("owner", role_codes, "role"),
        completed_by,
        _accepted_context(entry.within("context"), completed_by, kinds),
        entry.one_of("ladder", ladder_codes, "ladder", "default"),
        entry.one_of("shift", SHIFT_RULES, "shift rule", "none"),
    )
    entry.finish()
    return activity


def _accepted_context(
    entry: Fields, completed_by: tuple[str, ...], kinds: Mapping[str, Kind]
) -> dict[str, dict[str, str]]:
    """Per observation, what its context must say for the result to complete the task."""
    accepted = {}
    for code in entry.codes():
        if code not in completed_by:
            raise entry.error(code, "does not complete this activity")
        accepted[code] = context_values(entry.within(code), kinds[code].context)
    return accepted


def context_values(entry: Fields, allowed: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """One value per context key, both out of what the kind allows (an empty tuple allows any value)."""
    values = entry.texts(allowed, "context key")
    for key, values_allowed in allowed.items():
        if key in values and values_allowed:
            entry.one_of(key, values_allowed, "value")
    return values
