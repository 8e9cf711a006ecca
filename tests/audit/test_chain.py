"""Whoever touches what was audited, as whoever, is found: by the database at once, or by the chain afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from pathway import actor, audit, clock, office
from pathway.jobs import audit as jobs
from pathway.models import AuditEvent, AuditSeal
from pathway.selectors import audit_chain
from tests import builders

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def chain(db: None) -> list[AuditEvent]:
    """Twelve sealed events."""
    with audit.gathered():
        for number in range(12):
            audit.record("test.happened", by=None, reason=f"number {number}", after={"ß": [number, None, 1.5]})
    assert office.seal_audit(at=clock.now()) == 12
    return list(AuditEvent.objects.order_by("pk"))


@contextmanager
def triggers_off() -> Iterator[None]:
    """What a superuser can do to the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role = origin")


def faults(expected: str = "") -> list[str]:
    return [str(fault) for fault in audit_chain.verify(clock.now(), expected=expected).faults]


def add(at: str, pk: int | None = None) -> int:
    event = AuditEvent(pk=pk, at=clock.now() - timedelta(hours=float(at)), action="test.forged")
    event.save(force_insert=True)
    return int(event.pk)


def test_an_untouched_chain_holds(chain: list[AuditEvent]) -> None:
    found = audit_chain.verify(clock.now())
    assert (found.sealed, found.unsealed, found.faults) == (12, 0, ())
    assert list(AuditSeal.objects.order_by("position").values_list("event", flat=True)) == [one.pk for one in chain]


def test_sealing_again_seals_nothing(chain: list[AuditEvent]) -> None:
    assert office.seal_audit(at=clock.now()) == 0
    assert office.seal_audit(at=clock.now(), whole=True) == 0
    assert AuditSeal.objects.count() == 12


@pytest.mark.parametrize(
    "change",
    [
        "reason = 'another'",
        "actor_id = (SELECT min(id) FROM pathway_user)",
        "after = '{}'",
        "ways = 'team'",
        "address = '192.0.2.1'",
        "patients = '{1}'",
        "request = gen_random_uuid()",
    ],
)
def test_an_altered_event_is_found(chain: list[AuditEvent], change: str) -> None:
    builders.user()
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE pathway_auditevent SET {change} WHERE id = %s", [chain[4].pk])
    (fault,) = faults()
    assert f"event {chain[4].pk} " in fault
    assert "altered" in fault


def test_a_removed_event_is_found(chain: list[AuditEvent]) -> None:
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM pathway_auditevent WHERE id = %s", [chain[4].pk])
    (fault,) = faults()
    assert f"event {chain[4].pk} " in fault
    assert "is missing" in fault


def test_an_event_removed_with_its_seal_is_found(chain: list[AuditEvent]) -> None:
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM pathway_auditevent WHERE id = %s", [chain[4].pk])
        cursor.execute("DELETE FROM pathway_auditseal WHERE event = %s", [chain[4].pk])
    (fault,) = faults()
    assert "seal before is missing" in fault


def test_two_events_that_changed_places_are_found(chain: list[AuditEvent]) -> None:
    one, two = chain[4], chain[5]
    with triggers_off(), connection.cursor() as cursor:
        move = "UPDATE pathway_auditevent SET id = %s, at = %s WHERE reason = %s"
        cursor.execute(move, [0, one.at, one.reason])
        cursor.execute(move, [one.pk, one.at, two.reason])
        cursor.execute("UPDATE pathway_auditevent SET id = %s, at = %s WHERE id = 0", [two.pk, two.at])
    (fault,) = faults()
    assert f"event {one.pk} " in fault


def test_two_seals_that_changed_places_are_found(chain: list[AuditEvent]) -> None:
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute("UPDATE pathway_auditseal SET position = 100 WHERE position = 5")
        cursor.execute("UPDATE pathway_auditseal SET position = 5 WHERE position = 6")
        cursor.execute("UPDATE pathway_auditseal SET position = 6 WHERE position = 100")
    (fault,) = faults()
    assert f"event {chain[5].pk} " in fault


def test_an_event_put_in_afterwards_is_found_before_the_sealer_comes(chain: list[AuditEvent]) -> None:
    forged = add("3")
    (fault,) = faults()
    assert f"event {forged} " in fault
    assert "not sealed" in fault


def test_an_event_put_in_afterwards_is_found_though_it_was_sealed(chain: list[AuditEvent]) -> None:
    forged = add("3")
    assert office.seal_audit(at=clock.now(), whole=True) == 1
    (fault,) = faults()
    assert f"event {forged} " in fault
    assert "afterwards" in fault


