"""Shipped content: a folder of YAML files in, checked frozen records out.

Every key, code and reference is checked and every rule text is parsed, so that what is read can
be judged as it stands. The files are described in `docs/content.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from pathway.engine import graph, yamltext
from pathway.engine.catalogue import Catalogue
from pathway.engine.content import guidance as guidance_files
from pathway.engine.content import interventions, observations, pathways, places, rule_sets, texts, vocabulary
from pathway.engine.content.fields import Fields, Pending
from pathway.engine.content.vocabulary import MeasureText
from pathway.engine.definitions import (
    Activity,
    Calendar,
    CodeProposal,
    Intervention,
    Pathway,
    Role,
    RuleSet,
    Rung,
    Track,
    Vocabulary,
    routes_of,
)
from pathway.engine.guidance import Guidance
from pathway.engine.names import Names, measure_types
from pathway.engine.yamltext import ContentError

__all__ = ["Content", "ContentError", "MeasureText", "names", "read"]

NUSINERSEN = "nusinersen"  # the family whose regimens count as one drug in rules

_Coded = TypeVar("_Coded", RuleSet, Pathway)


@dataclass(frozen=True, slots=True)
class Content:
    """All that a folder holds, by code. `terminology` has codes of other systems, per observation or intervention."""

    roles: Mapping[str, Role]
    tracks: Mapping[str, Track]
    catalogue: Catalogue
    measures: Mapping[str, MeasureText]
    activities: Mapping[str, Activity]
    ladders: Mapping[str, tuple[Rung, ...]]
    interventions: Mapping[str, Intervention]
    calendars: tuple[Calendar, ...]
    proposals: Mapping[str, CodeProposal]
    rule_sets: Mapping[str, RuleSet]
    pathways: Mapping[str, Pathway]
    terminology: Mapping[str, Mapping[str, str]]
    sources: Mapping[str, str]  # mark -> where it was seen
    guidance: Guidance = field(default_factory=Guidance)

    @property
    def vocabulary(self) -> Vocabulary:
        """What is global to a release, apart from pathways and rule sets."""
        return Vocabulary(
            roles=tuple(self.roles.values()),
            tracks=tuple(self.tracks.values()),
            catalogue=self.catalogue,
            activities=self.activities,
            ladders=self.ladders,
            interventions=self.interventions,
            calendars=self.calendars,
            proposals=self.proposals,
        )


def read(folder: Path) -> Content:
    """The content of a folder with `vocabulary/`, `rule_sets/`, `pathways/`, `guidance/` and `evidence/`.

    Raises ContentError (file, line, key and what is wrong) at the first thing that does not fit,
    FileNotFoundError when a file of the vocabulary or of the guidance is not there.
    """
    return _Folder(folder).read()


def names(content: Content) -> Names:
    """The closed vocabulary that rule texts of this content may use."""
    return Names(
        observations=content.catalogue.kinds,
        measures=measure_types({code: measure.unit for code, measure in content.measures.items()}),
        rules=frozenset(rule.code for one in content.rule_sets.values() for rule in one.rules),
        tracks={code: [stage.code for stage in track.stages] for code, track in content.tracks.items()},
        interventions=frozenset(content.interventions),
        activities=frozenset(content.activities),
    )


class _Folder:
    """Reads the files in the order in which they name one another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: list[Pending] = []

    def read(self) -> Content:
        roles = vocabulary.roles(self._file("vocabulary/roles.yaml"))
        tracks = vocabulary.tracks(self._file("vocabulary/tracks.yaml"))
        kinds, terminology = observations.kinds(self._file("vocabulary/observations.yaml"))
        measures = vocabulary.measures(self._file("vocabulary/measures.yaml"), kinds)
        ladders = vocabulary.ladders(self._file("vocabulary/ladders.yaml"), roles)
        activities = vocabulary.activities(self._file("vocabulary/activities.yaml"), roles, kinds, ladders)
        around = interventions.Around(tracks, activities, self._codes("pathways"))
        given = interventions.interventions(self._file("vocabulary/interventions.yaml"), around)
        proposals = interventions.proposals(self._file("vocabulary/proposals.yaml"), around, given.found)
        sources = _sources(self._file("evidence/sources.yaml"))
        in_pathways = pathways.Around(tracks, activities, proposals, self._codes("rule_sets"))
        ways = self._each("pathways", lambda file: pathways.pathway(file, in_pathways))
        in_rules = rule_sets.Around(tracks, activities, proposals, ways, sources)
        found = Content(
            roles=roles,
            tracks=tracks,
            catalogue=Catalogue(
                kinds,
                disease_modifying=frozenset(code for code, one in given.found.items() if one.is_drug),
                nusinersen=given.families.get(NUSINERSEN, frozenset()),
            ),
            measures=measures,
            activities=activities,
            ladders=ladders,
            interventions=given.found,
            calendars=interventions.calendars(self._file("vocabulary/calendars.yaml"), around, given.found),
            proposals=proposals,
            rule_sets=self._each("rule_sets", lambda file: rule_sets.rule_set(file, in_rules)),
            pathways=ways,
            terminology={**terminology, **given.terminology},
            sources=sources,
        )
        texts.check(self._pending, names(found))
        self._check_graphs(found)
        return replace(found, guidance=self._guidance(found))

    def _check_graphs(self, found: Content) -> None:
        """A pathway with an error in its graph, such as a stage that no route leads to, is refused as a whole."""
        for pathway in found.pathways.values():
            problems = graph.problems(
                pathway,
                found.rule_sets.values(),
                found.activities.values(),
                found.interventions.values(),
                found.proposals.values(),
                roles=found.roles,
                observations=found.catalogue.kinds,
                routes=routes_of(pathway),
            )
            for problem in problems:
                if problem.severity == graph.ERROR:
                    raise ContentError(f"{pathway.code}.yaml", 1, problem.where, problem.what)

    def _guidance(self, found: Content) -> Guidance:
        files = {name: self._file(f"guidance/{name}.yaml") for name in guidance_files.FILES}
        return guidance_files.guidance(files, _around_guidance(found))

    def _file(self, name: str) -> Fields:
        return self._fields(self._folder / name)

    def _fields(self, path: Path) -> Fields:
        return Fields(yamltext.read(path), path.name, self._pending)

    def _paths(self, name: str) -> list[Path]:
        return sorted((self._folder / name).glob("*.yaml"))

    def _codes(self, name: str) -> tuple[str, ...]:
        return tuple(path.stem for path in self._paths(name))

    def _each(self, name: str, make: Callable[[Fields], _Coded]) -> dict[str, _Coded]:
        """One record per file, by code; the file bears the name of its code."""
        found = {}
        for path in self._paths(name):
            file = self._fields(path)
            record = make(file)
            if record.code != path.stem:
                raise file.error("code", f"must be the name of its file, {path.stem!r}, not {record.code!r}")
            found[record.code] = record
        return found


def _around_guidance(found: Content) -> guidance_files.Around:
    rule_sets_of = {rule.code: one.code for one in found.rule_sets.values() for rule in one.rules}
    tracks_of = {stage.code: one.code for one in found.tracks.values() for stage in one.stages}
    return guidance_files.Around(
        places=places.Known(found.pathways, found.tracks, found.activities, found.interventions),
        roles=found.roles,
        sources=found.sources,
        codes={
            "activity": found.activities,
            "intervention": found.interventions,
            "measure": found.measures,
            "observation": found.catalogue.kinds,
            "pathway": found.pathways,
            "rule": rule_sets_of,
            "stage": tracks_of,
        },
        rule_sets=rule_sets_of,
        tracks=tracks_of,
    )


def _sources(file: Fields) -> dict[str, str]:
    listed = file.within("sources")
    found = {mark: listed.text(mark) for mark in listed.codes()}
    file.finish()
    return found
