"""The mapping file: which column of a table means what, checked against the vocabulary before a row is read.

Two shapes. `visits`: one row per visit of a patient, who is enrolled by the import. `results`:
one row per observation of patients who are enrolled already. Its keys are described in
`docs/import.md`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from pathway.engine import yamltext
from pathway.engine.content.fields import Fields
from pathway.engine.definitions import Vocabulary
from pathway.engine.tables import cells

SEXES = ("male", "female", "unknown")
REGIONS = ("EU", "US")
DELIMITERS = (",", ";", "|", "tab")
CODE_LENGTH = 64  # of the source that is kept with every observation


@dataclass(frozen=True, slots=True)
class Known:
    """What a mapping may name."""

    vocabulary: Vocabulary
    pathways: Collection[str]
    rule_sets: Collection[str]


@dataclass(frozen=True, slots=True)
class Clinic:
    """The site of the patients, and how it is made when it does not exist."""

    slug: str
    name: str = ""
    time_zone: str = "Europe/London"
    holiday_country: str = ""
    region: str = "EU"
    rule_sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A coded column and what its codes mean; without a column, one answer for everybody."""

    column: str
    values: Mapping[str, str] = field(default_factory=dict)
    fixed: str = ""


@dataclass(frozen=True, slots=True)
class Birth:
    """An estimate: so many years, as the column says, before a day that is the same for everybody."""

    age_column: str
    on: date


@dataclass(frozen=True, slots=True)
class Item:
    """A panel item. `until` and `since` name a 0/1 column: before its first 1, or from then on."""

    code: str
    column: str
    until: str = ""
    since: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """An observation of each visit, or of the first one only."""

    code: str
    column: str = ""
    unit: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    first_only: bool = False


@dataclass(frozen=True, slots=True)
class Common:
    """What both shapes have: `code` is the source that every observation keeps."""

    code: str
    title: str
    delimiter: str
    site: Clinic
    left_out: Mapping[str, str]  # column → why


@dataclass(frozen=True, slots=True)
class Visits(Common):
    """One row per visit."""

    key: str
    identifier_prefix: str
    given_name: str
    sex: Choice
    birth: Birth
    pathway: Choice
    first_visit: date
    months: str
    observations: tuple[Measured, ...]
    interventions: Mapping[str, str]  # code → 0/1 column

    @property
    def constants(self) -> tuple[str, ...]:
        """Columns that say the same on every row of a patient."""
        baseline = [one.column for one in self.observations if one.first_only]
        named = [self.sex.column, self.birth.age_column, self.pathway.column, *baseline]
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def switches(self) -> tuple[str, ...]:
        """The 0/1 columns."""
        named = [gate for one in self.observations for item in one.items for gate in (item.until, item.since)]
        return tuple(dict.fromkeys([*self.interventions.values(), *(name for name in named if name)]))

    @property
    def columns(self) -> frozenset[str]:
        told = {one.column for one in self.observations} | {i.column for one in self.observations for i in one.items}
        return frozenset({self.key, self.months, *self.constants, *self.switches, *told}) - {""}


@dataclass(frozen=True, slots=True)
class Results(Common):
    """One row per observation."""

    patient: str
    observation: str
    value: str
    unit: str
    effective: str
    source_id: str
    context: Mapping[str, str]  # context key → column
    codes: Mapping[str, str]  # word of the table → observation code; empty: the table uses the codes
    units: Mapping[str, str]  # word of the table → unit

    @property
    def columns(self) -> frozenset[str]:
        named = {self.patient, self.observation, self.value, self.unit, self.effective, self.source_id}
        return frozenset(named | set(self.context.values()))


def read(path: Path, known: Known) -> Visits | Results:
    """The checked mapping. Raises ContentError naming file, line and key."""
    file = Fields(yamltext.read(path), path.name, [])
    shape = file.one_of("shape", ("visits", "results"), "shape")
    found = _visits(file, known) if shape == "visits" else _results(file, known)
    file.finish()
    if len(found.code) > CODE_LENGTH:
        raise file.error("mapping", f"has more than {CODE_LENGTH} characters")
    unused = sorted(found.columns & set(found.left_out))
    if unused:
        raise file.error("left_out", f"{unused[0]} is used by this mapping")
    return found


def problems_of_header(mapping: Visits | Results, header: Collection[str]) -> list[str]:
    """Columns that the mapping needs and the table lacks, and those that the mapping does not mention."""
    missing = sorted(mapping.columns - set(header))
    known = mapping.columns | set(mapping.left_out)
    unknown = [name for name in header if name not in known]
    return [f"column {name!r} is missing" for name in missing] + [
        f"column {name!r} is unknown to the mapping (use it, or name it under left_out)" for name in unknown
    ]


