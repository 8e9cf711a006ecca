"""Observation kinds: what can be recorded, in which units, within which bounds, and for how long it holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import TypeAlias

from pathway.engine.catalogue import ByAge, Kind, Range
from pathway.engine.content import vocabulary
from pathway.engine.content.fields import Fields

ANY = "any"  # a context key whose value is free text or a number
ALWAYS = "always"

_TYPES = ("quantity", "boolean", "coded", "set", "event", "date", "panel")
_CONSTANT = {"": ByAge(0, 0), ALWAYS: ByAge(1, 1), "adult": ByAge(1, 0)}
_NUMBER = r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?"
_RANGE = re.compile(rf"({_NUMBER}) to ({_NUMBER})", re.ASCII)
_FACTOR = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20}|/[0-9]{1,20})?", re.ASCII)
_DAYS = re.compile(r"([0-9]{1,5}) d", re.ASCII)

Setting: TypeAlias = Range | int | None
Terminology: TypeAlias = dict[str, dict[str, str]]


def kinds(file: Fields) -> tuple[dict[str, Kind], Terminology]:
    """The kinds by code, and the verified codes of other systems for those that have some."""
    found: dict[str, Kind] = {}
    terminology: Terminology = {}
    for code, entry in file.within("observations").entries():
        found[code] = _kind(code, entry)
        codings = entry.within("terminology").texts()
        if codings:
            terminology[code] = codings
        entry.finish()
    file.finish()
    return found, terminology


def _kind(code: str, entry: Fields) -> Kind:
    type_ = entry.one_of("type", _TYPES, "type")
    unit = entry.text("unit", "")
    if (type_ == "quantity") != bool(unit):
        raise entry.error("unit", "is needed for a quantity, and only for a quantity")
    context = _context(entry.within("context"))
    return Kind(
        code=code,
        title=entry.text("title"),
        type=type_,
        unit=unit,
        units=_units(entry.within("also"), unit),
        unit_optional=unit.startswith("{"),  # UCUM annotations: scores and counts
        hard=_by_age(entry, "hard", _range),
        soft=_by_age(entry, "soft", _range),
        decimals=entry.whole("decimals", 0),
        valid=_by_age(entry, "valid", _days, required=True),
        constant=_CONSTANT[entry.one_of("constant", _CONSTANT, "setting", "")],
        magnitude_only=bool(entry.flag("magnitude_only")),
        values=_choices(entry, "values", needed=type_ == "coded"),
        items=_choices(entry, "items", needed=type_ in ("set", "panel")),
        context=context,
        required_context=entry.some_of("required_context", context, "context key"),
        default_context=vocabulary.context_values(entry.within("default_context"), context),
        absent_means=entry.flag("absent_means"),
    )


def _choices(entry: Fields, key: str, *, needed: bool) -> tuple[str, ...]:
    words = entry.words(key)
    if needed != bool(words):
        raise entry.error(key, "is missing" if needed else "does not fit this type")
    return words


def _context(entry: Fields) -> dict[str, tuple[str, ...]]:
    """Allowed values per context key; `any` becomes the empty tuple."""
    return {key: entry.words(key) if entry.is_list(key) else _free(entry, key) for key in entry.codes()}


def _free(entry: Fields, key: str) -> tuple[str, ...]:
    entry.one_of(key, (ANY,), "context value")
    return ()


def _units(also: Fields, unit: str) -> dict[str, Fraction]:
    units = {unit: Fraction(1)} if unit else {}
    for other in also.keys():
        if other in units or not unit:
            raise also.error(other, "is the canonical unit" if unit else "has no canonical unit to convert to")
        units[other] = _factor(also, other)
    return units


def _factor(also: Fields, unit: str) -> Fraction:
    """Exact, as decimal or fraction: `0.45359237`, `1/60`."""
    text = also.text(unit)
    if not _FACTOR.fullmatch(text) or not re.search("[1-9]", text) or re.search("/0+$", text):
        raise also.error(unit, f"is not a factor above zero (such as 0.001 or 1/60): {text!r}")
    return Fraction(text)


def _by_age(entry: Fields, key: str, make: Callable[[Fields, str], Setting], *, required: bool = False) -> ByAge:
    """One setting for all ages, or one for `adult` and one for `child`."""
    if not entry.has(key):
        if required:
            raise entry.error(key, "is missing")
        return ByAge(None, None)
    if not entry.is_mapping(key):
        setting = make(entry, key)
        return ByAge(setting, setting)
    ages = entry.within(key)
    for age in ("adult", "child"):
        if required and not ages.has(age):
            raise ages.error(age, "is missing")
    found = ByAge(*(make(ages, age) if ages.has(age) else None for age in ("adult", "child")))
    ages.finish()
    return found


def _range(entry: Fields, key: str) -> Range:
    text = entry.text(key)
    match = _RANGE.fullmatch(text)
    if match is None:
        raise entry.error(key, f"is not a range (such as '30 to 250'): {text!r}")
    low, high = Fraction(match.group(1)), Fraction(match.group(2))
    if low >= high:
        raise entry.error(key, f"is an empty range: {text!r}")
    return Range(low, high)


def _days(entry: Fields, key: str) -> int | None:
    text = entry.text(key)
    match = _DAYS.fullmatch(text)
    if match is None and text != ALWAYS:
        raise entry.error(key, f"is neither days (such as '183 d') nor 'always': {text!r}")
    return int(match.group(1)) if match else None
