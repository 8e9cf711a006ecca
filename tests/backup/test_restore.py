"""What comes back is what was taken away, held until somebody releases it, or nothing comes back."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from config import embedded, places
from pathway import flow
from pathway.backups import BackupError, archives, dumping, proving, restoring
from pathway.backups.endpoints import Endpoint
from pathway.backups.manifest import Manifest
from pathway.models import AuditEvent, Delivery, OutboxHold, User
from pathway.selectors import invariants
from tests import builders
from tests.backup.conftest import TAKEN, Backup, ask, is_empty, keys
from tests.config.conftest import data, wait_until

__all__ = ["data"]

Empty = Callable[[], Endpoint]
Looking = Callable[[Endpoint], AbstractContextManager[None]]


@pytest.fixture
def restored(backup: Backup, empty: Empty) -> Endpoint:
    target = empty()
    restoring.restore(backup.file, restoring.examine(backup.file), target)
    return target


def changed(backup: Backup, to: Path, **fields: object) -> Path:
    """The same dump with another manifest, whole and with its digests."""
    with archives.new(to) as file:
        writer = archives.Writer(file)
        writer.dump(archives.dump_of(backup.file))
        writer.finish(dataclasses.replace(backup.manifest, **fields))  # type: ignore[arg-type]
    return to


def test_a_restored_database_is_what_was_taken_and_serves(
    backup: Backup, restored: Endpoint, looking_at: Looking
) -> None:
    assert restoring.compare(backup.manifest, restored) == []
    with looking_at(restored):
        proving.settle(backup.manifest)
        assert proving.problems(backup.manifest) == []
        assert not proving.has_other_key(backup.manifest)
        assert AuditEvent.objects.get(action="database.restored").after["dump"] == backup.manifest.dump_sha256
    assert restoring.compare(backup.manifest, restored) != []  # it goes on from here


def test_the_outbox_is_held_from_the_first_moment(restored: Endpoint) -> None:
    query = "SELECT site_id, held_by, reason, released_at FROM pathway_outboxhold"
    assert ask(restored, query) == [(None, "restore", f"restored from the backup of {TAKEN.isoformat()}", None)]


def test_no_mail_leaves_while_it_is_held_and_what_waited_leaves_after_its_release(
    restored: Endpoint, looking_at: Looking
) -> None:
    with looking_at(restored):
        User.objects.update(email="somebody@clinic.invalid")
        flow.sweep(at=builders.at(56), trigger="test")
        flow.sweep(at=builders.at(57), trigger="test")
        assert Delivery.objects.filter(channel="inbox", sent_at__gte=builders.at(56)).exists()
        assert mail.outbox == []
        assert OutboxHold.objects.filter(released_at=None).exists()
        call_command("outbox", "release")
        flow.deliver(at=builders.at(58))
        assert mail.outbox


def test_what_is_swept_again_after_an_older_backup_has_the_keys_that_it_had(
    backup: Backup, restored: Endpoint, looking_at: Looking
) -> None:
    assert keys(restored, builders.START) == keys(backup.source, builders.START)
    with looking_at(backup.source):
        flow.sweep(at=builders.at(56), trigger="test")
    with looking_at(restored):
        flow.sweep(at=builders.at(56), trigger="test")
        assert invariants.violations(builders.at(56)) == []
    lost = keys(backup.source, TAKEN)
    assert lost
    assert keys(restored, TAKEN) == lost
    assert keys(restored, builders.START) == keys(backup.source, builders.START)


def test_numbers_given_after_the_backup_are_not_given_again(
    backup: Backup, restored: Endpoint, looking_at: Looking
) -> None:
    with looking_at(restored):
        clinic = builders.clinic()
        lowest = min(task.pk for task in clinic.tasks())
    assert lowest > restoring.NUMBERS_LEFT_OUT
    assert ask(backup.source, "SELECT max(id) FROM pathway_caretask")[0][0] < restoring.NUMBERS_LEFT_OUT


def test_the_guard_may_make_nothing_after_the_restore(restored: Endpoint) -> None:
    query = "SELECT has_schema_privilege(%s, 'public', 'CREATE'), has_schema_privilege(%s, 'public', 'USAGE')"
    assert ask(restored, query, "pathway_guard", "pathway_guard") == [(False, True)]


DAMAGES = {
    "ALTER TABLE pathway_patient DISABLE ROW LEVEL SECURITY": "row-level security of public.pathway_patient",
    "ALTER TABLE pathway_stay NO FORCE ROW LEVEL SECURITY": "row-level security of public.pathway_stay",
    "DROP POLICY web_reads ON pathway_enrollment": "missing: policy web_reads of public.pathway_enrollment",
    "DROP TRIGGER audit_not_emptied ON pathway_auditevent": "missing: trigger audit_not_emptied",
    "ALTER TABLE pathway_auditevent DISABLE TRIGGER USER": "not as in the backup: trigger",
    "REVOKE SELECT ON pathway_caretask FROM pathway_deliver": "not as in the backup: rights on public.pathway_caretask",
    "ALTER FUNCTION pathway_sees(bigint) SECURITY INVOKER": "as in the backup: function public.pathway_sees(bigint)",
    "ALTER TABLE pathway_reminder DROP CONSTRAINT one_reminder_per_rung": "missing: constraint one_reminder_per_rung",
    "GRANT DELETE ON pathway_patient TO pathway_web": "not as in the backup: rights on public.pathway_patient",
    "SELECT setval('pathway_caretask_id_seq', 1)": "the sequence of public.pathway_caretask.id is behind its rows",
    "DELETE FROM pathway_heartbeat": "the table public.pathway_heartbeat has 0 rows, and the backup 1",
    "UPDATE pathway_site SET name = 'Another'": "the table public.pathway_site has other rows than the backup",
}


def test_every_loss_on_the_way_is_named(backup: Backup, restored: Endpoint) -> None:
    for statement in DAMAGES:
        ask(restored, statement)
    found = "\n".join(restoring.compare(backup.manifest, restored))
    assert [words for words in DAMAGES.values() if words not in found] == []


def test_a_wall_that_fell_and_a_promise_that_broke_are_named(
    backup: Backup, restored: Endpoint, looking_at: Looking
) -> None:
    ask(restored, "ALTER TABLE pathway_patient NO FORCE ROW LEVEL SECURITY")
    ask(restored, "UPDATE pathway_caretask SET next_rung_at = NULL")
    ask(restored, "DELETE FROM pathway_outboxhold")
    with looking_at(restored):
        found = "\n".join(proving.problems(backup.manifest))
    for words in ("pathway_patient has no row-level security", "no rung of an open task is forgotten", "is not held"):
        assert words in found


def damaged_files(whole: bytes) -> Iterator[tuple[str, bytes]]:
    yield "nothing", b""
    yield "something else", b"PGDMP" * 1000
    for part in (10, 50, 90):
        yield f"cut off at {part} %", whole[: len(whole) * part // 100]
    yield "without its end", whole[:-3000]
    for part in (1, 30, 60, 99):
        place = len(whole) * part // 100 - 1500
        yield f"altered at {part} %", whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


@pytest.mark.django_db
def test_a_file_that_was_cut_off_or_altered_is_found_before_anything_is_written(
    backup: Backup, empty: Empty, tmp_path: Path
) -> None:
    target, file = empty(), tmp_path / "damaged.tar"
    for what, content in damaged_files(backup.file.read_bytes()):
        file.write_bytes(content)
        with pytest.raises(CommandError, match="Not restored"):
            call_command("restore", str(file), "--into", url(target))
        assert is_empty(target), what


@pytest.mark.django_db
def test_a_dump_that_does_not_belong_to_its_manifest_is_refused(backup: Backup, tmp_path: Path) -> None:
    file = changed(backup, tmp_path / "other.tar", dump_sha256="0" * 64)
    with pytest.raises(BackupError, match="belongs to another dump"):
        restoring.examine(file)


@pytest.mark.django_db
def test_backups_of_newer_software_and_of_a_newer_server_are_refused(
    backup: Backup, empty: Empty, tmp_path: Path
) -> None:
    newer = changed(backup, tmp_path / "a.tar", migrations=(*backup.manifest.migrations, "pathway.9999_to_come"))
    with pytest.raises(BackupError, match=r"newer software: pathway\.9999_to_come"):
        restoring.examine(newer)
    assert not restoring.is_older(backup.manifest)
    assert restoring.is_older(dataclasses.replace(backup.manifest, migrations=backup.manifest.migrations[:-1]))
    target = empty()
    file = changed(backup, tmp_path / "b.tar", server=99)
    with pytest.raises(BackupError, match="comes from PostgreSQL 99, and this server is older"):
        restoring.restore(file, restoring.examine(file), target)
    assert is_empty(target)


@pytest.mark.django_db
def test_another_format_of_backups_is_refused(backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Manifest.as_text
    monkeypatch.setattr(Manifest, "as_text", lambda self: plain(self).replace('"format": 1', '"format": 2'))
    file = changed(backup, tmp_path / "later.tar")
    with pytest.raises(BackupError, match="format pathway 2; this version reads pathway 1"):
        restoring.examine(file)


@pytest.mark.django_db
def test_a_database_that_holds_anything_is_left_alone(backup: Backup, empty: Empty) -> None:
    target = empty()
    ask(target, "CREATE TABLE mine AS SELECT 7 AS value")
    with pytest.raises(BackupError, match="not empty"):
        restoring.restore(backup.file, backup.manifest, target)
    assert ask(target, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [("mine",)]


@pytest.mark.django_db
def test_nobody_else_may_be_connected_meanwhile(backup: Backup, empty: Empty) -> None:
    target = empty()
    with target.connect(), pytest.raises(BackupError, match="Somebody else is connected"):
        restoring.restore(backup.file, backup.manifest, target)
    assert is_empty(target)


@pytest.mark.django_db
def test_another_owner_is_refused(backup: Backup, empty: Empty) -> None:
    target = empty()
    manifest = dataclasses.replace(backup.manifest, owner="somebody_else")
    with pytest.raises(BackupError, match="belong to somebody_else"):
        restoring.restore(backup.file, manifest, target)
    assert is_empty(target)


@pytest.mark.django_db
@pytest.mark.parametrize("fault", ["SELECT 1/0;", r"\! kill -9 $PPID"], ids=["an error", "kill -9"])
def test_a_restore_that_fails_at_its_end_leaves_nothing(
    backup: Backup, empty: Empty, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    target = empty()
    monkeypatch.setattr(restoring, "_after", lambda *_: fault)
    with pytest.raises(BackupError, match="psql failed"):
        restoring.restore(backup.file, backup.manifest, target)
    wait_until(lambda: is_empty(target), 10)
    assert is_empty(target)


HAND_OVER = """
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') LOOP
        EXECUTE format('ALTER TABLE %I OWNER TO {owner}', one.relname);
    END LOOP;
    FOR one IN SELECT oid::regprocedure AS name, pg_get_userbyid(proowner) = current_user AS is_mine, proacl
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace LOOP
        IF one.is_mine THEN
            EXECUTE format('ALTER FUNCTION %s OWNER TO {owner}', one.name);
        ELSIF one.proacl IS NOT NULL THEN
            EXECUTE format('REVOKE ALL ON FUNCTION %s FROM CURRENT_USER', one.name);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {owner}', one.name);
        END IF;
    END LOOP;
    FOR one IN SELECT polrelid::regclass AS name FROM pg_policy WHERE polname = 'owner' LOOP
        EXECUTE format('ALTER POLICY owner ON %s TO {owner}', one.name);
    END LOOP;
    FOR one IN SELECT r.rolname, CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' ELSE 'SEQUENCES' END AS what
        FROM pg_default_acl d, aclexplode(d.defaclacl) a JOIN pg_roles r ON r.oid = a.grantee
        WHERE d.defaclnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON %s FROM %I', one.what, one.rolname);
    END LOOP;
    EXECUTE format('ALTER DATABASE %I OWNER TO {owner}', current_database());
