"""The second wall: what serves people may change rows, but neither the audit nor facts nor tables."""

from __future__ import annotations

import psycopg
import pytest
from django.db import DatabaseError, connection, connections, transaction

from config import environment, serving
from config.settings import base
from pathway import actor, flow
from pathway.actor import Service
from pathway.models import AuditEvent, Delivery, Observation, Proposal
from tests import builders, walls

# The seals of the audit, the marks of auditors, what is erased by which policy, and what leaves the server.
NOT_THE_WEBS = {
    "pathway_auditseal", "pathway_accessreview", "pathway_retentionpolicy", "pathway_erasure", "pathway_dispatch",
    "pathway_outboxhold",
}  # fmt: skip
pytestmark = pytest.mark.usefixtures("loaded")


def test_the_whole_river_flows_as_those_who_serve() -> None:
    clinic = builders.clinic(facts=[builders.result("weight", 70, "kg")])
    enrollment, nurse = clinic.enrollment.pk, clinic.people["nurse-coordinator"]
    with walls.role("pathway_web"), actor.acting(actor.person(nurse.pk)):
        rows = flow.record(enrollment, [builders.result("fvc-pct", 45, "%")], at=builders.at(1), by=nurse)
        flow.accept(Proposal.objects.filter(status="open", track="respiratory").get().pk, at=builders.at(2), by=nurse)
        flow.complete(clinic.task("dietitian-review").pk, at=builders.at(3), by=nurse)
    with walls.role("pathway_deliver"):
        with actor.acting(actor.service(Service.DELIVER)):
            assert flow.sweep(at=builders.at(120), trigger="test") > 0
        with actor.acting(actor.service(Service.JUDGE)):
            assert flow.judge_day(at=builders.at(121)) == 1
    assert Delivery.objects.filter(status="sent").exists()
    with walls.role("pathway_web"), actor.acting(actor.person(nurse.pk)):
        flow.void(rows[0].pk, reason="wrong patient", at=builders.at(130), by=nurse)
        flow.record_death(enrollment, at=builders.at(131), by=nurse)
        flow.reverse_death(enrollment, reason="wrong patient", at=builders.at(132), by=nurse)
        flow.withdraw(enrollment, reason="moved", at=builders.at(133), by=nurse)
        assert AuditEvent.objects.filter(patient=clinic.patient).count() > 10


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pathway_auditevent SET reason = 'another'",
        "DELETE FROM pathway_auditevent",
        "TRUNCATE pathway_auditevent",
        "DELETE FROM pathway_observation",
        "DELETE FROM pathway_observationitem",
        "ALTER TABLE pathway_auditevent DISABLE TRIGGER ALL",
        "DROP TABLE pathway_auditevent",
        "CREATE TABLE pathway_mine (id int)",
        "SET session_replication_role = replica",
    ],
)
def test_the_web_can_neither_rewrite_nor_remove_what_was_recorded(statement: str) -> None:
    builders.clinic(facts=[builders.result("weight", 70, "kg")])
    before = AuditEvent.objects.count(), Observation.objects.count()
    with walls.role("pathway_web"):
        with pytest.raises(DatabaseError) as refusal, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert isinstance(refusal.value.__cause__, psycopg.errors.InsufficientPrivilege)
    assert (AuditEvent.objects.count(), Observation.objects.count()) == before
    assert min(before) > 0


def test_the_owner_too_is_stopped_by_the_trigger_of_the_audit() -> None:
    builders.clinic()
    for statement in ("UPDATE pathway_auditevent SET reason = 'another'", "DELETE FROM pathway_auditevent"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_tables_of_later_migrations_are_the_webs_as_well() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE pathway_later (id bigint GENERATED ALWAYS AS IDENTITY, word text)")
        cursor.execute("SET LOCAL ROLE pathway_web")
        cursor.execute("INSERT INTO pathway_later (word) VALUES ('here') RETURNING id")
        cursor.execute("DELETE FROM pathway_later")
        assert cursor.rowcount == 1
        cursor.execute("RESET ROLE")


def test_every_table_but_those_of_the_auditor_lets_the_web_read_and_add(loaded: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
               AND c.relnamespace = 'public'::regnamespace
               AND NOT (has_table_privilege('pathway_web', c.oid, 'SELECT')
                        AND has_table_privilege('pathway_web', c.oid, 'INSERT'))"""
        )
        assert {name for (name,) in cursor.fetchall()} == NOT_THE_WEBS


def test_a_connection_becomes_the_role_that_the_setting_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "DATABASE_ROLE", "pathway_web")
    settings = base.database("postgresql://someone@%2Fsomewhere/pathway")
    server = connection.settings_dict
    with psycopg.connect(
        host=server["HOST"], user=server["USER"], dbname=server["NAME"], options=settings["OPTIONS"]["options"]
    ) as other:
        assert other.execute("SELECT current_user").fetchone() == ("pathway_web",)
        other.execute("RESET ROLE")
        assert other.execute("SELECT current_user").fetchone() == ("pathway_web",)


def test_without_the_setting_nothing_is_asked_of_the_database() -> None:
    assert "role" not in base.database("postgresql://someone@%2Fsomewhere/pathway")["OPTIONS"]["options"]


@pytest.mark.parametrize("name", ["web; DROP", "Web", "1web", "pathway-web", "x -c log_statement=all"])
def test_a_role_that_is_no_plain_name_is_refused(name: str) -> None:
    with pytest.raises(environment.ConfigurationError, match="PATHWAY_DB_ROLE"):
        environment.Environment({"PATHWAY_DB_ROLE": name}).identifier("PATHWAY_DB_ROLE")


def test_what_serves_takes_the_webs_role_unless_another_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections["default"], "close", lambda: None)  # the test's transaction goes on
    nothing, chosen = environment.Environment({}), environment.Environment({"PATHWAY_DB_ROLE": "mine"})
    assert serving.database_role(nothing, serving.WEB_ROLE) == "pathway_web"
    assert serving.database_role(nothing, serving.WORKER_ROLE) == "pathway_deliver"
    assert serving.database_role(chosen, serving.WEB_ROLE) == "mine"
    assert serving.database_role(nothing, "pathway_nobody") == ""
