"""A patient goes to another site: offered by the one, accepted by the other, from that moment on.

Before it accepts, the other site sees the number, the site that offers and the reason, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from pathway import audit, errors
from pathway.models import LIVE_TASK, CareTask, Membership, Patient, Site, Transfer, TransferStatus, User, guarded
from pathway.vocabulary import COORDINATOR, NO_CARE

NUMBER_LENGTH = 64


def offer(patient: Patient, to: Site, *, reason: str, at: datetime, by: User) -> Transfer:
    """Raises NotAllowed for the patient's own site, Conflict where the patient is on offer already."""
    _need(reason)
    if to.pk == patient.site_id:
        raise errors.NotAllowed("not-allowed", "The patient is at that site", "site")
    try:
        with transaction.atomic():
            transfer = Transfer.objects.create(
                patient=patient,
                from_site=patient.site,
                to_site=to,
                number=patient.identifier,
                reason=reason,
                offered_by=by,
                offered_at=at,
            )
    except IntegrityError as error:
        raise errors.Conflict("not-allowed", "The patient is offered to a site already") from error
    audit.record("transfer.offered", by=by, patient=patient, subject=transfer, reason=reason, after={"to": to.slug})
    return transfer


def lock(transfer_id: int) -> Transfer:
    """The patient is not read: who decides may not see them yet."""
    transfer = Transfer.objects.select_for_update(of=("self",)).filter(pk=transfer_id).first()
    if transfer is None:
        raise errors.NotFound("not-found", "There is no such offer")
    if transfer.status != TransferStatus.OFFERED:
        raise errors.Conflict("not-allowed", f"The offer is {transfer.get_status_display()} already")
    return transfer


def accept(transfer: Transfer, *, number: str, team: Sequence[tuple[int, str]], at: datetime, by: User) -> None:
    """The old team ends and the new one begins; who accepts is a coordinator of the new team."""
    number = number.strip()
    if not number or len(number) > NUMBER_LENGTH:
        raise errors.InvalidEntry("not-allowed", "This is needed", "identifier")
    members = sorted({*team, (by.pk, str(COORDINATOR))})
    _check(transfer.to_site_id, members)
    users, roles = [user for user, _role in members], [role for _user, role in members]
    try:
        with transaction.atomic():
            guarded.ask(
                "SELECT pathway_accept_transfer(%s, %s, %s::bigint[], %s::text[], %s, %s)",
                [transfer.pk, number, users, roles, "", at],
                by=by,
            )
    except IntegrityError as error:
        reason = "Another patient of this site has this hospital number"
        raise errors.InvalidEntry("not-allowed", reason, "identifier") from error
    transfer.refresh_from_db()
    # Who had it in hand at the old site does not see the patient any more.
    CareTask.objects.filter(enrollment__patient=transfer.patient_id, status__in=LIVE_TASK).update(assignee=None)
    after = {"from": transfer.from_site.slug, "to": transfer.to_site.slug, "team": [f"{u}:{r}" for u, r in members]}
    audit.record("transfer.accepted", by=by, patient=transfer.patient, subject=transfer, after=after)


def decline(transfer: Transfer, *, reason: str, at: datetime, by: User) -> None:
    """The other site says no."""
    _end(transfer, TransferStatus.DECLINED, reason, at, by)


def withdraw(transfer: Transfer, *, reason: str, at: datetime, by: User) -> None:
    """The site that offered takes it back."""
    _end(transfer, TransferStatus.WITHDRAWN, reason, at, by)


def _end(transfer: Transfer, status: TransferStatus, reason: str, at: datetime, by: User) -> None:
    _need(reason)
    transfer.status, transfer.decided_by, transfer.decided_at, transfer.decision_reason = status, by, at, reason
    transfer.save(update_fields=["status", "decided_by", "decided_at", "decision_reason"])
    audit.record(f"transfer.{status.value}", by=by, patient=_key(transfer), subject=transfer, reason=reason)


def _key(transfer: Transfer) -> Patient:
    """The patient by key alone, for the audit: the row itself is not read."""
    return Patient(pk=transfer.patient_id)


def _check(site_id: int, members: Sequence[tuple[int, str]]) -> None:
    held = set(Membership.objects.filter(site=site_id, is_active=True).values_list("user_id", "role"))
    for user, role in members:
        if role in NO_CARE or (user, role) not in held:
            raise errors.InvalidEntry("not-allowed", "Somebody on the list does not hold that role here", "members")


def _need(reason: str) -> None:
    if not reason.strip():
        raise errors.InvalidEntry("not-allowed", "This needs a reason", "reason")
