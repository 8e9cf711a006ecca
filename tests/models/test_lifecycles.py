"""The drawn lifecycles are those of the code, and a protected status is moved by its transitions only."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.management import call_command
from django_fsm import TransitionNotAllowed

from pathway.models import CareTask, Enrollment, TaskStatus

DRAWN = Path(__file__).parents[2] / "docs" / "lifecycles.dot"


def lines(text: str) -> list[str]:
    return sorted(line.strip() for line in text.splitlines() if line.strip())


def test_the_committed_drawing_is_the_one_that_the_code_draws() -> None:
    drawn = io.StringIO()
    call_command("graph_transitions", "pathway", stdout=drawn)
    assert lines(drawn.getvalue()) == lines(DRAWN.read_text())


def test_a_status_cannot_be_assigned() -> None:
    task = CareTask()
    with pytest.raises(AttributeError):
        task.status = TaskStatus.COMPLETED
    assert task.status == TaskStatus.OPEN


def test_a_closed_task_is_not_completed_again() -> None:
    task = CareTask()
    task.complete()
    with pytest.raises(TransitionNotAllowed):
        task.complete()


def test_the_dead_are_not_put_on_hold() -> None:
    enrollment = Enrollment()
    enrollment.die()
    with pytest.raises(TransitionNotAllowed):
        enrollment.hold()
