"""The audit as others read it: FHIR R4 AuditEvents in the shapes of IHE's Basic Audit Log Patterns, or a table.

Patients are named by their random UUID, people by key and account name; nothing clinical and no patient's name goes
out. What an event of ours is called says what kind of event it is in FHIR.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Q

from pathway.models import AuditEvent, Patient, User
from pathway.selectors.access_reports import purpose

CHUNK = 1000
SOURCE = "pathway"

DCM = "http://dicom.nema.org/resources/ontology/DCM"
TYPES = "http://terminology.hl7.org/CodeSystem/audit-event-type"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
PURPOSES = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
ROLES = "http://terminology.hl7.org/CodeSystem/object-role"
BALP_ENTITY = "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType"
BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
SUCCESS, MINOR_FAILURE = "0", "4"

# The purposes of use, by what the audit calls them.
PURPOSE_CODES: Mapping[str, tuple[str, str]] = {
    "treatment": ("TREAT", "treatment"),
    "emergency": ("ETREAT", "Emergency Treatment"),
    "administration": ("HSYSADMIN", "health system administration"),
    "audit": ("HCOMPL", "health compliance"),
    "operation": ("HOPERAT", "healthcare operations"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of event it is in FHIR; `profile` is the pattern's name without patient, empty where none fits."""

    type: tuple[str, str, str]
    subtype: tuple[str, str, str]
    action: str
    profile: str = ""


REST = (TYPES, "rest", "Restful Operation")
ALERT = (DCM, "110113", "Security Alert")
READ = Shape(REST, (INTERACTION, "read", "read"), "R", "Read")
QUERY = Shape(REST, (INTERACTION, "search-type", "search-type"), "E", "Query")
CREATE = Shape(REST, (INTERACTION, "create", "create"), "C", "Create")
UPDATE = Shape(REST, (INTERACTION, "update", "update"), "U", "Update")
DELETE = Shape(REST, (INTERACTION, "delete", "delete"), "D", "Delete")
OPERATION = Shape(REST, (INTERACTION, "operation", "operation"), "E")
BROKEN_GLASS = Shape(ALERT, (DCM, "110127", "Emergency Override Started"), "E")
MENDED_GLASS = Shape(ALERT, (DCM, "110138", "Emergency Override Stopped"), "E")
SIGNED_IN = Shape((DCM, "110114", "User Authentication"), (DCM, "110122", "Login"), "E")
SIGNED_OUT = Shape((DCM, "110114", "User Authentication"), (DCM, "110123", "Logout"), "E")
EXPORTED = Shape((DCM, "110106", "Export"), (INTERACTION, "operation", "operation"), "R")

NAMED: Mapping[str, Shape] = {
    "emergency.started": BROKEN_GLASS,
    "emergency.ended": MENDED_GLASS,
    "audit.exported": EXPORTED,
    "record.exported": EXPORTED,
    "patient.exported": EXPORTED,
    "user.signed-in": SIGNED_IN,
    "user.signed-out": SIGNED_OUT,
}
# By the last word of the name; a change that is none of these is an update.
CREATED = (
    "added",
    "begun",
    "created",
    "given",
    "made",
    "opened",
    "prescribed",
    "raised",
    "recorded",
    "registered",
    "started",
)
REMOVED = ("removed", "erased")
LISTED = ("listed",)
IN_VAIN = ("access.not-found", "access.refused")


@dataclass(frozen=True, slots=True)
class Event:
    """An event with the names that go out instead of our keys."""

    pk: int
    at: datetime
    action: str
    actor: int | None
    account: str
    patients: Sequence[UUID]
    subject: str
    purpose: str
    ways: str
    address: str
    request: str


COLUMNS = (
    "pk", "at", "action", "actor_id", "patient_id", "patients", "subject", "purpose", "ways", "address", "request",
)  # fmt: skip


def events(since: datetime, until: datetime, *, patient: UUID | None = None) -> Iterator[Event]:
    """From the one instant to just before the other, in the order of their keys, chunk by chunk."""
    rows = AuditEvent.objects.filter(at__gte=since, at__lt=until)
    if patient is not None:
        pk = Patient.objects.unscoped("audit").filter(uuid=patient).values_list("pk", flat=True).first()
        if pk is None:
            return
        rows = rows.filter(Q(patient=pk) | Q(patients__contains=[pk]))
    last = 0
    while chunk := list(rows.filter(pk__gt=last).order_by("pk").values(*COLUMNS)[:CHUNK]):
        yield from _named(chunk, patient)
        last = chunk[-1]["pk"]


def shape(action: str) -> Shape:
    """The kind of an event by its name."""
    if action in NAMED:
        return NAMED[action]
    verb = action.rpartition(".")[2]
    if verb in LISTED or action in ("worklist.read", "inbox.read"):
        return QUERY
    if (verb.endswith("read") and verb != "marked-read") or action in IN_VAIN:
        return READ
    if verb in CREATED:
        return CREATE
    return DELETE if verb in REMOVED else UPDATE


def fhir(event: Event) -> Iterator[dict[str, Any]]:
    """One AuditEvent; of a list, one for each patient on it, as the pattern of queries wants it."""
    kind = shape(event.action)
    if kind is QUERY and len(event.patients) > 1:
        for number, uuid in enumerate(event.patients, 1):
            yield _resource(replace(event, patients=[uuid]), kind, f"{event.pk}.{number}")
    else:
        yield _resource(event, kind, str(event.pk))


