"""A record goes: every row of it, and the names. The row of the patient stays as a tombstone, and the audit stays.

Only the owner of the tables can do this (see `models/keeping.py` and migration 0009): the web and the judge may not
delete facts, and may not write down that an erasure has begun.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import connection

from pathway import audit, errors
from pathway.models import Enrollment, Erasure, LegalHold, Patient, RetentionPolicy, Site
from pathway.selectors import reach
from pathway.vocabulary import Sex

REASON = "retention"


def set_policy(site: Site, *, after_death: int | None, after_contact: int | None, run_by: str) -> None:
    """Raises InvalidEntry for less than a year."""
    if any(years is not None and years < 1 for years in (after_death, after_contact)):
        raise errors.InvalidEntry("not-allowed", "A record is kept for a year at least")
    columns = {"years_after_death": after_death, "years_after_last_contact": after_contact}
    RetentionPolicy.objects.update_or_create(site=site, defaults=columns)
    audit.record("retention.set", by=None, subject=site, after={**columns, "by": run_by})


def lock(records: Collection[int]) -> None:
    """Nobody begins anything for these patients until the end of the transaction."""
    list(Enrollment.objects.select_for_update().filter(patient__in=records).order_by("pk"))
    list(Patient.objects.unscoped("lock").select_for_update().filter(pk__in=records).order_by("pk"))


def erase(records: Collection[int], *, policy: str, at: datetime, run_by: str) -> dict[str, int]:
    """Erase these records of one person. Returns how many rows went, by table. Raises NotAllowed under a hold."""
    if LegalHold.objects.filter(patient__in=records, released_at=None).exists():
        raise errors.NotAllowed("not-allowed", "A legal hold stands")
    patients = list(Patient.objects.unscoped(REASON).filter(pk__in=records, erased_at=None))
    stones = [Erasure(patient=patient, policy=policy, begun_at=at, by=run_by) for patient in patients]
    Erasure.objects.bulk_create(stones)
    gone = _delete(records)
    for patient in patients:
        _blank(patient, at)
    Erasure.objects.filter(patient__in=records).update(erased_at=at, rows=gone)
    for patient in patients:
        audit.record("record.erased", by=None, patient=patient, subject=patient, reason=policy, after={"by": run_by})
    return gone


def _delete(records: Collection[int]) -> dict[str, int]:
    """What hangs on other rows goes first; what is bound the other way round is checked at the end."""
    gone: dict[str, int] = {}
    with connection.cursor() as cursor:
        for one in reversed(reach.reached()):
            table, key = one.model._meta.db_table, one.model._meta.pk.column
            keys = list(one.rows_of(records).values_list("pk", flat=True))
            if keys:
                cursor.execute(f'DELETE FROM "{table}" WHERE "{key}" = ANY(%s)', [keys])
                gone[table] = len(keys)
    return gone


def _blank(patient: Patient, at: datetime) -> None:
    """Keys stay, so that the audit can still say that it was one and the same person."""
    patient.given_name = patient.family_name = patient.identifier = ""
    patient.birth_date = patient.died_on = None
    patient.birth_date_is_estimated = False
    patient.sex = Sex.UNKNOWN
    patient.erased_at = at
    patient.save()