def test_an_event_that_was_committed_late_is_sealed_later(chain: list[AuditEvent]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('pathway_auditevent', 'id'))")
        (early,) = cursor.fetchone()
    audit.record("test.happened", by=None)
    assert office.seal_audit(at=clock.now()) == 1
    add("0", pk=early)
    assert office.seal_audit(at=clock.now()) == 1
    assert AuditSeal.objects.get(event=early).position == 14
    assert faults() == []


def test_an_old_event_without_a_seal_is_told(db: None) -> None:
    forgotten = add("2")
    (fault,) = faults()
    assert f"event {forgotten} " in fault


def test_a_young_event_may_wait_for_its_seal(db: None) -> None:
    add("0.5")
    found = audit_chain.verify(clock.now())
    assert (found.unsealed, found.faults) == (1, ())


def test_a_chain_that_was_written_anew_differs_from_the_head_that_was_logged(chain: list[AuditEvent]) -> None:
    logged = str(audit_chain.head())
    assert faults(logged) == []
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute("UPDATE pathway_auditevent SET reason = 'another' WHERE id = %s", [chain[4].pk])
        cursor.execute("DELETE FROM pathway_auditseal")
    office.seal_audit(at=clock.now(), whole=True)
    assert faults() == []
    assert "anew" in faults(logged)[0]


def test_a_chain_whose_end_was_cut_off_differs_from_the_head_that_was_logged(chain: list[AuditEvent]) -> None:
    logged = str(audit_chain.head())
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM pathway_auditevent WHERE id > %s", [chain[8].pk])
        cursor.execute("DELETE FROM pathway_auditseal WHERE event > %s", [chain[8].pk])
    assert faults() == []
    assert "end of the chain" in faults(logged)[0]


def test_the_command_tells_the_first_fault_and_fails(
    chain: list[AuditEvent], capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("verify_audit")
    assert "12 events hold" in capsys.readouterr().out
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute("UPDATE pathway_auditevent SET action = 'test.other' WHERE id >= %s", [chain[4].pk])
    with pytest.raises(SystemExit) as ended:
        call_command("verify_audit")
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert "4 events hold" in told.out
    assert f"event {chain[4].pk} " in told.err
    assert str(chain[5].pk) not in told.err


def test_while_somebody_seals_nobody_else_does(db: None) -> None:
    audit.record("test.happened", by=None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(7278002)")
        other = connection.copy()
        try:
            with other.cursor() as elsewhere:
                elsewhere.execute("SELECT pg_try_advisory_xact_lock(7278002)")
                assert elsewhere.fetchone() == (False,)
        finally:
            other.close()


def test_the_jobs_seal_with_the_rights_of_the_audit_alone(db: None, settings: Any) -> None:
    settings.DATABASE_ROLE = "pathway_web"
    audit.record("test.happened", by=None)
    jobs.seal()
    jobs.keep()
    with actor.acting(actor.service(actor.Service.AUDIT)):
        assert AuditSeal.objects.count() == 1
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        AuditSeal.objects.count()  # as the web


@pytest.mark.parametrize("table", ["pathway_auditevent", "pathway_auditseal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = now()", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_owner_too_is_stopped_by_triggers(chain: list[AuditEvent], table: str, statement: str) -> None:
    column = "at" if table == "pathway_auditevent" else "sealed_at"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table, column))
    assert faults() == []


def test_no_part_can_be_changed_by_the_side_door(chain: list[AuditEvent]) -> None:
    part = f"auditevent_{chain[0].at:%Y_%m}"
    for statement in (f"UPDATE {part} SET reason = 'x'", f"DELETE FROM {part}", f"TRUNCATE {part}"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert faults() == []


@pytest.mark.parametrize("role", ["pathway_web", "pathway_judge", "pathway_deliver", "pathway_audit"])
def test_who_serves_reaches_no_part_and_only_adds(chain: list[AuditEvent], role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT c.relname FROM pg_class c WHERE c.relispartition AND c.relkind = 'r'")
        parts = [name for (name,) in cursor.fetchall()]
        assert len(parts) >= 4
        for name in parts:
            cursor.execute(
                "SELECT has_table_privilege(%s, %s, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')", [role, name]
            )
            assert cursor.fetchone() == (False,), name
        for whole in ("pathway_auditevent", "pathway_auditseal"):
            cursor.execute("SELECT has_table_privilege(%s, %s, 'UPDATE, DELETE, TRUNCATE')", [role, whole])
            assert cursor.fetchone() == (False,), whole
        cursor.execute("SELECT has_table_privilege(%s, 'pathway_auditseal', 'INSERT')", [role])
        assert cursor.fetchone() == (role == "pathway_audit",)


def test_an_event_of_a_month_without_a_part_is_kept_all_the_same(db: None) -> None:
    add("-100000")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM auditevent_other")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT pathway_audit_ahead(3)")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT pathway_audit_ahead(24)")
        (made,) = cursor.fetchone()
        assert made == 21
