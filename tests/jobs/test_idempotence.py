"""Every job, run twice and out of order, leaves the rows that one run leaves; a job that is not declared here fails."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction

from config.celery import app
from pathway import clock, flow
from pathway.models import Patient, Site
from tests import builders

pytestmark = pytest.mark.usefixtures("loaded")

# Name of the job → tables in which it leaves something.
JOBS = {
    "pathway.jobs.sweep.sweep": {"pathway_reminder", "pathway_delivery", "pathway_caretask"},
    "pathway.jobs.deliveries.deliver": {"pathway_delivery"},
    "pathway.jobs.judge.judge_daily": {"pathway_enrollment"},
    "pathway.jobs.audit.seal": {"pathway_auditseal"},
    "pathway.jobs.audit.keep": set(),
}
# Who worked when; running again is at work again.
PULSE = {"pathway_sweeprun", "pathway_heartbeat"}
# Numbers that the database hands out, and instants of writing, differ between two ways to the same rows. A delivery is
# known by its key, which is made of its task, due day, rung, person and channel.
APART = {"id", "reminder_id", "dispatch_id", "derived_at", "judged_at", "sealed_at", "occurred_at"}
DUE = builders.at(28)


def job(name: str) -> Callable[[], Any]:
    app.loader.import_default_modules()
    found: Callable[[], Any] = app.tasks[name]
    return found


def tables() -> list[str]:
    names = connection.introspection.table_names()
    return sorted(name for name in names if name.startswith("pathway_") and name not in PULSE)


def rows() -> dict[str, list[str]]:
    """Everything that is stored, but who worked when."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f"SELECT to_jsonb(t) - %s::text[] FROM {table} t", [sorted(APART)])
            found[table] = sorted(str(row[0]) for row in cursor.fetchall())
    return found


def after(names: tuple[str, ...]) -> dict[str, list[str]]:
    """The rows that these jobs leave in this order, one after the other; then all is as before."""
    with clock.simulated(DUE), transaction.atomic():
        for name in names:
            job(name)()
        found = rows()
        transaction.set_rollback(True)
    return found


@pytest.fixture
def waiting() -> None:
    """Something for every job: rungs that are due, reminders without persons, a day to judge, events to seal."""
    builders.clinic()
    other = builders.clinic()
    flow.remind(at=DUE - timedelta(days=14), enrollment_id=other.enrollment.pk)


def declared() -> Iterator[str]:
    app.loader.import_default_modules()
    yield from (name for name in app.tasks if not name.startswith("celery."))


def test_every_job_is_declared_here() -> None:
    assert set(declared()) == set(JOBS), "say here what the new job leaves, so that running it twice is tested"


@pytest.mark.parametrize("name", JOBS)
def test_twice_is_once(waiting: None, name: str) -> None:
    before, once = rows(), after((name,))
    assert {table for table in JOBS[name] if once[table] == before[table]} == set(), "it found nothing to do"
    assert after((name, name, name)) == once


def test_the_order_of_the_jobs_does_not_matter_and_neither_does_how_often(waiting: None) -> None:
    names = [name for name in JOBS if not name.startswith("pathway.jobs.audit")]
    orders = [(*order, *names) for order in itertools.permutations(names)]
    results = [after(order) for order in orders]
    assert len(results) == 6
    for order, found in zip(orders, results, strict=True):
        assert {table for table, stored in found.items() if stored != results[0][table]} == set(), order


# what no job, and nobody who asks for one, may use


def calls(path: Path) -> Iterator[ast.Call]:
    yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def sources() -> list[Path]:
    return [path for folder in ("pathway", "config") for path in (settings.BASE_DIR / folder).rglob("*.py")]


def test_nothing_is_planned_in_the_broker() -> None:
    """No job at a later time, none that waits for the result of another, no chains: only the database remembers."""
    assert len(sources()) > 200
    for path in sources():
        for call in calls(path):
            named = {keyword.arg for keyword in call.keywords}
            assert not named & {"eta", "countdown"}, f"{path}:{call.lineno}"
            called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            assert called not in {"AsyncResult", "chord", "apply_async", "chain"} or path.name == "nudge.py", (
                f"{path}:{call.lineno}"
            )


def test_the_check_would_see_a_planned_job(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("sweep.apply_async(countdown=60)\n")
    (call,) = calls(planted)
    assert {keyword.arg for keyword in call.keywords} == {"countdown"}


def test_no_result_is_kept_and_no_job_takes_a_fact() -> None:
    assert settings.CELERY_RESULT_BACKEND is None
    assert settings.CELERY_TASK_IGNORE_RESULT is True
    assert app.conf.timezone == "UTC" and app.conf.enable_utc
    for name in JOBS:
        assert job(name).run.__code__.co_argcount == 0, name  # type: ignore[attr-defined]
    for entry in app.conf.beat_schedule.values():
        assert isinstance(entry["schedule"], float)
        assert not entry.get("args") and not entry.get("kwargs")


def test_the_rows_are_really_compared(waiting: None) -> None:
    before = rows()
    Site.objects.update(name="Another")
    assert rows() != before
    assert Patient._base_manager.count() == 2