END $$;
"""


@pytest.fixture
def plain_owner(backup: Backup) -> Iterator[str]:
    """Who owns a database on most servers: somebody who is no superuser."""
    name = f"owner_of_a_test_{os.getpid()}"
    ask(backup.source, f"CREATE ROLE {name} LOGIN NOINHERIT CREATEROLE NOSUPERUSER")
    for role in backup.manifest.roles:
        ask(backup.source, f"GRANT {role} TO {name} WITH INHERIT FALSE, SET TRUE")
    yield name
    ask(backup.source, f'REVOKE SET ON PARAMETER "pathway.purpose" FROM {name}')
    ask(backup.source, f"DROP ROLE {name}")


def test_an_owner_who_is_no_superuser_takes_a_backup_and_brings_it_back(
    backup: Backup, plain_owner: str, restored: Endpoint, empty: Empty, tmp_path: Path
) -> None:
    ask(restored, HAND_OVER.replace("{owner}", plain_owner))
    target = empty()
    ask(target, f'ALTER DATABASE "{target.database}" OWNER TO {plain_owner}')
    source, into = (Endpoint({**one.parameters, "user": plain_owner}) for one in (restored, target))
    made = dumping.make(source, tmp_path / "plain.tar", at=TAKEN)
    assert (made.owner, made.rows) == (plain_owner, backup.manifest.rows + 1)  # with the hold of the restore
    with pytest.raises(BackupError, match="GRANT SET ON PARAMETER"):
        restoring.restore(tmp_path / "plain.tar", made, into)
    ask(restored, f'GRANT SET ON PARAMETER "pathway.purpose" TO {plain_owner}')
    restoring.restore(tmp_path / "plain.tar", made, into)
    assert restoring.compare(made, into) == []
    for one in (restored, target):
        ask(one, f"REASSIGN OWNED BY {plain_owner} TO CURRENT_USER")
        ask(one, f"DROP OWNED BY {plain_owner}")


@pytest.mark.django_db
def test_a_wrong_url_and_a_wrong_password_are_told_without_the_password(backup: Backup, tmp_path: Path) -> None:
    for wrong in ("hunter2 is no url", "postgresql://me:hunter2@127.0.0.1:1/nowhere", "postgresql://me:hunter2@h/"):
        with pytest.raises(CommandError) as refusal:
            call_command("restore", str(backup.file), "--into", wrong)
        assert "Not restored" in str(refusal.value)
        assert "hunter2" not in str(refusal.value)
    assert "hunter2" not in repr(Endpoint({"password": "hunter2"}))
    assert "hunter2" not in Endpoint({"password": "hunter2", "dbname": "a"}).conninfo


@pytest.mark.django_db
@pytest.mark.timeout(300)
def test_the_command_fills_a_new_server_that_knows_no_roles_and_says_what_comes_next(
    backup: Backup, data: Path
) -> None:
    command = [sys.executable, "manage.py", "restore", str(backup.file), "--data-dir", str(data)]
    done = subprocess.run(
        command,
        cwd=places.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings.test"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "every row, trigger, policy and right is as in the backup" in done.stdout
    assert "walls, promises and the chain of the audit hold" in done.stdout
    assert "manage.py outbox release" in done.stdout
    embedded.join(data)
    try:
        with psycopg.connect(embedded.database_url(data)) as link:
            roles = link.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^pathway_' AND rolbypassrls")
            assert roles.fetchall() == [("pathway_backup",)]
    finally:
        embedded.leave(data)


def url(target: Endpoint) -> str:
    told = target.parameters
    return f"postgresql://{told['user']}@{told['host'].replace('/', '%2F')}/{told['dbname']}"
