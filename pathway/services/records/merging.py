"""Two records of one person become one, in two steps: somebody proposes it, a person confirms it; and apart again.

The steps that move rows are functions of the database (migration 0009): half of what they touch is seen by nobody
while they run. They ask themselves who asks.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from pathway import audit, errors
from pathway.models import (
    LIVE,
    Enrollment,
    Intervention,
    Merge,
    MergeRow,
    MergeStatus,
    Patient,
    PatientNumber,
    User,
    guarded,
)
from pathway.selectors import merges


def propose(survivor: Patient, source: Patient, *, request: UUID, reason: str, at: datetime, by: User) -> Merge:
    """`source` shall be closed and `survivor` go on. The same request twice is one proposal."""
    known = Merge.objects.filter(request=request).first()
    if known is not None:
        return known
    _need(reason)
    if survivor.pk == source.pk:
        raise errors.NotAllowed("not-allowed", "That is the same record", "other")
    if survivor.site_id != source.site_id:
        raise errors.NotAllowed(
            "not-allowed", "The records are of different sites: transfer one of them first", "other"
        )
    try:
        with transaction.atomic():
            merge = Merge.objects.create(
                request=request, source=source, survivor=survivor, reason=reason, proposed_by=by, proposed_at=at
            )
    except IntegrityError as error:
        raise errors.Conflict("not-allowed", "A merge of that record is proposed already") from error
    _tell("record.merge-proposed", merge, by, reason)
    return merge


def lock(merge_id: int) -> Merge:
    """The merge, with both records and all their enrollments locked, in the order in which every flow does it."""
    merge = Merge.objects.select_for_update().filter(pk=merge_id).first()
    if merge is None:
        raise errors.NotFound("not-found", "There is no such merge")
    both = (merge.source_id, merge.survivor_id)
    list(Enrollment.objects.select_for_update(no_key=True).filter(patient__in=both).order_by("pk"))
    list(Patient.objects.unscoped("lock").select_for_update(no_key=True).filter(pk__in=both).order_by("pk"))
    return merge


def confirm(merge: Merge, *, today: date, at: datetime, by: User) -> None:
    """Raises NotAllowed with what has to be settled first."""
    _must_be(merge, MergeStatus.PROPOSED)
    found = merges.obstacles(merge.survivor, merge.source)
    if found:
        raise errors.NotAllowed("not-allowed", ". ".join(found))
    _end_doubles(merge, today)
    number = PatientNumber.objects.create(
        patient=merge.survivor, site_id=merge.source.site_id, number=merge.source.identifier, until=at
    )
    _note(merge, number, moved=False)
    guarded.ask("SELECT pathway_join_records(%s, %s)", [merge.pk, at], by=by)
    _tell("record.merged", merge, by, merge.reason)


def refuse(merge: Merge, *, reason: str, at: datetime, by: User) -> None:
    """They are two people after all, or it was proposed the wrong way round."""
    _need(reason)
    _must_be(merge, MergeStatus.PROPOSED)
    merge.status, merge.decided_by, merge.decided_at, merge.end_reason = MergeStatus.REFUSED, by, at, reason
    merge.save(update_fields=["status", "decided_by", "decided_at", "end_reason"])
    _tell("record.merge-refused", merge, by, reason)


def undo(merge: Merge, *, reason: str, at: datetime, by: User) -> None:
    """All rows that the merge moved go back; what came since stays with the survivor."""
    _need(reason)
    _must_be(merge, MergeStatus.CONFIRMED)
    added = merge.rows.filter(table="pathway_patientnumber", moved=False).values("row")
    PatientNumber.objects.filter(pk__in=added).delete()
    guarded.ask("SELECT pathway_part_records(%s, %s, %s)", [merge.pk, reason, at], by=by)
    merge.refresh_from_db()
    _tell("record.unmerged", merge, by, reason)


def _end_doubles(merge: Merge, today: date) -> None:
    """What runs in both records goes on in one: that of the live enrollment, else that of the survivor."""
    on_pathway = Enrollment.objects.filter(patient__in=(merge.source, merge.survivor), status__in=LIVE).first()
    goes_on = on_pathway.patient_id if on_pathway is not None else merge.survivor_id
    ends = merge.source_id if goes_on == merge.survivor_id else merge.survivor_id
    kinds = Intervention.objects.filter(patient=goes_on, stopped_on=None).values("kind")
    for row in Intervention.objects.filter(patient=ends, stopped_on=None, kind__in=kinds):
        row.stopped_on = max(today, row.started_on)
        row.save(update_fields=["stopped_on"])
        _note(merge, row, moved=False, before={"stopped_on": None})


def _note(
    merge: Merge, row: Intervention | PatientNumber, *, moved: bool, before: dict[str, None] | None = None
) -> None:
    MergeRow.objects.create(merge=merge, table=row._meta.db_table, row=row.pk, moved=moved, before=before)


def _tell(action: str, merge: Merge, by: User, reason: str) -> None:
    """On both, so that whoever reads the history of one finds the other."""
    for patient, other in ((merge.source, merge.survivor), (merge.survivor, merge.source)):
        after = {"merge": merge.pk, "other": str(other.uuid)}
        audit.record(action, by=by, patient=patient, subject=merge, reason=reason, after=after)


def _need(reason: str) -> None:
    if not reason.strip():
        raise errors.InvalidEntry("not-allowed", "This needs a reason", "reason")


def _must_be(merge: Merge, status: MergeStatus) -> None:
    if merge.status != status:
        raise errors.Conflict("not-allowed", f"The merge is {merge.get_status_display()} already")
