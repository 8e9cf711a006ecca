"""Pages about a record as a whole: merged with another, offered to another site, kept by a hold, exported."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from pathway import access, audit, clock, errors, flow, office
from pathway.access import Permit
from pathway.selectors import choices, merges, record_export, records
from pathway.web import pages, recent
from pathway.web.forms import PlainForm
from pathway.web.record_forms import (
    AcceptForm,
    ConfirmMergeForm,
    ExportForm,
    OfferForm,
    OtherNumberForm,
    ProposeMergeForm,
    ReasonForm,
)

PERMITS = (Permit.MERGE, Permit.TRANSFER, Permit.HOLD_RECORD, Permit.EXPORT)
NOT_FOUND_OTHER = "There is no such record among the patients whom you see"
WRONG_PASSWORD = "That is not your password"


@require_safe
@transaction.atomic
def overview(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """What became of this record, and what can be done with it."""
    at, user = clock.now(), pages.user_of(request)
    found = access.patient_or_not_found(user, uuid, at)
    if not access.permits_for(user, found, at) & set(PERMITS):
        raise access.Forbidden("not-allowed", "Your role in this patient's care team does not allow this")
    return pages.about(request, found, "records", {"page": records.page(found)}, at=at, action="patient.records-read")


# merges


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def merge(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The other record is named by its number, by POST; both stand side by side before anything is proposed."""
    at, user = clock.now(), pages.user_of(request)
    found = _allowed(request, uuid, Permit.MERGE)
    if request.method != "POST":
        return pages.about(request, found, "merge", {"form": OtherNumberForm()}, at=at)
    number = OtherNumberForm(request.POST)
    other = records.other(user, found, number.cleaned_data["other"], at) if number.is_valid() else None
    if other is None or Permit.MERGE not in access.permits_for(user, other, at):
        number.refuse(errors.NotFound("not-found", NOT_FOUND_OTHER, "other"))
        return pages.about(request, found, "merge", {"form": number}, at=at, status=pages.UNPROCESSABLE)
    is_proposal = "reason" in request.POST
    form = ProposeMergeForm(request.POST if is_proposal else None, initial={"other": other.identifier})
    if is_proposal and form.is_valid():
        given = form.cleaned_data
        propose = partial(flow.propose_merge, found, other, request=given["request"], reason=given["reason"])
        if _try(form, lambda: propose(at=at, by=user)):
            return redirect("records", uuid=found.uuid)
    audit.read("merge.compared", by=user, patients=[found.pk, other.pk])
    context = {"form": form, "compared": merges.compare(found, other, at)}
    status = pages.UNPROCESSABLE if form.errors else 200
    return pages.about(request, found, "merge", context, at=at, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def decide(request: HttpRequest, merge: int) -> HttpResponse:
    """A person looks at both once more, says who shall see the joined record, and confirms."""
    at, user = clock.now(), pages.user_of(request)
    row = _proposed(user, merge, at)
    proposed, survivor, source = row.pk, row.survivor, row.source
    form = _team_form(request, survivor, source, at)
    if request.method == "POST" and form.is_valid():
        team = _members(form)
        if _try(form, lambda: flow.confirm_merge(proposed, team, at=at, by=user)):
            is_member = access.patients(user, at).filter(pk=survivor.pk).exists()
            return redirect(pages.patient_address(survivor) if is_member else "home")
    audit.read("merge.compared", by=user, patients=[survivor.pk, source.pk])
    context = {"form": form, "merge": proposed, "why": row.reason, "compared": merges.compare(survivor, source, at)}
    status = pages.UNPROCESSABLE if form.errors else 200
    return pages.about(request, survivor, "merge_decide", context, at=at, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def refuse(request: HttpRequest, merge: int) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    proposed = _proposed(user, merge, at)
    act = partial(flow.refuse_merge, proposed.pk, at=at, by=user)
    return _reason(request, proposed.survivor, "merge_refuse", act)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def undo(request: HttpRequest, merge: int) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    found = access.merge_or_not_found(user, merge, at)
    access.require(user, Permit.MERGE, found.survivor, at)
    act = partial(flow.undo_merge, merge, at=at, by=user)
    return _reason(request, found.survivor, "merge_undo", act)


# transfers


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def transfer(request: HttpRequest, uuid: UUID) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    found = _allowed(request, uuid, Permit.TRANSFER)
    sites = records.other_sites(found)
    form = OfferForm(request.POST or None, sites=[(str(site.pk), site.name) for site in sites])
    if request.method == "POST" and form.is_valid():
        to = next(site for site in sites if str(site.pk) == form.cleaned_data["site"])
        reason = form.cleaned_data["reason"]
        if _try(form, lambda: flow.offer_transfer(found, to, reason=reason, at=at, by=user)):
            return redirect("records", uuid=found.uuid)
    status = pages.UNPROCESSABLE if form.errors else 200
    return pages.about(request, found, "transfer", {"form": form}, at=at, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def withdraw_transfer(request: HttpRequest, offer: int) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    found = access.own_offer_or_not_found(user, offer, at)
    access.require(user, Permit.TRANSFER, found.patient, at)
    act = partial(flow.withdraw_transfer, offer, at=at, by=user)
    return _reason(request, found.patient, "transfer_withdraw", act)


@require_safe
@transaction.atomic
def offers(request: HttpRequest) -> HttpResponse:
    """Patients offered to the sites of the person: number, site and reason, and not who they are."""
    user = pages.user_of(request)
    sites = access.sites_with(user, Permit.TRANSFER)
    if not sites:
        raise access.Forbidden("not-allowed", "Your role at no site allows to take patients over")
    found = records.offers_to(sites)
    audit.read("transfers.listed", by=user, patients=[one.patient_id for one in found])
    return pages.render(request, "transfers", {"offers": found})


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def accept(request: HttpRequest, offer: int) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    found = access.offer_or_not_found(user, offer)
    form = AcceptForm(request.POST or None, people=choices.site_people(found.to_site))
    status = 200
    if request.method == "POST":
        status = pages.UNPROCESSABLE
        if form.is_valid():
            try:
                with transaction.atomic():
                    number, team = form.cleaned_data["identifier"], _members(form)
                    taken = flow.accept_transfer(offer, number=number, team=team, at=at, by=user)
            except errors.Refused as refused:
                form.refuse(refused)
                status = pages.status_of(refused)
            else:
                return redirect(pages.patient_address(taken))
    audit.read("transfer.read", by=user, patients=[found.patient_id])
    return pages.render(request, "transfer_accept", {"form": form, "offer": found}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def decline(request: HttpRequest, offer: int) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    found = access.offer_or_not_found(user, offer)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        if _try(form, lambda: flow.decline_transfer(offer, reason=reason, at=at, by=user)):
            return redirect("transfers")
    audit.read("transfer.read", by=user, patients=[found.patient_id])
    status = pages.UNPROCESSABLE if form.errors else 200
    return pages.render(request, "transfer_decline", {"form": form, "offer": found}, status=status)


# holds


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def hold(request: HttpRequest, uuid: UUID) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    found = _allowed(request, uuid, Permit.HOLD_RECORD)
    act = partial(flow.place_hold, found, at=at, by=user)
    return _reason(request, found, "hold", act)


@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def release(request: HttpRequest, hold: int) -> HttpResponse:
    at, user = clock.now(), pages.user_of(request)
    standing = access.hold_or_not_found(user, hold, at)
    access.require(user, Permit.HOLD_RECORD, standing.patient, at)
    act = partial(flow.release_hold, standing.patient, hold, at=at, by=user)
    return _reason(request, standing.patient, "hold_release", act)


# export


@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest, uuid: UUID) -> HttpResponse:
    """The whole record as one file, read at one instant. Not under emergency access: permits do not count there."""
    with record_export.snapshot():
        at, user = clock.now(), pages.user_of(request)
        found = _allowed(request, uuid, Permit.EXPORT)
        asks_password = not recent.signed_in_recently(request)
        form = ExportForm(request.POST or None, asks_password=asks_password)
        if request.method == "POST" and form.is_valid():
            try:
                if asks_password:
                    _prove(request, user, form.cleaned_data["password"])
                return _file(form, found, user)
            except errors.Refused as refused:
                form.refuse(refused)
        status = pages.UNPROCESSABLE if form.errors else 200
        return pages.about(request, found, "export", {"form": form}, at=at, status=status)


def _prove(request: HttpRequest, user: access.Person, password: str) -> None:
    """Raises Refused; a wrong password stays on record."""
    office.refuse_if_proofs_failed(by=user)
    if not user.check_password(password):
        office.note_failed_proof("record.exported", by=user)
        raise errors.InvalidEntry("not-allowed", WRONG_PASSWORD, "password")
    recent.proved(request)


def _file(form: PlainForm, found: access.Subject, user: access.Person) -> HttpResponse:
    # First on record, then in hand: the file tells of itself too.
    reason = f"{form.cleaned_data['purpose']}: {form.cleaned_data['reason']}"
    audit.record("record.exported", by=user, patient=found, subject=found, reason=reason)
    made = record_export.export(found, at=clock.now())
    response = HttpResponse(made.content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return response


# what they share


def _allowed(request: HttpRequest, uuid: UUID, permit: Permit) -> access.Subject:
    at, user = clock.now(), pages.user_of(request)
    found = access.patient_or_not_found(user, uuid, at)
    access.require(user, permit, found, at)
    return found


def _proposed(user: access.Person, pk: int, at: datetime) -> access.Joining:
    """With both records, for somebody who may merge either. Raises NotFound for a merge that is decided."""
    row = access.merge_or_not_found(user, pk, at)
    if not records.is_waiting(row):
        raise errors.NotFound("not-found", "There is nothing here")
    for one in (row.survivor, row.source):
        access.require(user, Permit.MERGE, one, at)
    return row


def _team_form(
    request: HttpRequest, survivor: access.Subject, source: access.Subject, at: datetime
) -> ConfirmMergeForm:
    present, others = choices.team_of(survivor, at), choices.team_of(source, at)
    known = [choice for choice in choices.site_people(survivor.site) if choice[0] in {*present, *others}]
    return ConfirmMergeForm(request.POST or None, people=known, present=present)


def _members(form: PlainForm) -> list[tuple[int, str]]:
    pairs = [one.partition(":") for one in form.cleaned_data["members"]]
    return [(int(user), role) for user, _point, role in pairs]


def _reason(request: HttpRequest, found: access.Subject, template: str, act: Callable[..., object]) -> HttpResponse:
    """A page that asks for a reason and does one thing."""
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _try(form, lambda: act(reason=form.cleaned_data["reason"])):
        return redirect("records", uuid=found.uuid)
    status = pages.UNPROCESSABLE if form.errors else 200
    return pages.about(request, found, "record_reason", {"form": form, "what": template}, at=clock.now(), status=status)


def _try(form: PlainForm, act: Callable[[], object]) -> bool:
    """Do it, or say on the form why not; nothing is stored then."""
    try:
        with transaction.atomic():
            act()
    except errors.Refused as refused:
        form.refuse(refused)
        return False
    return True
