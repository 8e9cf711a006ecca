"""The audit as others read it: FHIR AuditEvents in the known patterns, and a table that no spreadsheet computes."""

from __future__ import annotations

import base64
import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from pathway import audit, clock, flow
from pathway.models import AuditEvent, EmergencyGrant
from pathway.selectors import audit_export
from pathway.vocabulary import Role
from tests import builders
from tests.web import cast as people
from tests.web.cast import Cast

PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."


def exported(*more: str, form: str = "fhir") -> str:
    out = io.StringIO()
    today = clock.real_now().date()
    days = [f"--from={today - timedelta(days=1)}", f"--to={today + timedelta(days=1)}"]
    call_command("export_audit", *days, f"--format={form}", *more, stdout=out)
    return out.getvalue()


def resources(*more: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(*more).splitlines()]


def of(event: AuditEvent) -> list[dict[str, Any]]:
    return [one for one in resources() if one["id"].split(".")[0] == str(event.pk)]


def newest(action: str) -> AuditEvent:
    found = AuditEvent.objects.filter(action=action).order_by("-pk").first()
    assert found is not None
    return found


def agent(resource: dict[str, Any], code: str) -> dict[str, Any]:
    (found,) = (one for one in resource["agent"] if one["type"]["coding"][0]["code"] == code)
    return dict(found)


def purpose(resource: dict[str, Any]) -> str:
    return str(resource["purposeOfEvent"][0]["coding"][0]["code"])


def test_a_read_has_the_pattern_of_patient_reads(cast: Cast) -> None:
    people.signed_in(cast.member).get(reverse("patient", args=[cast.patient.uuid]), REMOTE_ADDR="192.0.2.7")
    (one,) = of(newest("patient.read"))
    assert one["resourceType"] == "AuditEvent"
    assert one["meta"]["profile"] == [PROFILE + "PatientRead"]
    assert one["type"] == {
        "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
        "code": "rest",
        "display": "Restful Operation",
    }
    assert one["subtype"][0]["code"] == "read"
    assert (one["action"], one["outcome"], purpose(one)) == ("R", "0", "TREAT")
    assert one["recorded"].endswith("Z")
    user = agent(one, "IRCP")
    assert (user["who"]["display"], user["requestor"]) == (cast.member.username, True)
    assert "network" not in user
    assert agent(one, "110152")["network"] == {"address": "192.0.2.7", "type": "2"}
    assert agent(one, "110153")["who"] == {"display": "pathway"}
    patient, thing, request = one["entity"]
    assert patient["what"] == {"reference": f"Patient/{cast.patient.uuid}"}
    assert (patient["type"]["code"], patient["role"]["code"]) == ("1", "1")
    assert (thing["type"]["code"], thing["role"]["code"]) == ("2", "4")
    assert request["type"]["code"] == "XrequestId"


def test_a_list_is_a_query_for_each_patient_on_it(cast: Cast) -> None:
    other = builders.patient(cast.site)
    builders.join(other, cast.member, Role.NEUROLOGIST)
    people.signed_in(cast.member).post(reverse("search"), {"text": ""})
    found = of(newest("patients.listed"))
    assert {one["entity"][0]["what"]["reference"] for one in found} == {
        f"Patient/{cast.patient.uuid}",
        f"Patient/{other.uuid}",
    }
    assert len({one["id"] for one in found}) == 2
    for one in found:
        assert one["meta"]["profile"] == [PROFILE + "PatientQuery"]
        assert (one["action"], one["subtype"][0]["code"]) == ("E", "search-type")
        (query,) = (entity for entity in one["entity"] if entity.get("role", {}).get("code") == "24")
        assert base64.b64decode(query["query"]) == b"patients.listed"
        assert "what" not in query


def test_a_list_of_nobody_is_a_query_without_a_patient(cast: Cast) -> None:
    people.signed_in(cast.member).post(reverse("search"), {"text": "nobody has this name"})
    (one,) = of(newest("patients.listed"))
    assert one["meta"]["profile"] == [PROFILE + "Query"]
    assert "nobody" not in json.dumps(one)