def _resource(event: Event, kind: Shape, name: str) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "AuditEvent",
        "id": name,
        "type": _coding(*kind.type),
        "subtype": [_coding(*kind.subtype), {"display": event.action}],
        "action": kind.action,
        "recorded": event.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "outcome": MINOR_FAILURE if event.action in IN_VAIN else SUCCESS,
        "agent": _agents(event, kind),
        "source": {"observer": {"display": SOURCE}, "type": [_coding(*SERVER)]},
        "entity": _entities(event, kind),
    }
    # A pattern is for what succeeded, came over the network, and concerns one patient or none.
    if kind.profile and event.address and event.action not in IN_VAIN and len(event.patients) <= 1:
        resource["meta"] = {"profile": [f"{BALP}{'Patient' if event.patients else ''}{kind.profile}"]}
    code = PURPOSE_CODES.get(event.purpose)
    if code is not None:
        resource["purposeOfEvent"] = [{"coding": [_coding(PURPOSES, *code)]}]
    return resource


SERVER = ("http://terminology.hl7.org/CodeSystem/security-source-type", "4", "Application Server")
HEADER = ("event", "at", "action", "person", "account", "patients", "about", "purpose", "ways", "address", "request")


def cells(event: Event) -> list[str | int | datetime | None]:
    """A line of the table, in the order of HEADER."""
    patients = " ".join(str(uuid) for uuid in event.patients)
    named: list[str | int | datetime | None] = [
        event.pk,
        event.at.astimezone(UTC),
        event.action,
        event.actor,
        event.account,
        patients,
    ]
    return [*named, event.subject, event.purpose, event.ways, event.address, event.request]


def _agents(event: Event, kind: Shape) -> list[dict[str, Any]]:
    """The browser or program, this server, and the person. What is read flows to the client, all else from it."""
    sends, receives = ("110153", "Source Role ID"), ("110152", "Destination Role ID")
    ours, theirs = (sends, receives) if kind is READ else (receives, sends)
    found: list[dict[str, Any]] = []
    if event.address:
        network = {"address": event.address, "type": "2"}  # an IP address
        found.append(_agent(DCM, *theirs, {"display": "client"}, network=network, requestor=False))
    machine = {"address": SOURCE, "type": "1"}  # a name
    found.append(_agent(DCM, *ours, {"display": SOURCE}, network=machine, requestor=event.actor is None))
    if event.actor is not None:
        who = {"identifier": {"value": str(event.actor)}, "display": event.account}
        person = _agent(PARTICIPATION, "IRCP", "information recipient", who, requestor=True)
        code = PURPOSE_CODES.get(event.purpose)
        if code is not None:
            person["purposeOfUse"] = [{"coding": [_coding(PURPOSES, *code)]}]
        if event.ways:
            person["role"] = [{"text": way} for way in event.ways.split()]
        found.append(person)
    return found


def _agent(system: str, code: str, display: str, who: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": {"coding": [_coding(system, code, display)]}, "who": who, **more}


def _entities(event: Event, kind: Shape) -> list[dict[str, Any]]:
    """The patient; what was read or touched, or the question, of which the text is not kept; the request."""
    found: list[dict[str, Any]] = [
        {
            "what": {"reference": f"Patient/{uuid}"},
            "type": _coding(ENTITY, "1", "Person"),
            "role": _coding(ROLES, "1", "Patient"),
        }
        for uuid in event.patients
    ]
    thing: dict[str, Any] = {"type": _coding(ENTITY, "2", "System Object")}
    if kind is QUERY:
        query = base64.b64encode(event.action.encode()).decode()
        found.append(thing | {"role": _coding(ROLES, "24", "Query"), "query": query, "description": event.action})
    else:
        what = {"identifier": {"value": event.subject or event.action}}
        found.append(thing | {"role": _coding(ROLES, "4", "Domain Resource"), "what": what})
    if event.request:
        found.append({"type": _coding(BALP_ENTITY, "XrequestId", ""), "what": {"identifier": {"value": event.request}}})
    return found


def _coding(system: str, code: str, display: str) -> dict[str, str]:
    return {"system": system, "code": code} | ({"display": display} if display else {})


def _named(rows: Sequence[Mapping[str, Any]], only: UUID | None) -> Iterator[Event]:
    """One question for the names of people and one for those of patients. `only`: others on a list are left out."""
    accounts = dict(User.objects.filter(pk__in={row["actor_id"] for row in rows}).values_list("pk", "username"))
    keys = {pk for row in rows for pk in _keys(row)}
    known = dict(Patient.objects.unscoped("audit").filter(pk__in=keys).values_list("pk", "uuid"))
    for row in rows:
        patients = [known[pk] for pk in _keys(row) if pk in known]
        yield Event(
            pk=row["pk"],
            at=row["at"],
            action=row["action"],
            actor=row["actor_id"],
            account=accounts.get(row["actor_id"], ""),
            patients=[uuid for uuid in patients if only in (None, uuid)],
            subject=row["subject"],
            purpose=purpose(row["purpose"], row["ways"]),
            ways=row["ways"],
            address=row["address"] or "",
            request=str(row["request"] or ""),
        )


def _keys(row: Mapping[str, Any]) -> Sequence[int]:
    return [row["patient_id"]] if row["patient_id"] is not None else row["patients"] or []
