"""One patient's whole record as a file."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, models, transaction

from pathway import audit, clock, flow
from pathway.models import AuditEvent, Patient
from pathway.selectors import reach, record_export
from tests import builders
from tests.records.cast import NOW, Pair
from tests.web.cast import Cast, assemble, signed_in


@pytest.fixture
def cast(loaded: None) -> Cast:
    return assemble()


def read(content: bytes) -> tuple[dict[str, Any], zipfile.ZipFile]:
    archive = zipfile.ZipFile(io.BytesIO(content))
    return json.loads(archive.read("record.json")), archive


def export(patient: Patient) -> tuple[dict[str, Any], zipfile.ZipFile]:
    return read(record_export.export(patient, at=clock.now()).content)


def test_every_row_of_every_table_is_in_it_column_by_column(pair: Pair) -> None:
    flow.remind(at=NOW + timedelta(days=200))
    pair.merged()
    record, archive = export(pair.kept)
    assert (record["format"], record["version"]) == ("pathway-record", 1)
    filled = 0
    for one in reach.reached():
        rows = list(one.rows_of([pair.kept.pk, pair.double.pk]))
        told = record["tables"][one.model._meta.model_name]
        assert len(told) == len(rows), one.model
        if rows:
            filled += 1
            columns = [field.attname for field in one.model._meta.concrete_fields]
            assert list(told[0]) == columns
            with archive.open(f"{one.model._meta.model_name}.csv") as file:
                lines = list(csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline="")))
            assert (lines[0], len(lines)) == (columns, len(rows) + 1)
    assert filled > 15
    voided = [row for row in record["tables"]["observation"] if row["status"] == "voided"]
    assert [row["void_reason"] for row in voided] == ["another patient's"]
    assert [row["identifier"] for row in record["merged_records"]] == [pair.double.identifier]


@pytest.mark.django_db
def test_every_table_that_leads_to_a_patient_is_in_it() -> None:
    """By the keys of the database and not by the models: what leads to a patient there is exported or named apart."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
        )
        keys = set(cursor.fetchall())
    leads, found = {"pathway_patient"}, set()
    while leads != found:
        found = set(leads)
        leads |= {table for table, to in keys if to in leads}
    apart = {model._meta.db_table for model in reach.APART} | {"pathway_patient"}
    known = {one.model._meta.db_table for one in reach.reached()}
    assert {table for table in leads - apart if "auditevent" not in table} == known
    assert all(isinstance(one.model, type) and issubclass(one.model, models.Model) for one in reach.reached())


def test_who_looked_is_in_it_without_the_others_of_a_list(pair: Pair) -> None:
    other = builders.patient(pair.site)
    with transaction.atomic():
        audit.read("patients.listed", by=pair.both, patients=[pair.kept.pk, other.pk])
        audit.record("patient.registered", by=pair.both, patient=other, reason="SECRET")
    record, _archive = export(pair.kept)
    listed = [row for row in record["looked"] if row["action"] == "patients.listed"]
    assert [row["actor"] for row in listed] == [pair.both.pk]
    assert "patients" not in listed[0]
    assert "SECRET" not in json.dumps(record)
    assert str(pair.both.pk) in record["people"]


def test_no_cell_is_taken_for_a_formula(pair: Pair) -> None:
    flow.hold(pair.enrollment.pk, reason="=HYPERLINK(1)", at=NOW, by=pair.both)
    _record, archive = export(pair.kept)
    assert b'"\'=HYPERLINK(1)"' in archive.read("looked.csv")


def test_the_coordinator_takes_it_from_the_page_and_that_is_on_record(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    address = f"/patients/{cast.patient.uuid}/export/"
    assert client.get(address).status_code == 200
    given = {"purpose": "patient", "reason": "asked in clinic", "password": "correct horse"}
    answer = client.post(address, given)
    assert answer["Content-Type"] == "application/zip"
    assert cast.patient.family_name not in answer["Content-Disposition"]
    record, _archive = read(answer.content)
    assert record["patient"]["uuid"] == str(cast.patient.uuid)
    assert any(row["action"] == "record.exported" for row in record["looked"])
    event = AuditEvent.objects.get(action="record.exported")
    assert (event.actor, event.patient, event.reason) == (cast.coordinator, cast.patient, "patient: asked in clinic")


def test_a_wrong_password_and_no_reason_take_nothing(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    address = f"/patients/{cast.patient.uuid}/export/"
    for given in ({"purpose": "patient", "reason": "x", "password": "wrong"}, {"purpose": "patient", "reason": ""}):
        assert client.post(address, given).status_code == 422
    assert not AuditEvent.objects.filter(action="record.exported").exists()


def test_the_password_cannot_be_guessed_by_whoever_took_over_a_session(cast: Cast) -> None:
    client = signed_in(cast.coordinator)
    address = f"/patients/{cast.patient.uuid}/export/"
    given = {"purpose": "patient", "reason": "x"}
    for _ in range(5):
        assert client.post(address, given | {"password": "wrong"}).status_code == 422
    answer = client.post(address, given | {"password": "correct horse"})
    assert answer.status_code == 422 and b"Too many wrong passwords" in answer.content
    assert AuditEvent.objects.filter(action="proof.failed", actor=cast.coordinator).count() == 5
    assert not AuditEvent.objects.filter(action="record.exported").exists()


def test_nobody_else_takes_it(cast: Cast) -> None:
    address = f"/patients/{cast.patient.uuid}/export/"
    given = {"purpose": "patient", "reason": "x", "password": "correct horse"}
    assert signed_in(cast.dietitian).post(address, given).status_code == 403
    for user in cast.outsiders.values():
        assert signed_in(user).post(address, given).status_code == 404
    assert not AuditEvent.objects.filter(action="record.exported").exists()


def test_the_command_writes_it_for_nobody_else_to_read(pair: Pair, tmp_path: Path) -> None:
    call_command("export_record", str(pair.kept.uuid), "--reason", "court order", "--to", str(tmp_path))
    [path] = tmp_path.iterdir()
    assert path.stat().st_mode & 0o077 == 0
    record, _archive = read(path.read_bytes())
    assert record["patient"]["id"] == pair.kept.pk
    assert AuditEvent.objects.get(action="record.exported").reason == "court order"
