"""Single results for patients who are on a pathway: recorded now, in batches per patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from pathway import errors, flow
from pathway.engine.tables.results import Result
from pathway.imports import known
from pathway.imports.run import Run
from pathway.models import Enrollment
from pathway.services.observations import NewObservation

BATCH = 500
# Whether a weight looks like pounds is asked of the weights before it, so each needs a batch of its own.
ALONE = frozenset({"weight"})


def play(run: Run, results: Iterable[Result]) -> None:
    """Consecutive rows of a patient are one batch, judged once."""
    patients: set[str] = set()
    for identifier, rows in groupby(results, key=lambda one: one.patient):
        patients.add(identifier)
        run.outcome.patients = len(patients)
        for batch in _batches(rows):
            _play_batch(run, identifier, batch)
            run.told()


def _batches(rows: Iterable[Result]) -> Iterator[list[Result]]:
    batch: list[Result] = []
    held: set[str] = set()
    for row in rows:
        code = row.prepared.code
        if len(batch) >= BATCH or code in held:
            yield batch
            batch, held = [], set()
        batch.append(row)
        held |= {code} & ALONE
    if batch:
        yield batch


def _play_batch(run: Run, identifier: str, batch: list[Result]) -> None:
    patient = known.patient(run, identifier)
    enrollment = Enrollment.objects.filter(patient=patient).order_by("-pk").first() if patient else None
    if patient is None or enrollment is None:
        what = "There is no patient" if patient is None else "On no pathway is the patient"
        for row in batch:
            run.refuse_because(
                row.prepared.line, errors.NotFound("not-found", f"{what} {identifier!r} at {run.site.slug}")
            )
        return
    before = known.stored(run, (row.prepared for row in batch))
    refused = len(run.outcome.refusals)
    found = [(row, known.new(run, patient, row.prepared, row.effective, before)) for row in batch]
    fresh = [(row, one) for row, one in found if one is not None]
    run.outcome.known += len(found) - len(fresh) - (len(run.outcome.refusals) - refused)
    _record(run, enrollment.pk, fresh)


def _record(run: Run, enrollment_id: int, fresh: list[tuple[Result, NewObservation]]) -> None:
    """All at once; if that is refused, one by one, so that each row at fault is named."""
    if not fresh:
        return
    try:
        flow.record(enrollment_id, [one for _, one in fresh], at=run.now, by=None)
    except errors.Refused as error:
        if len(fresh) == 1:
            prepared = fresh[0][0].prepared
            run.refuse_because(prepared.line, error, prepared.column_of(error.field))
            return
        for pair in fresh:
            _record(run, enrollment_id, [pair])
    else:
        run.outcome.stored += len(fresh)
