"""Interventions with their doses and licences, calendars, and code proposals (vocabulary section 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pathway.engine.content import vocabulary
from pathway.engine.content.fields import MOST, Fields, nearest
from pathway.engine.content.observations import ALWAYS, Terminology
from pathway.engine.definitions import (
    Activity,
    Calendar,
    CalendarDate,
    CodeProposal,
    Entry,
    Intervention,
    Licence,
    PlannedDate,
    Series,
    SeriesDose,
    StartTask,
    Track,
)

_MAINTENANCE = ("none", "from-last", "calendar")
_THEN = ("nothing", "task", "stop", "plan-taper", "dose-change")


@dataclass(frozen=True, slots=True)
class Around:
    """What interventions and proposals may name."""

    tracks: Mapping[str, Track]
    activities: Mapping[str, Activity]
    pathways: tuple[str, ...]


@dataclass(slots=True)
class Interventions:
    """The interventions by code, which family a drug belongs to, and codes of other systems."""

    found: dict[str, Intervention]
    families: dict[str, frozenset[str]]
    terminology: Terminology


def interventions(file: Fields, around: Around) -> Interventions:
    result = Interventions({}, {}, {})
    for code, entry in file.within("interventions").entries():
        result.found[code] = _intervention(code, entry, around)
        family = entry.text("family", "")
        if family:
            result.families[family] = result.families.get(family, frozenset()) | {code}
        codings = entry.within("terminology").texts()
        if codings:
            result.terminology[code] = codings
        entry.finish()
    file.finish()
    return result


def _intervention(code: str, entry: Fields, around: Around) -> Intervention:
    details = _details(entry.within("details"))
    return Intervention(
        code=code,
        title=entry.text("title"),
        enters=tuple(_entry(one, around, details) for one in entry.each("enters")),
        offered_when=entry.expression("offered_when", ""),
        offered_in=entry.some_of("offered_in", around.pathways, "pathway"),
        licences=_licences(entry.within("licences")),
        is_drug=bool(entry.flag("drug")),
        completes=entry.some_of("completes", around.activities, "activity"),
        tasks=tuple(_start_task(one, around) for one in entry.each("tasks")),
        planned=tuple(_planned(one) for one in entry.each("planned")),
        series=_series(entry.within("series"), around) if entry.has("series") else None,
        details=details,
    )


def _details(entry: Fields) -> dict[str, tuple[str, ...]]:
    """Allowed values per detail; `any` becomes the empty tuple."""
    return {key: entry.words(key) if entry.is_list(key) else _free(entry, key) for key in entry.keys()}


def _free(entry: Fields, key: str) -> tuple[str, ...]:
    entry.one_of(key, ("any",), "detail")
    return ()


def _entry(entry: Fields, around: Around, details: Mapping[str, tuple[str, ...]]) -> Entry:
    track = entry.one_of("track", around.tracks, "track")
    stage = entry.one_of("to", [one.code for one in around.tracks[track].stages], f"stage of {track}")
    found = Entry(track, stage, vocabulary.context_values(entry.within("details"), details))
    entry.finish()
    return found


def _licences(entry: Fields) -> tuple[Licence, ...]:
    """Per region `always`, or the day from which the label allows it."""
    return tuple(_licence(entry, region) for region in entry.codes())


def _licence(entry: Fields, region: str) -> Licence:
    if entry.is_day(region):
        return Licence(region, entry.day(region))
    entry.one_of(region, (ALWAYS,), "licence")
    return Licence(region)


def _start_task(entry: Fields, around: Around) -> StartTask:
    found = StartTask(
        entry.one_of("activity", around.activities, "activity"),
        entry.required_period("due"),
        entry.period("opens"),
        entry.text("label", ""),
        entry.one_of("after", ("start", "stop"), "moment", "start"),
    )
    entry.finish()
    return found


def _planned(entry: Fields) -> PlannedDate:
    found = PlannedDate(entry.text("code"), entry.text("label"), entry.whole("offset_days", least=-MOST))
    entry.finish()
    return found


def _series(entry: Fields, around: Around) -> Series:
    loading = entry.within("loading")
    found = Series(
        task=entry.one_of("task", around.activities, "activity"),
        loading=tuple(_dose(loading, label, index) for index, label in enumerate(loading.codes())),
        maintenance=entry.one_of("maintenance", _MAINTENANCE, "kind of maintenance", "none"),
        maintenance_every=entry.period("maintenance_every"),
        minimum_days=entry.whole("minimum_days"),
        labs=entry.one_of("labs", around.activities, "activity", ""),
        labs_days=entry.whole("labs_days", 0),
    )
    entry.finish()
    if not found.loading:
        raise entry.error("loading", "names no dose")
    if (found.maintenance == "none") != (found.maintenance_every is None):
        raise entry.error("maintenance_every", "is needed where there is maintenance, and only there")
    return found


def _dose(loading: Fields, label: str, index: int) -> SeriesDose:
    """The first dose is given on the start day; each later one so long after the dose before."""
    if index == 0:
        loading.one_of(label, ("start",), "day of the first dose")
        return SeriesDose(label, None)
    return SeriesDose(label, loading.required_period(label))


def calendars(file: Fields, around: Around, known: Mapping[str, Intervention]) -> tuple[Calendar, ...]:
    """One calendar per activity and anchor: where several interventions share one, it is there for each."""
    listed = file.within("calendars")
    file.finish()
    found: list[Calendar] = []
    for activity, entry in listed.entries():
        if activity not in around.activities:
            raise listed.error(activity, "unknown activity" + nearest(activity, around.activities))
        found += _calendars(activity, entry, known)
    return tuple(found)


def _calendars(activity: str, entry: Fields, known: Mapping[str, Intervention]) -> Iterator[Calendar]:
    anchors = entry.some_of("anchor", known, "intervention")
    if not anchors:
        raise entry.error("anchor", "is missing")
    dose = entry.text("dose", "")
    dates = entry.within("dates")
    days = tuple(CalendarDate(label, dates.required_period(label)) for label in dates.codes())
    tolerance = entry.whole("tolerance_days")
    then_every, then_while = entry.period("then_every"), entry.expression("then_while", "")
    entry.finish()
    if then_while and then_every is None:
        raise entry.error("then_while", "has no then_every to end")
    for anchor in anchors:
        if dose and not _gives(known[anchor], dose):
            raise entry.error("dose", f"is no dose of {anchor}: {dose!r}")
        yield Calendar(activity, anchor, dose, days, tolerance, then_every, then_while)


def _gives(intervention: Intervention, dose: str) -> bool:
    series = intervention.series
    return series is not None and dose in [one.label for one in series.loading]


def proposals(file: Fields, around: Around, known: Mapping[str, Intervention]) -> dict[str, CodeProposal]:
    found = {code: _proposal(code, entry, around, known) for code, entry in file.within("proposals").entries()}
    file.finish()
    return found


def _proposal(code: str, entry: Fields, around: Around, known: Mapping[str, Intervention]) -> CodeProposal:
    found = CodeProposal(
        code=code,
        title=entry.text("title"),
        then=entry.one_of("then", _THEN, "outcome", "nothing"),
        task=entry.one_of("task", around.activities, "activity", ""),
        within=entry.period("within"),
        stops=entry.one_of("stops", known, "intervention", ""),
        completes=entry.some_of("completes", around.activities, "activity"),
        answered_by=entry.one_of("answered_by", known, "intervention", ""),
        not_while_active=entry.one_of("not_while_active", known, "intervention", ""),
        pathways=entry.some_of("pathways", around.pathways, "pathway"),
        planned=tuple(_planned(one) for one in entry.each("planned")),
    )
    entry.finish()
    for key, then in (("task", "task"), ("within", "task"), ("stops", "stop"), ("planned", "plan-taper")):
        if entry.has(key) != (found.then == then):
            raise entry.error(key, f"is needed where then is {then!r}, and only there")
    return found
