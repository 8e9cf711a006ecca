"""One row per visit becomes the story of a patient: who it is, and what was seen on which day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from pathway import errors
from pathway.engine import units
from pathway.engine.catalogue import Catalogue
from pathway.engine.entries import Entry
from pathway.engine.schedule import Period
from pathway.engine.tables import cells
from pathway.engine.tables.cells import Prepared
from pathway.engine.tables.mapping import Choice, Measured, Visits
from pathway.engine.tables.reading import Refusal, Row

MAX_MONTHS = 1200
MAX_AGE = 120
MAX_KEY = 64
MONTHS_A_YEAR = 12

Refuse = Callable[[Refusal], None]


@dataclass(frozen=True, slots=True)
class Visit:
    """What one row says. `begun` are the interventions that the patient has from this visit on.

    `unclear` names the 0/1 columns that are empty here though no earlier visit settles them.
    """

    line: int
    day: date
    form: tuple[Prepared, ...]
    begun: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """One patient, visits by day. `identifier` is the hospital number that the patient gets."""

    line: int
    key: str
    identifier: str
    given_name: str
    sex: str
    birth_date: date
    pathway: str
    visits: tuple[Visit, ...]


def stories(rows: Iterable[Row], mapping: Visits, catalogue: Catalogue, refuse: Refuse) -> Iterator[Story]:
    """Patient by patient, holding the rows of one at a time.

    The rows of a patient must stand together, in any order of time. A row that cannot be taken
    goes to `refuse`; the story then lacks it, and the caller stores nothing.
    """
    finished: set[str] = set()
    for key, group in groupby(_sound(rows, refuse), key=lambda row: row.cells[mapping.key]):
        block = list(group)
        problem = _problem_of_key(key, mapping, finished)
        if problem:
            refuse(Refusal(block[0].line, mapping.key, problem))
            continue
        finished.add(key)
        story = _story(key, block, mapping, catalogue, refuse)
        if story is not None:
            yield story


def _sound(rows: Iterable[Row], refuse: Refuse) -> Iterator[Row]:
    for row in rows:
        if row.problem:
            refuse(Refusal(row.line, "", row.problem))
        else:
            yield row


def _problem_of_key(key: str, mapping: Visits, finished: set[str]) -> str:
    if not key:
        return "is empty: whose visit is it?"
    if len(mapping.identifier_prefix + key) > MAX_KEY:
        return f"has more than {MAX_KEY} characters"
    if key in finished:
        return f"the rows of {key} do not stand together: sort the file by patient"
    return ""


def _story(key: str, block: list[Row], mapping: Visits, catalogue: Catalogue, refuse: Refuse) -> Story | None:
    dated = _dated(block, mapping, refuse)
    if not dated:
        return None
    first = dated[0][1]
    _refuse_changes(dated, mapping, refuse)
    visits = _visits(key, dated, mapping, catalogue, refuse)
    try:
        return Story(
            line=first.line,
            key=key,
            identifier=mapping.identifier_prefix + key,
            given_name=mapping.given_name,
            sex=_of(mapping.sex, first),
            birth_date=_birth_date(mapping, first),
            pathway=_of(mapping.pathway, first),
            visits=tuple(visits),
        )
    except errors.InvalidEntry as error:
        refuse(Refusal(first.line, error.field, error.reason))
        return None


def _dated(block: list[Row], mapping: Visits, refuse: Refuse) -> list[tuple[int, Row]]:
    """The rows with their month, earliest first; rows of one month stay in the order of the file."""
    found = []
    for row in block:
        try:
            found.append((cells.whole(row.cells[mapping.months], mapping.months, most=MAX_MONTHS), row))
        except errors.InvalidEntry as error:
            refuse(Refusal(row.line, error.field, error.reason))
    return sorted(found, key=lambda pair: pair[0])


def _refuse_changes(dated: Sequence[tuple[int, Row]], mapping: Visits, refuse: Refuse) -> None:
    first = dated[0][1]
    for _, row in dated[1:]:
        for column in mapping.constants:
            if cells.word(row.cells[column]) != cells.word(first.cells[column]):
                reason = f"differs from line {first.line} of the same patient, where it is {first.cells[column]!r}"
                refuse(Refusal(row.line, column, reason))


def _of(choice: Choice, row: Row) -> str:
    return cells.chosen(row.cells[choice.column], choice.column, choice.values) if choice.column else choice.fixed


def _birth_date(mapping: Visits, row: Row) -> date:
    """The day that many years before, by full months of the age."""
    column = mapping.birth.age_column
    age = units.exact(row.cells[column], column)
    if not 0 <= age <= MAX_AGE:
        raise errors.InvalidEntry("implausible", f"is an age from 0 to {MAX_AGE} years", column)
    return Period(int(age * MONTHS_A_YEAR), "mo").before(mapping.birth.on)


def _visits(
    key: str, dated: Sequence[tuple[int, Row]], mapping: Visits, catalogue: Catalogue, refuse: Refuse
) -> list[Visit]:
    found: list[Visit] = []
    settled: set[str] = set()  # 0/1 columns that have been 1
    times: Counter[int] = Counter()
    for place, (months, row) in enumerate(dated):
        times[months] += 1
        again = f"#{times[months]}" if times[months] > 1 else ""
        day = Period(months, "mo").after(mapping.first_visit)
        try:
            turned, unclear = _switched(row, mapping, settled)
            form = _form(f"{key}/{months}{again}", row, mapping, catalogue, settled, is_first=place == 0)
        except errors.InvalidEntry as error:
            refuse(Refusal(row.line, error.field, error.reason))
            continue
        begun = tuple(code for code, column in mapping.interventions.items() if column in turned)
        found.append(Visit(row.line, day, form, begun, unclear))
    return found


def _switched(row: Row, mapping: Visits, settled: set[str]) -> tuple[set[str], tuple[str, ...]]:
    """Columns that are 1 for the first time, and those that say nothing yet. Notes the former in `settled`."""
    turned, unclear = set(), []
    for column in mapping.switches:
        answer = cells.switch(row.cells[column], column)
        if answer is False and column in settled:
            raise errors.InvalidEntry("contradiction", "is 0 after it was 1: an import does not stop anything", column)
        if answer is None and column not in settled:
            unclear.append(column)
        if answer and column not in settled:
            turned.add(column)
    settled |= turned
    return turned, tuple(unclear)


def _form(
    visit: str, row: Row, mapping: Visits, catalogue: Catalogue, settled: set[str], *, is_first: bool
) -> tuple[Prepared, ...]:
    """Every observation that the row has a value for."""
    form = []
    for one in mapping.observations:
        if one.first_only and not is_first:
            continue
        source_id = f"{visit}/{one.code}"
        if one.items:
            prepared = _panel(source_id, one, row, settled)
        else:
            prepared = _single(source_id, one, row, catalogue)
        if prepared is not None:
            form.append(prepared)
    return tuple(form)


def _panel(source_id: str, one: Measured, row: Row, settled: set[str]) -> Prepared | None:
    """Empty items are asked and missing; a form of which all are empty was not filled in."""
    columns = {
        item.code: item.column
        for item in one.items
        if (not item.until or item.until not in settled) and (not item.since or item.since in settled)
    }
    items: dict[object, object] = {code: row.cells[column] or None for code, column in columns.items()}
    if all(value is None for value in items.values()):
        return None
    return Prepared(one.code, source_id, row.line, Entry(items=items, context=one.context), columns)


def _single(source_id: str, one: Measured, row: Row, catalogue: Catalogue) -> Prepared | None:
    text = row.cells[one.column]
    if not text:
        return None
    value = cells.typed(catalogue.kinds[one.code], text)
    return Prepared(one.code, source_id, row.line, Entry(value, one.unit or None, one.context), {"value": one.column})
