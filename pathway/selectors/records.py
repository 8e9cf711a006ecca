"""What became of a record, for the page about it; and the patients offered to a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pathway import access
from pathway.models import LegalHold, Merge, MergeStatus, Patient, PatientNumber, Site, Transfer, TransferStatus, User
from pathway.models.people import NUMBER_KEY, number_key
from pathway.selectors import merges


@dataclass(frozen=True, slots=True)
class RecordPage:
    former_numbers: Sequence[PatientNumber]
    proposed: Sequence[Merge]
    merged: Sequence[Merge]
    offer: Transfer | None
    holds: Sequence[LegalHold]


def page(patient: Patient) -> RecordPage:
    return RecordPage(
        former_numbers=merges.former_numbers(patient),
        proposed=merges.proposed_for(patient),
        merged=merges.done_for(patient),
        offer=_open_offer(patient),
        holds=list(LegalHold.objects.filter(patient=patient, released_at=None).select_related("placed_by")),
    )


def other(user: User, patient: Patient, number: str, at: datetime) -> Patient | None:
    """The record of that number among those that the user sees; never the same one."""
    rows = access.patients(user, at).exclude(pk=patient.pk).alias(key=NUMBER_KEY).filter(key=number_key(number))
    # At the patient's own site first: two sites may use the same number.
    return next(iter(sorted(rows.select_related("site"), key=lambda row: row.site_id != patient.site_id)), None)


def is_waiting(merge: Merge) -> bool:
    return merge.status == MergeStatus.PROPOSED


def other_sites(patient: Patient) -> list[Site]:
    return list(Site.objects.exclude(pk=patient.site_id).order_by("name"))


def offers_to(sites: Sequence[Site]) -> list[Transfer]:
    """Without the patients: who reads this does not see them yet."""
    rows = Transfer.objects.filter(to_site__in=sites, status=TransferStatus.OFFERED)
    return list(rows.select_related("from_site", "to_site").order_by("offered_at"))


def _open_offer(patient: Patient) -> Transfer | None:
    rows = Transfer.objects.filter(patient=patient, status=TransferStatus.OFFERED)
    return rows.select_related("to_site", "offered_by").first()
