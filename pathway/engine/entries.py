"""What a person or a device entered becomes a checked value, or is refused with a reason.

Checked here is all that one entry says by itself and with the age on its day: unit, hard and
soft range, lists, panel items, context (vocabulary section 4, CONVENTIONS 9, 35, 36). What needs
the patient's other results is in the small tests at the end; the caller knows those results.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from pathway import errors
from pathway.engine import units
from pathway.engine.catalogue import ADULT_AGE, ByAge, Kind, Range
from pathway.engine.chart import Value
from pathway.engine.schedule import Period

Item = Fraction | bool | None

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

MINUTES_A_DAY = 1440
NUMERIC_CONTEXT = frozenset({"uln", "days"})
NEEDS_ULN = frozenset({"alt", "ast"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One observation as it was sent, unchecked.

    `day` is the local day on which it took place, `at` its instant where one was given. Numbers
    are text, int, Decimal or Fraction, never float. Panels give `items` instead of `value`; a
    test that could not be done has neither and `performable` False.
    """

    value: object = None
    unit: str | None = None
    context: Mapping[str, object] = field(default_factory=dict)
    items: Mapping[object, object] = field(default_factory=dict)
    performable: bool = True
    day: date | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """An entry that may be stored.

    `value` is what was entered (a number in the unit that was entered), `canonical` what the
    engine computes with (for quantities in the canonical unit, else the same); both None for
    panels and tests not performable.
    """

    value: Value | None
    canonical: Value | None
    unit: str = ""
    items: Mapping[str, Item] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    performable: bool = True


def check(kind: Kind, entry: Entry, *, age: int | None, today: date, now: datetime | None = None) -> Checked:
    """The checked entry; `age` in years on the effective day (None, unknown, counts as adult).

    Raises InvalidEntry with `unit-missing`, `unit-unknown`, `implausible`, `contradiction` or
    `not-allowed`.
    """
    _check_time(entry, today, now)
    context = _context(kind, entry.context)
    if not entry.performable:
        return _not_performed(entry, context)
    _check_required(kind, context)
    if kind.type == "panel":
        return Checked(None, None, items=_items(kind, entry), context=context)
    if entry.items:
        raise errors.InvalidEntry("not-allowed", f"{kind.title} has no items", "items")
    if kind.type == "quantity":
        return _quantity(kind, entry, context, age)
    value = _plain(kind, entry, today)
    return Checked(value, value, context=context)


def _check_time(entry: Entry, today: date, now: datetime | None) -> None:
    lies_ahead = entry.day is not None and entry.day > today
    if lies_ahead or (entry.at is not None and now is not None and entry.at > now):
        raise errors.InvalidEntry("implausible", "The day of the observation lies ahead", "effective")


def _not_performed(entry: Entry, context: Mapping[str, str]) -> Checked:
    if entry.value is not None or entry.items:
        raise errors.InvalidEntry("contradiction", "A test that could not be done has no value", "value")
    return Checked(None, None, context=context, performable=False)


# quantities


def _quantity(kind: Kind, entry: Entry, context: Mapping[str, str], age: int | None) -> Checked:
    entered = units.exact(entry.value)
    value = units.canonical(kind, entered, entry.unit)
    hard = _range(kind.hard, age)
    if hard is not None and not hard.holds(value):
        raise errors.InvalidEntry("implausible", f"{kind.title} must lie {_between(kind, hard)}", "value")
    soft = _range(kind.soft, age)
    flags = ["soft-range"] if soft is not None and not soft.holds(value) else []
    if kind.code in NEEDS_ULN and "uln" not in context:
        flags.append("uln-missing")
    return Checked(entered, value, entry.unit or kind.unit, context=context, flags=tuple(flags))


def _range(by_age: ByAge, age: int | None) -> Range | None:
    chosen = by_age.child if age is not None and age < ADULT_AGE else by_age.adult
    return chosen if isinstance(chosen, Range) else None


def _between(kind: Kind, hard: Range) -> str:
    low, high = (f"{units.rounded(bound, kind.decimals).normalize():f}" for bound in (hard.low, hard.high))
    return f"between {low} and {high} {kind.unit}".rstrip()


# all other single values


def _plain(kind: Kind, entry: Entry, today: date) -> Value:
    if entry.unit:
        raise errors.InvalidEntry("unit-unknown", f"{kind.title} has no unit", "unit")
    if kind.type == "boolean":
        return _boolean(kind, entry.value)
    if kind.type == "event":
        return _event(kind, entry.value)
    if kind.type == "coded":
        return _coded(kind, entry.value)
    if kind.type == "set":
        return _set(kind, entry.value)
    if kind.type == "date":
        return _date(kind, entry.value, today)
    raise ValueError(f"observation kind {kind.code} has an unknown type: {kind.type}")