def test_an_emergency_is_a_security_alert_for_emergency_treatment(cast: Cast) -> None:
    audit.record("emergency.started", by=cast.colleague, patient=cast.patient, reason="fell")
    now = clock.now()
    EmergencyGrant.objects.create(
        patient=cast.patient,
        user=cast.colleague,
        reason_code="emergency",
        reason="fell",
        since=now - timedelta(minutes=1),
        until=now + timedelta(hours=4),
    )
    people.signed_in(cast.colleague).get(reverse("patient", args=[cast.patient.uuid]))
    (started,) = of(newest("emergency.started"))
    assert (started["type"]["code"], started["subtype"][0]["code"], started["action"]) == ("110113", "110127", "E")
    assert started["type"]["system"] == "http://dicom.nema.org/resources/ontology/DCM"
    assert purpose(started) == "ETREAT"
    (read,) = of(newest("patient.read"))
    assert purpose(read) == "ETREAT"
    assert agent(read, "IRCP")["role"] == [{"text": "emergency"}]


def test_what_was_refused_has_an_outcome_and_no_pattern(cast: Cast) -> None:
    people.signed_in(cast.colleague).get(reverse("patient", args=[cast.patient.uuid]))
    (one,) = of(newest("access.not-found"))
    assert one["outcome"] == "4"
    assert "meta" not in one


@pytest.mark.parametrize(
    ("action", "code", "letter"),
    [
        ("observation.recorded", "create", "C"),
        ("membership.added", "create", "C"),
        ("task.completed", "update", "U"),
        ("inbox.marked-read", "update", "U"),
        ("membership.removed", "delete", "D"),
        ("patient.why-read", "read", "R"),
        ("emergencies.listed", "search-type", "E"),
        ("worklist.read", "search-type", "E"),
    ],
)
def test_every_kind_of_event_has_its_interaction(action: str, code: str, letter: str) -> None:
    found = audit_export.shape(action)
    assert (found.subtype[1], found.action) == (code, letter)


def test_one_patient_alone_and_nobody_beside_them_on_a_list(cast: Cast) -> None:
    other = builders.patient(cast.site)
    builders.join(other, cast.member, Role.NEUROLOGIST)
    people.signed_in(cast.member).post(reverse("search"), {"text": ""})
    told = exported(f"--patient={cast.patient.uuid}")
    assert str(cast.patient.uuid) in told
    assert str(other.uuid) not in told
    assert exported("--patient=00000000-0000-4000-8000-000000000000") == ""


def test_no_name_and_nothing_clinical_goes_out(cast: Cast) -> None:
    flow.record(cast.enrollment.pk, [builders.result("weight", "67.25", "kg")], at=clock.now(), by=cast.dietitian)
    for form in ("fhir", "csv"):
        told = exported(form=form)
        assert str(cast.patient.uuid) in told
        for word in (cast.patient.family_name, cast.patient.identifier, "67.25"):
            assert word not in told


def test_the_table_holds_no_formula(cast: Cast) -> None:
    cast.member.username = "=HYPERLINK(1)"
    cast.member.save()
    audit.read("patient.read", by=cast.member, patients=[cast.patient.pk])
    rows = list(csv.DictReader(io.StringIO(exported(form="csv"))))
    (row,) = (row for row in rows if row["action"] == "patient.read")
    assert row["account"] == "'=HYPERLINK(1)"
    assert row["patients"] == str(cast.patient.uuid)


def test_taking_it_out_is_on_record(cast: Cast) -> None:
    exported()
    event = newest("audit.exported")
    assert event.after is not None
    assert event.after["format"] == "fhir"


def test_days_the_wrong_way_round_are_refused(db: None) -> None:
    with pytest.raises(CommandError):
        call_command("export_audit", "--from=2026-01-02", "--to=2026-01-01")
