"""One row per observation: each becomes an entry for a patient who is named by hospital number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from pathway import errors
from pathway.engine.catalogue import Catalogue, Kind
from pathway.engine.entries import Entry
from pathway.engine.tables import cells
from pathway.engine.tables.cells import Prepared
from pathway.engine.tables.mapping import Results
from pathway.engine.tables.reading import Refusal, Row
from pathway.engine.tables.visits import Refuse

MAX_SOURCE_ID = 128


@dataclass(frozen=True, slots=True)
class Result:
    """One observation of one patient."""

    patient: str
    effective: date | datetime
    prepared: Prepared


def results(rows: Iterable[Row], mapping: Results, catalogue: Catalogue, refuse: Refuse) -> Iterator[Result]:
    """Row by row, in the order of the file. A row that cannot be taken goes to `refuse`."""
    lines: dict[str, int] = {}
    for row in rows:
        if row.problem:
            refuse(Refusal(row.line, "", row.problem))
            continue
        try:
            result = _result(row, mapping, catalogue)
            _check_once(result.prepared, mapping, lines)
        except errors.InvalidEntry as error:
            refuse(Refusal(row.line, error.field, error.reason))
        else:
            yield result


def _check_once(prepared: Prepared, mapping: Results, lines: dict[str, int]) -> None:
    first = lines.setdefault(prepared.source_id, prepared.line)
    if first != prepared.line:
        reason = f"{prepared.source_id!r} stands on line {first} already"
        raise errors.InvalidEntry("contradiction", reason, mapping.source_id)


def _result(row: Row, mapping: Results, catalogue: Catalogue) -> Result:
    kind = _kind(row.cells[mapping.observation], mapping, catalogue)
    for column in (mapping.patient, mapping.value, mapping.effective, mapping.source_id):
        if not row.cells[column]:
            raise errors.InvalidEntry("not-allowed", "is empty", column)
    source_id = row.cells[mapping.source_id]
    if len(source_id) > MAX_SOURCE_ID:
        raise errors.InvalidEntry("not-allowed", f"has more than {MAX_SOURCE_ID} characters", mapping.source_id)
    unit = row.cells[mapping.unit]
    entry = Entry(
        cells.typed(kind, row.cells[mapping.value]),
        mapping.units.get(unit, unit) or None,
        {key: row.cells[column] for key, column in mapping.context.items() if row.cells[column]},
    )
    columns = {"value": mapping.value, "unit": mapping.unit, "effective": mapping.effective, **mapping.context}
    effective = cells.moment(row.cells[mapping.effective], mapping.effective)
    return Result(row.cells[mapping.patient], effective, Prepared(kind.code, source_id, row.line, entry, columns))


def _kind(name: str, mapping: Results, catalogue: Catalogue) -> Kind:
    code = mapping.codes.get(name, name)
    kind = catalogue.kinds.get(code)
    if kind is None or (mapping.codes and name not in mapping.codes):
        raise errors.InvalidEntry("not-allowed", f"{name!r} is no observation that is known", mapping.observation)
    if kind.type == "panel":
        reason = f"{kind.title} is entered by its items, which one row cannot say"
        raise errors.InvalidEntry("not-allowed", reason, mapping.observation)
    return kind
