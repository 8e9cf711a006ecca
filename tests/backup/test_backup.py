"""A backup is whole, private and counted, or it is not there."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from pathway.backups import BackupError, archives, dumping, facts, programs
from pathway.backups.manifest import Table
from tests import builders
from tests.backup.conftest import TAKEN, Backup, ask

pytestmark = pytest.mark.django_db


@pytest.fixture
def role(backup: Backup) -> Iterator[str]:
    """May read every table, and is shown no row of a patient: PostgreSQL says nothing about it."""
    name = "reader_of_a_test"
    with contextlib.suppress(Exception):
        ask(backup.source, f"CREATE ROLE {name} NOLOGIN")
    ask(backup.source, f"GRANT USAGE ON SCHEMA public TO {name}")
    ask(backup.source, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
    ask(backup.source, f"GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {name}")
    yield name
    ask(backup.source, f"DROP OWNED BY {name}")
    ask(backup.source, f"DROP ROLE {name}")


def test_the_manifest_counts_what_the_tables_hold(backup: Backup) -> None:
    for table in ("pathway_patient", "pathway_observation", "pathway_reminder", "pathway_auditevent"):
        counted = ask(backup.source, f"SELECT count(*) FROM {table}")[0][0]
        in_parts = sum(
            backup.manifest.tables[name].rows
            for name in backup.manifest.tables
            if name == f"public.{table}" or (table == "pathway_auditevent" and name.startswith("public.auditevent_"))
        )
        assert in_parts == counted > 0, table
    assert backup.manifest.made_at == TAKEN.isoformat()
    assert backup.manifest.owner == ask(backup.source, "SELECT current_user")[0][0]
    assert {"pathway_web", "pathway_backup", "pathway_guard"} <= set(backup.manifest.roles)
    assert backup.manifest.owners == ("pathway_guard",)
    assert "pathway.0001_river" in backup.manifest.migrations


def test_the_file_is_private_and_nothing_unfinished_lies_beside_it(backup: Backup) -> None:
    assert stat.S_IMODE(backup.file.stat().st_mode) == 0o600
    assert [path.name for path in backup.file.parent.iterdir()] == [backup.file.name]
    with tarfile.open(backup.file) as archive:
        assert archive.getnames() == ["database.dump", "manifest.json", "SHA256SUMS"]
    assert archives.read(backup.file) == backup.manifest


def test_no_secret_and_no_row_is_in_the_manifest(backup: Backup) -> None:
    with tarfile.open(backup.file) as archive:
        told = archive.extractfile("manifest.json").read().decode()
    for word in ("only-for-tests", "Example", "PASSWORD"):
        assert word not in told


def test_a_role_that_is_shown_no_patients_makes_no_backup(backup: Backup, role: str, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=r"not shown all rows of .*public\.pathway_patient"):
        dumping.make(backup.source, tmp_path / "empty.tar", at=TAKEN, role=role)
    assert not list(tmp_path.iterdir())


def test_a_role_with_a_policy_for_everything_reads_everything_without_passing_the_wall(
    backup: Backup, role: str, tmp_path: Path
) -> None:
    tables = ask(backup.source, "SELECT relname FROM pg_class WHERE relrowsecurity AND relkind IN ('r', 'p')")
    for (table,) in tables:
        ask(backup.source, f"CREATE POLICY a_test ON {table} FOR SELECT TO {role} USING (true)")
    try:
        made = dumping.make(backup.source, tmp_path / "whole.tar", at=TAKEN, role=role)
    finally:
        for (table,) in tables:
            ask(backup.source, f"DROP POLICY a_test ON {table}")
    assert made.tables == backup.manifest.tables


@pytest.mark.parametrize("role_name", ["pathway_web", "pathway_deliver", "nobody_at_all"])
def test_a_role_without_the_rights_fails_aloud(backup: Backup, tmp_path: Path, role_name: str) -> None:
    with pytest.raises(BackupError, match="is not shown all rows|does not exist"):
        dumping.make(backup.source, tmp_path / "none.tar", at=TAKEN, role=role_name)
    assert not list(tmp_path.iterdir())


def test_a_role_that_passes_the_wall_and_may_not_read_a_table_fails_aloud(
    backup: Backup, role: str, tmp_path: Path
) -> None:
    ask(backup.source, f"ALTER ROLE {role} BYPASSRLS")
    ask(backup.source, f"REVOKE SELECT ON pathway_patient FROM {role}")
    with pytest.raises(BackupError, match="permission denied for table pathway_patient"):
        dumping.make(backup.source, tmp_path / "none.tar", at=TAKEN, role=role)
    assert not list(tmp_path.iterdir())


def test_a_dump_with_fewer_rows_than_were_counted_is_thrown_away(
    backup: Backup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = dict(backup.manifest.tables)
    counted["public.pathway_patient"] = Table(counted["public.pathway_patient"].rows + 1, "")
    monkeypatch.setattr(facts, "tables", lambda link: counted)
    with pytest.raises(BackupError, match=r"public\.pathway_patient: 1 of 2"):
        dumping.make(backup.source, tmp_path / "short.tar", at=TAKEN)
    assert not list(tmp_path.iterdir())


def test_another_file_is_never_written_over(backup: Backup, tmp_path: Path) -> None:
    target = tmp_path / "mine.tar"
    target.write_text("mine")
    with pytest.raises(BackupError, match="is there already"):
        dumping.make(backup.source, target, at=TAKEN)
    assert target.read_text() == "mine"


def test_what_a_killed_run_has_left_is_removed_and_what_one_still_writes_is_not(tmp_path: Path) -> None:
    killed = tmp_path / ".old.tar.1.unfinished"
    killed.write_bytes(b"half")
    with archives.new(tmp_path / "first.tar"):
        assert not killed.exists()
        with archives.new(tmp_path / "second.tar"):
            assert len(list(tmp_path.glob(".first.tar.*"))) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"first.tar", "second.tar"}


def test_a_failure_in_the_middle_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), archives.new(tmp_path / "half.tar") as file:
        file.write(b"half")
        raise OSError("the disk is full")
    assert not list(tmp_path.iterdir())


def test_the_oldest_backups_of_this_database_go_and_no_other_file(backup: Backup, tmp_path: Path) -> None:
    names = [dumping.file_name(backup.source, builders.at(day)) for day in range(4)]
    for name in (*names, "another-20240108T090000Z.tar", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in dumping.rotate(tmp_path, backup.source, 2)] == names[:2]
    assert {path.name for path in tmp_path.iterdir()} == {*names[2:], "another-20240108T090000Z.tar", "notes.txt"}


def test_the_command_writes_into_a_folder_and_keeps_so_many(
    backup: Backup, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "backups"
    old = folder / dumping.file_name(backup.source, builders.at(0))
    folder.mkdir()
    old.touch()
    call_command("backup", "--to", str(folder), "--keep", "1")
    with pytest.raises(CommandError, match="--keep"):
        call_command("backup", "--to", str(folder), "--keep", "0")
    assert not old.exists()
    assert f"removed {old}" in capsys.readouterr().out
    (made,) = folder.iterdir()
    assert archives.read(made).rows == backup.manifest.rows


def test_programs_that_are_older_than_the_server_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in programs.NAMES:
        (tmp_path / name).write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.4'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATHWAY_POSTGRES_BIN", os.fspath(tmp_path))
    assert programs.for_server(15).major == 15
    with pytest.raises(BackupError, match=r"PostgreSQL 16 are needed, and there are: 15\.4 in"):
        programs.for_server(16)
