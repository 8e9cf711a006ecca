"""What the storm asserts can fail: each way in which such systems lose or double reminders is seen by the same verdict.

The third way, a message that was acknowledged late and lost with its process, is in `tests/config/test_worker.py`;
that a reminder which nobody wrote is missed by the verdict is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from pathway import flow
from pathway.delivery import outbox, transports
from pathway.delivery.outbox import Claim
from pathway.models import CareTask, Reminder
from tests import builders
from tests.delivery import sink as sinks
from tests.delivery.sink import Mood, Sink
from tests.storm import judging, oracle
from tests.storm.oracle import Doing, Expected, Story

pytestmark = pytest.mark.usefixtures("loaded")

DUE, TODAY = builders.at(42), builders.on(42)  # something is escalated, something overdue
MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """-9: nothing of the process goes on, not even what would tidy up."""


@pytest.fixture
def sink() -> Iterator[Sink]:
    backend = "django.core.mail.backends.smtp.EmailBackend"
    with (
        sinks.running() as sink,
        override_settings(EMAIL_BACKEND=backend, EMAIL_HOST="127.0.0.1", EMAIL_PORT=sink.port),
    ):
        yield sink


@pytest.fixture
def wanted() -> Expected:
    """What the oracle expects of one clinic and its patient."""
    clinic = builders.clinic()
    for person in clinic.people.values():
        person.email = f"{person.username}@storm.example"
        person.save(update_fields=["email"])
    team = {role: person.username for role, person in clinic.people.items()}
    return oracle.expected([Story(clinic.patient.identifier, builders.on(), Doing.NOTHING, team)], TODAY)


@pytest.fixture
def killed_once(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Whoever is about to hand over the first mail is killed; the list has its channel."""
    honest = transports.hand_over
    victims: list[str] = []

    def hand_over(channel: str, parcel: Any) -> None:
        if not victims:
            victims.append(channel)
            raise Killed
        honest(channel, parcel)

    monkeypatch.setattr(transports, "hand_over", hand_over)
    return victims


def sweep(times: Iterable[int] = range(0, 12, 2), *, at: datetime = DUE) -> None:
    """Sweeps two minutes apart; a killed one is followed by the next."""
    for minutes in times:
        try:
            flow.sweep(at=at + minutes * MINUTE, trigger="test")
        except Killed:
            continue


def problems(expected: Expected, sink: Sink) -> list[str]:
    return judging.problems(judging.look(_ask, sink.kept), expected, forbidden="Example")


def _ask(query: str) -> list[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


def test_the_clinic_of_these_tests_has_something_to_lose(wanted: Expected) -> None:
    assert len(wanted.required) > 10
    assert {one.rung for one in wanted.required} == {"overdue", "escalated"}


def test_as_it_is_nothing_is_lost_to_a_kill(wanted: Expected, sink: Sink, killed_once: list[str]) -> None:
    sweep()
    assert killed_once == ["email"]
    assert problems(wanted, sink) == []


def test_who_marks_before_sending_is_found_out(
    wanted: Expected, sink: Sink, killed_once: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(one: Claim, *, at: datetime, **_clocks: Any) -> bool:
        settled = outbox.settle(one, at=at)
        transports.hand_over(one.channel, one.parcel)
        return settled

    monkeypatch.setattr(outbox, "send", send)
    sweep()
    found = problems(wanted, sink)
    assert len([one for one in found if one.startswith("marked as sent and never handed over")]) == 1


def test_a_sweep_whose_progress_is_lost_doubles_nothing(wanted: Expected, sink: Sink) -> None:
    sweep_and_forget()
    assert problems(wanted, sink) == []


def test_without_the_unique_key_it_is_found_out(wanted: Expected, sink: Sink) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE pathway_reminder DROP CONSTRAINT one_reminder_per_rung")
    sweep_and_forget()
    found = problems(wanted, sink)
    assert len([one for one in found if one.startswith("written 2 times")]) == len(wanted.required)


def sweep_and_forget() -> None:
    """The reminders were written, and where the sweep had come to was not."""
    where = dict(CareTask.objects.live().values_list("pk", "next_rung_at"))
    sweep()
    for pk, moment in where.items():
        CareTask.objects.filter(pk=pk).update(next_rung_at=moment)
    sweep(range(12, 24, 2))


def test_a_reminder_that_nobody_wrote_is_missed(wanted: Expected, sink: Sink) -> None:
    assert len(problems(wanted, sink)) >= len(wanted.required)
    sweep()
    assert problems(wanted, sink) == []
    lost = Reminder.objects.order_by("pk").first()
    assert lost is not None
    lost.deliveries.all().delete()
    lost.delete()
    assert [one for one in problems(wanted, sink) if one.startswith("missing")]


def fresh_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    made = iter(range(1_000))
    monkeypatch.setattr("pathway.delivery.mail.message_id", lambda key: f"<{next(made)}@localhost>")


@pytest.mark.parametrize(("sabotage", "is_found_out"), [(None, False), (fresh_ids, True)])
def test_a_mail_that_comes_again_under_another_id_is_found_out(
    wanted: Expected,
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
    sabotage: Callable[[pytest.MonkeyPatch], None] | None,
    is_found_out: bool,
) -> None:
    if sabotage is not None:
        sabotage(monkeypatch)
    sink.decide = lambda number: Mood.TAKE_AND_BREAK if number == 1 else Mood.TAKE
    sweep()
    assert judging.look(_ask, sink.kept).repeats == (0 if is_found_out else 1)
    assert any(one.startswith("a mail that nobody asked for") for one in problems(wanted, sink)) is is_found_out


@pytest.mark.parametrize("day", [date(2024, 1, 31), date(2024, 2, 29), date(2023, 11, 30)])
def test_the_sums_of_the_oracle_end_with_the_month(day: date) -> None:
    assert oracle.after(day, "3 mo") == {1: date(2024, 4, 30), 2: date(2024, 5, 29), 11: date(2024, 2, 29)}[day.month]
