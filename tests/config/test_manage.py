"""Which commands need the database, and the command that shows the demo accounts."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import manage
from config import places

ACCOUNTS = [{"username": "nora.nurse", "password": "made-up-pass", "role": "nurse-coordinator"}]


def run(data: Path, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=places.BASE_DIR,
        env={"PATH": os.environ["PATH"], "PATHWAY_DATA_DIR": str(data)} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("words", [["help"], ["--version"], ["help", "migrate"], ["check"], ["migrate", "--help"]])
def test_questions_start_no_database(data: Path, words: list[str]) -> None:
    done = run(data, *words)
    assert done.returncode == 0, done.stderr
    assert not (data / "postgres").exists()


@pytest.mark.parametrize("command", ["migrate", "shell", "replay", "sweep", "dbshell"])
def test_everything_else_gets_one(command: str) -> None:
    assert manage.needs_database(command, [])
    assert not manage.needs_database(command, ["--help"])


def test_a_command_works_at_once_on_an_empty_data_folder(data: Path) -> None:
    done = run(data, "showmigrations", "pathway")
    assert done.returncode == 0, done.stderr
    assert "[X] 0001" in done.stdout, "a new database is prepared first"
    assert (data / "postgres").is_dir()


def test_a_database_of_somebody_elses_is_not_replaced_by_ours(data: Path) -> None:
    done = run(data, "showmigrations", DATABASE_URL="postgresql://pathway@127.0.0.1:9/pathway")
    assert done.returncode != 0
    assert not (data / "postgres").exists()


def test_demo_accounts_are_shown_from_the_private_file(data: Path) -> None:
    places.write_private(data / "demo_accounts.json", json.dumps(ACCOUNTS))
    done = run(data, "demo_accounts")
    assert done.returncode == 0, done.stderr
    assert "nora.nurse" in done.stdout
    assert "made-up-pass" in done.stdout
    assert "nurse-coordinator" in done.stdout


def test_without_a_demo_clinic_the_command_says_how_to_get_one(data: Path) -> None:
    done = run(data, "demo_accounts")
    assert done.returncode == 1
    assert "make run" in done.stderr