def _boolean(kind: Kind, value: object) -> bool:
    if not isinstance(value, bool):
        raise errors.InvalidEntry("not-allowed", f"{kind.title} is true or false: {value!r}", "value")
    return value


def _event(kind: Kind, value: object) -> bool:
    if value is not True:
        raise errors.InvalidEntry("not-allowed", f"{kind.title} happened, or is not entered: {value!r}", "value")
    return True


def _coded(kind: Kind, value: object) -> str:
    if not isinstance(value, str) or value not in kind.values:
        raise errors.InvalidEntry("not-allowed", f"{kind.title} is one of {', '.join(kind.values)}: {value!r}", "value")
    return value


def _set(kind: Kind, value: object) -> frozenset[str]:
    """`[]` is an answer: asked, and none is there. One text alone is no list."""
    if not isinstance(value, list | tuple | set | frozenset):
        raise errors.InvalidEntry("not-allowed", f"{kind.title} is a list: {value!r}", "value")
    wrong = [item for item in value if item not in kind.items]
    if wrong:
        raise errors.InvalidEntry("not-allowed", f"{kind.title} knows no {wrong[0]!r}", "value")
    return frozenset(value)


def _date(kind: Kind, value: object, today: date) -> date:
    day = value if isinstance(value, date) and not isinstance(value, datetime) else None
    if isinstance(value, str) and _ISO_DATE.fullmatch(value):
        day = _iso_date(kind, value)
    if day is None:
        raise errors.InvalidEntry("not-allowed", f"{kind.title} is a date (2025-01-31): {value!r}", "value")
    if day > today:
        raise errors.InvalidEntry("implausible", f"{kind.title} lies ahead", "value")
    return day


