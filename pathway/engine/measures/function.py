"""ALSFRS-R: items, sums, slopes, and the stages that are estimated from it (facts 3.1 to 3.3).

Items are named 1-4, 5a or 5b, 6-12. An item that was not answered is unknown, never 0, and a
sum, stage or domain that hangs on it is unknown too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

from pathway.engine.chart import Reader, Reading, Result
from pathway.engine.measures.base import MONTH, Family, Take, all_of, any_of, days_between, only

FAMILY = Family()

FORM = "alsfrs-r"
ALL_ITEMS = tuple(range(1, 13))
FULL_SCORE = 48


def item(form: Result, number: int) -> Fraction | None:
    """The answer to one item; of item 5, whichever of its two forms was answered."""
    names = ("5a", "5b") if number == 5 else (str(number),)
    answers = [form.items.get(name) for name in names]
    return next((a for a in answers if isinstance(a, Fraction)), None)


def total_of(form: Result, numbers: tuple[int, ...] = ALL_ITEMS) -> Fraction | None:
    """The sum of these items; None where one of them was not answered."""
    answers = [item(form, number) for number in numbers]
    known = [a for a in answers if a is not None]
    return sum(known, Fraction(0)) if len(known) == len(answers) else None


def _of_form(reader: Reader, make: Callable[[Result], Fraction | bool | None]) -> Reading:
    """What the newest valid form says."""
    form = reader.read(FORM)
    if not form.is_known:
        return form
    value = make(only(form))
    return reader.reading(value, form.evidence, () if value is not None else [FORM])


def _sum(code: str, title: str, formula: str, numbers: tuple[int, ...]) -> Take:
    @FAMILY.measure(code, title, formula, "{score}")
    def take(reader: Reader) -> Reading:
        """Sum of items of the newest form [V:ALSFRS]; the six activity items of `alsfrs-6` [V:KAS], [M]."""
        return _of_form(reader, lambda form: total_of(form, numbers))

    return take


_sum("alsfrs-total", "ALSFRS-R total", "sum of the 12 items of the newest form (5a or 5b for item 5)", ALL_ITEMS)
_sum("alsfrs-bulbar", "ALSFRS-R bulbar", "items 1 + 2 + 3", (1, 2, 3))
_sum("alsfrs-fine", "ALSFRS-R fine motor", "items 4 + 5 + 6", (4, 5, 6))
_sum("alsfrs-gross", "ALSFRS-R gross motor", "items 7 + 8 + 9", (7, 8, 9))
_sum("alsfrs-respiratory", "ALSFRS-R respiratory", "items 10 + 11 + 12", (10, 11, 12))
_sum("alsfrs-6", "ALSFRS-6", "items 1 + 4 + 6 + 7 + 8 + 10", (1, 4, 6, 7, 8, 10))
for _number in ALL_ITEMS:
    _which = f"item {_number} of the newest form" + (" (5a or 5b)" if _number == 5 else "")
    _sum(f"q{_number}", f"ALSFRS-R item {_number}", _which, (_number,))


# slopes


def _complete_forms(reader: Reader) -> list[tuple[Result, Fraction]]:
    """Complete forms with their totals, oldest first."""
    forms = ((form, total_of(form)) for form in reader.usable(FORM))
    return [(form, total) for form, total in forms if total is not None]


@FAMILY.measure(
    "dfs",
    "Slope since onset",
    "(48 - total) x 30.4375 / days from onset-date to the newest complete form",
    "/mo",
    2,
)
def dfs(reader: Reader) -> Reading:
    """Points lost per mean month since symptom onset [D]."""
    onset, forms = reader.read("onset-date"), _complete_forms(reader)
    if not forms or not reader.is_valid(forms[-1][0]):
        return reader.reading(None, onset.evidence, [FORM, *onset.missing])
    form, total = forms[-1]
    if not isinstance(onset.value, date):
        return reader.reading(None, [form], onset.missing)
    days = (form.day - onset.value).days
    slope = (FULL_SCORE - total) * MONTH / days if days > 0 else None
    return reader.reading(slope, [form, *onset.evidence])


@FAMILY.measure(
    "fs-slope",
    "Slope between visits",
    "(earlier - newest total) x 30.4375 / days, complete forms only, earlier at least 28 d back; positive = loss",
    "/mo",
    2,
)
def fs_slope(reader: Reader) -> Reading:
    """Points lost per mean month between two complete forms [D]."""
    forms = _complete_forms(reader)
    if not forms or not reader.is_valid(forms[-1][0]):
        return reader.unknown(FORM)
    newest, total = forms[-1]
    old = [pair for pair in forms if days_between(pair[0], newest) >= 28]
    if not old:
        return reader.reading(None, [newest], [FORM])
    earlier, before = old[-1]
    return reader.reading((before - total) * MONTH / days_between(earlier, newest), [newest, earlier])


# King's stage


def _below(answer: Fraction | bool | None, limit: int) -> bool | None:
    return None if answer is None else answer < limit


def _at_most(answer: Fraction | None, limit: int) -> bool | None:
    return None if answer is None else answer <= limit


def _ventilation_needed(form: Result) -> bool | None:
    return any_of([_at_most(item(form, 10), 0), _below(item(form, 12), 4)])


def _gastrostomy_used(form: Result) -> bool | None:
    """By the form of item 5 that was answered; undecided where neither was."""
    if form.items.get("5b") is not None:
        return True
    return None if form.items.get("5a") is None else False


@FAMILY.measure(
    "kings",
    "King's stage, estimate",
    "4 if item 5b is used, item 10 = 0 or item 12 < 4; else the number of regions affected, at least 1",
)
def kings(reader: Reader) -> Reading:
    """Estimate from the form [V:KM1], [V:KM2]; at least 1 once diagnosed [D]. A clinician may override."""
    return _of_form(reader, _kings_stage)


def _kings_stage(form: Result) -> Fraction | None:
    supported = any_of([_gastrostomy_used(form), _ventilation_needed(form)])
    if supported is not False:
        return Fraction(4) if supported else None
    regions = [
        any_of(_below(item(form, number), 4) for number in (1, 2, 3)),
        any_of([_below(item(form, 4), 4), _below(form.items.get("5a"), 4)]),
        _below(item(form, 8), 4),
    ]
    least = max(1, regions.count(True))
    most = max(1, regions.count(True) + regions.count(None))
    return Fraction(least) if least == most else None


@FAMILY.measure("kings-a", "King's 4A, nutrition", "item 5b used")
def kings_a(reader: Reader) -> Reading:
    """A gastrostomy, as the form was answered [V:KM1]."""
    return _of_form(reader, lambda form: form.items.get("5b") is not None)


@FAMILY.measure("kings-b", "King's 4B, breathing", "item 10 = 0 or item 12 < 4")
def kings_b(reader: Reader) -> Reading:
    """Ventilation needed, as the form was answered [V:KM1]."""
    return _of_form(reader, _ventilation_needed)


# the stage by MiToS: one point for each domain lost


def _movement(form: Result) -> bool | None:
    return any_of([_at_most(item(form, 8), 1), _at_most(item(form, 6), 1)])


def _swallowing(form: Result) -> bool | None:
    return _at_most(item(form, 3), 1)


def _communication(form: Result) -> bool | None:
    return all_of([_at_most(item(form, 1), 1), _at_most(item(form, 4), 1)])


def _breathing(form: Result) -> bool | None:
    return any_of([_at_most(item(form, 10), 1), _at_most(item(form, 12), 2)])


def _domains_lost(form: Result) -> Fraction | None:
    lost = [_movement(form), _swallowing(form), _communication(form), _breathing(form)]
    return None if None in lost else Fraction(lost.count(True))


@FAMILY.measure("mitos", "MiToS stage", "number of domains lost, 0-4")
def mitos(reader: Reader) -> Reading:
    """Domains lost [V:MITOS]; unknown while one is undecided."""
    return _of_form(reader, _domains_lost)


@FAMILY.measure("mitos-movement", "MiToS movement lost", "item 8 <= 1 or item 6 <= 1")
def mitos_movement(reader: Reader) -> Reading:
    """Walking or self-care lost [V:MITOS]."""
    return _of_form(reader, _movement)


@FAMILY.measure("mitos-swallowing", "MiToS swallowing lost", "item 3 <= 1")
def mitos_swallowing(reader: Reader) -> Reading:
    """Swallowing lost [V:MITOS]."""
    return _of_form(reader, _swallowing)


@FAMILY.measure("mitos-communication", "MiToS communication lost", "item 1 <= 1 and item 4 <= 1")
def mitos_communication(reader: Reader) -> Reading:
    """Speech and writing both lost [V:MITOS]."""
    return _of_form(reader, _communication)


@FAMILY.measure("mitos-breathing", "MiToS breathing lost", "item 10 <= 1 or item 12 <= 2")
def mitos_breathing(reader: Reader) -> Reading:
    """Breathing unaided lost [V:MITOS]."""
    return _of_form(reader, _breathing)
