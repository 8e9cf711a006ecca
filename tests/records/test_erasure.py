"""What may go by the policy of a site goes without a trace, and nothing else goes."""

from __future__ import annotations

import json
from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, models, transaction

from pathway import clock, errors, flow
from pathway.models import (
    AuditEvent,
    CareTask,
    Erasure,
    Intervention,
    Observation,
    Patient,
    QualityFlag,
    RetentionPolicy,
)
from pathway.selectors import reach, retention
from tests import builders, walls
from tests.records import cast
from tests.records.cast import NOW, Pair, as_person

CANARY = "Kanarienvogel"
LATER = timedelta(days=366 * 12)


@pytest.fixture
def gone(pair: Pair) -> Pair:
    """Both records are merged and withdrawn, and the site keeps ten years after the last contact."""
    pair.merged()
    flow.withdraw(pair.enrollment.pk, reason=CANARY, at=NOW, by=pair.both)
    RetentionPolicy.objects.create(site=pair.site, years_after_death=8, years_after_last_contact=10)
    return pair


def run(site: Any, *options: str, at: Any = None) -> str:
    out = StringIO()
    with clock.simulated(at or NOW + LATER):
        call_command("retention", "--site", site.slug, *options, stdout=out)
    return out.getvalue()


def plant(pair: Pair) -> int:
    """The canary in every text of every row of the patient in which the constraints let it be. Returns in how many."""
    planted = 0
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        for one in reach.reached():
            keys = list(one.rows_of([pair.kept.pk, pair.double.pk]).values_list("pk", flat=True))
            for field in one.model._meta.concrete_fields:
                value = _canary(field)
                if keys and value is not None:
                    planted += _put(one.model._meta.db_table, field.column, value, keys)
        for row in (pair.kept, pair.double):
            values = [f"{CANARY} {row.pk}", CANARY, CANARY, row.pk]
            cursor.execute(
                "UPDATE pathway_patient SET identifier = %s, given_name = %s, family_name = %s WHERE id = %s", values
            )
        cursor.execute("SET session_replication_role = DEFAULT")
    return planted


def _canary(field: Any) -> str | None:
    if isinstance(field, models.JSONField):
        return json.dumps({"note": CANARY})
    is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
    return CANARY if is_text and (field.max_length or 99) > len(CANARY) else None


def _put(table: str, column: str, value: str, keys: list[int]) -> int:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'UPDATE "{table}" SET "{column}" = %s WHERE id = ANY(%s)', [value, keys])
    except IntegrityError:
        return 0  # a reason where nothing was voided
    return 1


def everywhere(needle: str) -> set[str]:
    """The tables in which any column says this, as text."""
    found = set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT EXISTS (SELECT FROM "{table}" t WHERE t::text ILIKE %s)', [f"%{needle}%"])
            if cursor.fetchone()[0]:
                found.add(table)
    return found


def test_nothing_of_an_erased_patient_is_left_but_the_tombstone_and_the_audit(gone: Pair) -> None:
    assert plant(gone) > 15
    assert {"pathway_patient", "pathway_observation", "pathway_caretask"} <= everywhere(CANARY)
    assert "erased" in run(gone.site, "--apply")
    assert {table for table in everywhere(CANARY) if "auditevent" not in table} == set()
    assert all(not one.rows_of([gone.kept.pk, gone.double.pk]).exists() for one in reach.reached())
    for stone in Patient.objects.unscoped("retention").filter(pk__in=(gone.kept.pk, gone.double.pk)):
        assert (stone.given_name, stone.family_name, stone.identifier, stone.birth_date) == ("", "", "", None)
        assert stone.erased_at is not None
    rows = Erasure.objects.filter(patient__in=(gone.kept, gone.double))
    assert {row.policy for row in rows} == {"10 years after the last contact"}
    assert AuditEvent.objects.filter(patient=gone.kept, action="record.erased").exists()
    assert cast.broken() == []


def test_every_key_that_leads_to_a_patient_is_known_to_the_erasure() -> None:
    """A table that a patient's rows reach only through an array or a text would be missed: say so here."""
    reached = {one.model for one in reach.reached()}
    for model in apps.get_app_config("pathway").get_models():
        leads = [f for f in model._meta.concrete_fields if f.related_model in reached | {Patient}]
        if leads and model is not Patient:
            assert model in reached | reach.APART, model


def test_without_apply_nothing_goes(gone: Pair) -> None:
    before = cast.text_of([gone.kept.pk])
    assert "1 of 1 records go" in run(gone.site)
    assert cast.text_of([gone.kept.pk]) == before