def _iso_date(kind: Kind, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise errors.InvalidEntry("not-allowed", f"{kind.title} is a date (2025-01-31): {text!r}", "value") from error


# panels


def _items(kind: Kind, entry: Entry) -> Mapping[str, Item]:
    """Item by item, as named in the vocabulary; null says that it was not answered."""
    if entry.value is not None or entry.unit:
        raise errors.InvalidEntry("not-allowed", f"{kind.title} is entered by its items", "value")
    given = {str(name): value for name, value in entry.items.items()}
    if not given:
        raise errors.InvalidEntry("not-allowed", f"{kind.title} has no items", "items")
    for name in given:
        if name not in kind.items:
            raise errors.InvalidEntry("not-allowed", f"{kind.title} has no item {name!r}", f"items.{name}")
    if kind.code == "alsfrs-r":
        return _functional_scores(given)
    return _oximetry(given)


def _functional_scores(given: Mapping[str, object]) -> Mapping[str, Item]:
    """ALSFRS-R: whole numbers 0 to 4; item 5 has one form without and one with gastrostomy [V:ALSFRS]."""
    if given.get("5a") is not None and given.get("5b") is not None:
        raise errors.InvalidEntry("contradiction", "Item 5 is answered as 5a or as 5b, not both", "items.5b")
    return {name: None if value is None else _score(name, value) for name, value in given.items()}


def _score(name: str, value: object) -> Fraction:
    score = units.exact(value, f"items.{name}")
    if score.denominator != 1 or not 0 <= score <= 4:
        raise errors.InvalidEntry("implausible", f"Item {name} is a whole number from 0 to 4", f"items.{name}")
    return score


def _oximetry(given: Mapping[str, object]) -> Mapping[str, Item]:
    items = {name: _oximetry_item(name, value) for name, value in given.items()}
    recorded = items.get("recording-minutes")
    for name, value in items.items():
        if recorded is not None and name.startswith("minutes-") and value is not None and value > recorded:
            raise errors.InvalidEntry("implausible", "More minutes than were recorded", f"items.{name}")
    return items


def _oximetry_item(name: str, value: object) -> Item:
    if value is None:
        return None
    if name == "significant":
        if not isinstance(value, bool):
            raise errors.InvalidEntry("not-allowed", f"Item {name} is true or false: {value!r}", f"items.{name}")
        return value
    minutes = units.exact(value, f"items.{name}")
    if not 0 <= minutes <= MINUTES_A_DAY:
        raise errors.InvalidEntry("implausible", f"Item {name} is minutes of one night", f"items.{name}")
    return minutes


# context


def _context(kind: Kind, given: Mapping[str, object]) -> Mapping[str, str]:
    return {key: _context_value(kind, key, value) for key, value in given.items() if value is not None}


def _context_value(kind: Kind, key: str, value: object) -> str:
    where = f"context.{key}"
    if key not in kind.context:
        raise errors.InvalidEntry("not-allowed", f"{kind.title} has no context {key!r}", where)
    text = _context_text(key, value)
    allowed = kind.context[key]
    if not text or (allowed and text not in allowed):
        choice = ", ".join(allowed) or "any text"
        raise errors.InvalidEntry("not-allowed", f"{key} is one of {choice}: {value!r}", where)
    if key in NUMERIC_CONTEXT:
        _check_numeric_context(key, text)
    return text


def _context_text(key: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | Decimal | Fraction):
        return str(value).strip()
    raise errors.InvalidEntry("not-allowed", f"{key} is a text or a number: {value!r}", f"context.{key}")


def _check_numeric_context(key: str, text: str) -> None:
    """An upper limit of normal divides, so it is above 0; a number of days is not negative."""
    number = units.exact(text, f"context.{key}")
    if number < 0 or (key == "uln" and number == 0):
        raise errors.InvalidEntry("implausible", f"{key} is too small: {text}", f"context.{key}")


def _check_required(kind: Kind, context: Mapping[str, str]) -> None:
    for key in kind.required_context:
        if key not in context:
            raise errors.InvalidEntry("not-allowed", f"{kind.title} needs its {key}", f"context.{key}")


# tests against the patient's other results (CONVENTIONS 34 and 35)

POUNDS_A_KILOGRAM = Fraction("2.2046")
MIXUP_TOLERANCE = Fraction(2, 100)
MIXUP_INFANT_AGE = 2
ONE_MONTH_DAYS = 31
LOW_BMI, HIGH_BMI = Fraction(12), Fraction(50)
RAPID_SHARE = Fraction(10, 100)
STALE_AFTER = Period(3, "mo")
FIXED_DOSE_KG = Fraction(20)
FIXED_DOSE_ROW = 4


def is_unit_mixup(new: Fraction, earlier: Fraction, *, age: int | None = None, days: int = 0) -> bool:
    """Whether one weight looks like the other in pounds: ratio 2.2046 within 2 %, either way [D].

    `days` lie between the two. An infant can double its weight, so under 2 years of age an
    earlier weight of more than 31 days says nothing.
    """
    if age is not None and age < MIXUP_INFANT_AGE and days > ONE_MONTH_DAYS:
        return False
    low, high = POUNDS_A_KILOGRAM * (1 - MIXUP_TOLERANCE), POUNDS_A_KILOGRAM * (1 + MIXUP_TOLERANCE)
    return low <= new / earlier <= high or low <= earlier / new <= high


def is_bmi_implausible(bmi: Fraction, age: int | None) -> bool:
    """An adult's body mass index under 12 or over 50 kg/m2 [D]."""
    return _is_adult(age) and not LOW_BMI <= bmi <= HIGH_BMI


def is_rapid_change(new: Fraction, earlier: Fraction, *, days: int, age: int | None) -> bool:
    """An adult's weight, more than 10 % from the newest earlier one, within 31 days [D]."""
    return _is_adult(age) and days <= ONE_MONTH_DAYS and abs(new - earlier) > RAPID_SHARE * earlier


def is_q3_without_gastrostomy(items: Mapping[str, Item], *, has_gastrostomy: bool) -> bool:
    """Swallowing at most 1, item 5 answered as without a gastrostomy, and none recorded [D]."""
    swallowing = items.get("3")
    if has_gastrostomy or swallowing is None or items.get("5a") is None:
        return False
    return swallowing <= 1


def is_below_fixed_dose(weight: Fraction, prescribed_row: Value | None) -> bool:
    """`below-20-kg`: weight under 20 kg while the fixed risdiplam dose (row 4) is prescribed [V:RIS]."""
    return prescribed_row == FIXED_DOSE_ROW and weight < FIXED_DOSE_KG


def is_weight_stale(weighed_on: date, today: date, *, age: int | None) -> bool:
    """`weight-stale`: a child's weight of more than 3 calendar months ago; ask while risdiplam is active."""
    return not _is_adult(age) and STALE_AFTER.after(weighed_on) < today


def _is_adult(age: int | None) -> bool:
    return age is None or age >= ADULT_AGE