def _visits(file: Fields, known: Known) -> Visits:
    patient, visit = file.within("patient"), file.within("visit")
    first = visit.day("first")
    if first is None:
        raise visit.error("first", "is missing (a day)")
    found = Visits(
        **_shared(file, known),
        key=patient.text("key"),
        identifier_prefix=patient.text("identifier_prefix", ""),
        given_name=patient.text("given_name", "Imported"),
        sex=_choice(patient, "sex", SEXES, "sex"),
        birth=_birth(patient),
        pathway=_choice(file, "pathway", known.pathways, "pathway"),
        first_visit=first,
        months=visit.text("months"),
        observations=tuple(_measured(one, known) for one in file.each("observations")),
        interventions=file.within("interventions").texts(known.vocabulary.interventions, "intervention"),
    )
    patient.finish()
    visit.finish()
    return found


def _results(file: Fields, known: Known) -> Results:
    columns = file.within("columns")
    kinds = known.vocabulary.catalogue.kinds
    codes = file.within("codes")
    translated = codes.texts()
    for name in translated:
        codes.one_of(name, kinds, "observation")
    keys = {key for kind in kinds.values() for key in kind.context}
    found = Results(
        **_shared(file, known),
        patient=columns.text("patient"),
        observation=columns.text("code"),
        value=columns.text("value"),
        unit=columns.text("unit"),
        effective=columns.text("effective"),
        source_id=columns.text("source_id"),
        context=columns.within("context").texts(keys, "context"),
        codes=translated,
        units=file.within("units").texts(),
    )
    columns.finish()
    return found


def _shared(file: Fields, known: Known) -> dict[str, Any]:
    delimiter = file.one_of("delimiter", DELIMITERS, "delimiter", ",")
    return {
        "code": file.text("mapping"),
        "title": file.text("title"),
        "delimiter": "\t" if delimiter == "tab" else delimiter,
        "site": _site(file.within("site"), known),
        "left_out": file.within("left_out").texts(),
    }


def _site(entry: Fields, known: Known) -> Clinic:
    plain = Clinic("")
    found = Clinic(
        slug=entry.text("slug", ""),
        name=entry.text("name", ""),
        time_zone=entry.text("time_zone", plain.time_zone),
        holiday_country=entry.text("holiday_country", ""),
        region=entry.one_of("region", REGIONS, "region", plain.region),
        rule_sets=entry.some_of("rule_sets", known.rule_sets, "rule set"),
    )
    entry.finish()
    return found


def _choice(entry: Fields, key: str, words: Collection[str], what: str) -> Choice:
    if not entry.is_mapping(key):
        return Choice("", fixed=entry.one_of(key, words, what))
    below = entry.within(key)
    listed = below.within("values")
    values = {cells.word(code): listed.one_of(code, words, what) for code in listed.keys()}
    if not values:
        raise below.error("values", "is missing")
    found = Choice(below.text("column"), values)
    below.finish()
    return found


def _birth(patient: Fields) -> Birth:
    entry = patient.within("birth_date")
    on = entry.day("years_before")
    if on is None:
        raise entry.error("years_before", "is missing (a day)")
    if entry.flag("estimated") is not True:
        raise entry.error("estimated", "must be true: a birth date made from an age is an estimate")
    found = Birth(entry.text("age_column"), on)
    entry.finish()
    return found


def _measured(entry: Fields, known: Known) -> Measured:
    kinds = known.vocabulary.catalogue.kinds
    code = entry.one_of("code", kinds, "observation")
    kind = kinds[code]
    is_panel, needs_unit = kind.type == "panel", kind.type == "quantity" and not kind.unit_optional
    context = entry.within("context")
    found = Measured(
        code=code,
        column="" if is_panel else entry.text("column"),
        unit=entry.one_of("unit", kind.units, "unit", None if needs_unit else ""),
        context=context.texts(kind.context, "context"),
        items=_items(entry.within("items"), kind.items) if is_panel else (),
        first_only=entry.one_of("at", ("every-visit", "first-visit"), "visit", "every-visit") == "first-visit",
    )
    entry.finish()
    for key in found.context:
        if kind.context[key]:
            context.one_of(key, kind.context[key], key)
    return found


def _items(entry: Fields, known: Collection[str]) -> tuple[Item, ...]:
    found = []
    for code in entry.keys():
        if code not in known:
            raise entry.error(code, "is no item of this form")
        if not entry.is_mapping(code):
            found.append(Item(code, entry.text(code)))
            continue
        below = entry.within(code)
        found.append(Item(code, below.text("column"), below.text("until", ""), below.text("since", "")))
        below.finish()
    return tuple(found)