def test_a_site_without_a_policy_keeps_everything(pair: Pair) -> None:
    assert "0 of 2 records go" in run(pair.site, "--apply")
    assert not Erasure.objects.exists()


@pytest.mark.parametrize("stays", ["a legal hold stands", "on a pathway", "kept until", "offered to another site"])
def test_what_keeps_a_record_is_said(gone: Pair, stays: str) -> None:
    at = NOW + LATER
    if stays == "a legal hold stands":
        flow.place_hold(gone.kept, reason="a lawsuit", at=NOW, by=gone.both)
    elif stays == "on a pathway":
        builders.enroll(gone.kept, moment=NOW, by=gone.both)
    elif stays == "kept until":
        at = NOW + timedelta(days=365 * 9)
    else:
        flow.offer_transfer(gone.kept, builders.site(), reason="moved", at=NOW, by=gone.both)
    assert stays in run(gone.site, "--apply", at=at)
    assert Observation.objects.filter(patient=gone.kept).exists()
    with pytest.raises(errors.NotAllowed, match=stays):
        flow.erase(gone.site, gone.kept.pk, at=at, run_by="root")


def test_a_released_hold_keeps_nothing(gone: Pair) -> None:
    flow.place_hold(gone.kept, reason="a lawsuit", at=NOW, by=gone.both)
    hold = gone.kept.legal_holds.get()
    flow.release_hold(gone.kept, hold.pk, reason="it is over", at=NOW, by=gone.both)
    assert "1 of 1 records go" in run(gone.site)


def test_after_a_death_the_other_figure_counts(gone: Pair) -> None:
    Patient.objects.unscoped("lock").filter(pk=gone.kept.pk).update(died_on=date(2026, 3, 1))
    [verdict] = retention.verdicts(gone.site, at=NOW + timedelta(days=366 * 8))
    assert (verdict.goes, verdict.why) == (True, "8 years after the death")


def test_a_policy_of_less_than_a_year_is_refused(pair: Pair) -> None:
    with pytest.raises(CommandError, match="a year at least"):
        run(pair.site, "--set", "--years-after-death", "0")
    assert not RetentionPolicy.objects.exists()
    run(pair.site, "--set", "--years-after-death", "8")
    assert RetentionPolicy.objects.get().years_after_last_contact is None


@pytest.mark.parametrize("table", ["observation", "educationgiven", "observationitem", "checklistanswer"])
def test_facts_are_deleted_by_an_erasure_alone(pair: Pair, table: str) -> None:
    flow.record(
        pair.enrollment.pk, [builders.result("alsfrs-r", items=_form())], at=NOW - timedelta(days=3), by=pair.both
    )
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM pathway_{table}")
        count = cursor.fetchone()[0]
        if count:
            with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic():
                cursor.execute(f"DELETE FROM pathway_{table}")


def _form() -> dict[str, int]:
    return {**{str(n): 4 for n in range(1, 13) if n != 5}, "5a": 4}


def test_the_web_can_neither_begin_an_erasure_nor_use_one(pair: Pair) -> None:
    statements = (
        "INSERT INTO pathway_erasure (policy) VALUES ('x')",
        "UPDATE pathway_erasure SET erased_at = NULL",
        f"DELETE FROM pathway_observation WHERE patient_id = {pair.kept.pk}",
        f"UPDATE pathway_retentionpolicy SET years_after_death = 1 WHERE site_id = {pair.site.pk}",
    )
    Erasure.objects.create(patient=pair.kept, policy="x", begun_at=NOW, by="x")  # even while one has begun
    for statement in statements:
        with as_person(pair.both), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(statement)
    with walls.role("pathway_judge"), pytest.raises(DatabaseError), transaction.atomic():
        Observation.objects.filter(patient=pair.kept).delete()
    assert Observation.objects.filter(patient=pair.kept).exists()


def test_only_this_patient_goes(gone: Pair) -> None:
    other = builders.patient(gone.site, created_at=NOW + LATER)
    builders.join(other, gone.both, "nurse-coordinator")
    enrollment = builders.enroll(other, moment=NOW + LATER, by=gone.both, facts=[builders.result("fvc-pct", "90", "%")])
    before = cast.text_of([other.pk])
    run(gone.site, "--apply")
    assert cast.text_of([other.pk]) == before
    assert CareTask.objects.filter(enrollment=enrollment).exists()
    assert not Intervention.objects.filter(patient=gone.kept).exists()
    assert not QualityFlag.objects.filter(patient=gone.kept).exists()
