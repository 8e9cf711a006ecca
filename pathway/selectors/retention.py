"""What the retention policy of a site says of each of its records: what would go, and what stays and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from dateutil.relativedelta import relativedelta

from pathway.engine.schedule import local_day
from pathway.models import (
    LIVE,
    Administration,
    CareTask,
    EducationGiven,
    Enrollment,
    LegalHold,
    Observation,
    Patient,
    RetentionPolicy,
    Site,
    Transfer,
    TransferStatus,
)
from pathway.selectors import reach

REASON = "retention"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`records` are the patient's and those merged into it, which go together."""

    uuid: UUID
    patient: int
    records: tuple[int, ...]
    goes: bool
    why: str


def policy_of(site: Site) -> RetentionPolicy | None:
    return RetentionPolicy.objects.filter(site=site).first()


def verdicts(site: Site, *, at: datetime, only: int | None = None) -> Iterator[Verdict]:
    """By hospital number; records that were merged into another are told with that one."""
    policy, today = policy_of(site), local_day(at, site.time_zone)
    rows = Patient.objects.unscoped(REASON).filter(site=site, merged_into=None, erased_at=None)
    if only is not None:
        rows = rows.filter(pk=only)
    for patient in rows.order_by("identifier", "pk"):
        records = tuple(reach.group(patient.pk))
        goes, why = _verdict(patient, records, policy, today)
        yield Verdict(patient.uuid, patient.pk, records, goes, why)


def _verdict(
    patient: Patient, records: tuple[int, ...], policy: RetentionPolicy | None, today: date
) -> tuple[bool, str]:
    stands = _stands(records)
    if stands:
        return False, stands
    if policy is None:
        return False, "the site has no policy"
    if patient.died_on is not None:
        return _after(patient.died_on, policy.years_after_death, today, "death")
    return _after(last_contact(records), policy.years_after_last_contact, today, "last contact")


def _stands(records: tuple[int, ...]) -> str:
    """What keeps a record whatever the policy says."""
    if LegalHold.objects.filter(patient__in=records, released_at=None).exists():
        return "a legal hold stands"
    if Enrollment.objects.filter(patient__in=records, status__in=LIVE).exists():
        return "on a pathway"
    if Transfer.objects.filter(patient__in=records, status=TransferStatus.OFFERED).exists():
        return "offered to another site"
    return ""


def _after(since: date, years: int | None, today: date, event: str) -> tuple[bool, str]:
    if years is None:
        return False, f"the policy says nothing of the time after the {event}"
    due = since + relativedelta(years=years)
    if due > today:
        return False, f"kept until {due.isoformat()}: {years} years after the {event}"
    return True, f"{years} years after the {event}"


def last_contact(records: tuple[int, ...]) -> date:
    """The newest day on which anything was seen, done or begun."""
    days = [
        Observation.objects.filter(patient__in=records)
        .order_by("-effective_on")
        .values_list("effective_on", flat=True),
        CareTask.objects.filter(enrollment__patient__in=records, closed_on__isnull=False)
        .order_by("-closed_on")
        .values_list("closed_on", flat=True),
        Administration.objects.filter(intervention__patient__in=records)
        .order_by("-given_on")
        .values_list("given_on", flat=True),
        EducationGiven.objects.filter(patient__in=records).order_by("-given_on").values_list("given_on", flat=True),
        Enrollment.objects.filter(patient__in=records).order_by("-enrolled_on").values_list("enrolled_on", flat=True),
    ]
    ends = Enrollment.objects.filter(patient__in=records, ended_at__isnull=False).order_by("-ended_at")
    begun = Patient.objects.unscoped(REASON).filter(pk__in=records).order_by("-created_at")
    instants = [ends.values_list("ended_at", flat=True).first(), begun.values_list("created_at", flat=True).first()]
    found = [day for query in days if (day := query.first()) is not None]
    newest: date = max([*found, *(moment.date() for moment in instants if moment is not None)])
    return newest
