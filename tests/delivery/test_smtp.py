"""Real SMTP to a server that misbehaves: a message may come twice, and is seen to be the same; none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings

from pathway import flow
from pathway.models import Delivery, Dispatch
from tests import builders
from tests.builders import Clinic
from tests.delivery import sink as sinks
from tests.delivery.sink import Mood, Sink

MINUTE = timedelta(minutes=1)
DUE = builders.at(28)
LATER = DUE + 2 * MINUTE


@pytest.fixture
def sink() -> Iterator[Sink]:
    with sinks.running() as sink, by_smtp(sink):
        yield sink


def by_smtp(sink: Sink, timeout: float = 2) -> override_settings:
    return override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=sink.port,
        EMAIL_TIMEOUT=timeout,
    )


def sweep_until_quiet() -> None:
    """A day of sweeps, a minute apart at first."""
    flow.sweep(at=DUE, trigger="test")
    for minutes in (*range(1, 40), 120, 240):
        flow.deliver(at=DUE + minutes * MINUTE)


def test_every_message_arrives_once_with_its_headers(clinic: Clinic, sink: Sink) -> None:
    sweep_until_quiet()
    assert Dispatch.objects.count() == len(sink.kept) > 1
    assert sorted(sink.message_ids) == sorted(f"<{key}@localhost>" for key in keys())
    message = sink.kept[0].message
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert {one.sender for one in sink.kept} == {"pathway@localhost"}
    assert {one.recipient for one in sink.kept} == set(
        Dispatch.objects.values_list("person__email", flat=True)
    )  # fmt: skip


def keys() -> list[object]:
    return list(Dispatch.objects.values_list("key", flat=True))


def test_a_message_that_was_taken_without_a_word_is_repeated_under_the_same_id(clinic: Clinic, sink: Sink) -> None:
    sink.decide = lambda number: Mood.TAKE_AND_BREAK if number == 1 else Mood.TAKE
    sweep_until_quiet()
    counts = sink.counts()
    assert sorted(counts.values()) == [1] * (len(counts) - 1) + [2]
    (repeated,) = [one for one in counts if counts[one] == 2]
    first, second = (one for one in sink.kept if one.message_id == repeated)
    assert first.message.get_content() == second.message.get_content()
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"sent"}


@pytest.mark.parametrize(("mood", "error"), [(Mood.REFUSE, "SMTPSenderRefused"), (Mood.BUSY, "SMTPSenderRefused")])
def test_a_no_is_tried_again_and_an_end_of_it_is_the_end_of_trying(
    clinic: Clinic, sink: Sink, mood: Mood, error: str
) -> None:
    sink.decide = lambda number: mood if number <= 7 else Mood.TAKE
    sweep_until_quiet()
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"sent"}
    assert max(sink.counts().values()) == 1
    sink.decide = lambda number: mood
    at = builders.at(56)
    flow.sweep(at=at, trigger="test")
    for minutes in range(1, 120):
        flow.deliver(at=at + minutes * MINUTE)
    failed = Dispatch.objects.filter(status="failed")
    assert failed.exists() and not Dispatch.objects.filter(status="queued").exists()
    assert set(failed.values_list("last_error", "attempts")) == {(error, 12)}
    assert set(Delivery.objects.filter(dispatch__in=failed).values_list("status", flat=True)) == {"failed"}


def test_a_slow_server_is_waited_for_and_a_silent_one_is_not(clinic: Clinic, sink: Sink) -> None:
    moods = {1: Mood.SLOW, 2: Mood.SILENT}
    sink.decide = lambda number: moods.get(number, Mood.TAKE)
    with by_smtp(sink, timeout=1):
        sweep_until_quiet()
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"sent"}
    assert set(sink.counts().values()) == {1}
    assert sink.asked == len(sink.kept) + 1


def test_no_server_at_all_keeps_everything_until_there_is_one(clinic: Clinic) -> None:
    with sinks.running() as gone:
        pass
    with by_smtp(gone):
        flow.sweep(at=DUE, trigger="test")
        flow.deliver(at=LATER)
    assert set(Dispatch.objects.values_list("status", "last_error")) == {("queued", "ConnectionRefusedError")}
    with sinks.running() as sink, by_smtp(sink):
        flow.deliver(at=LATER + 5 * MINUTE)
    assert len(sink.kept) == Dispatch.objects.filter(status="sent").count() == Dispatch.objects.count()
