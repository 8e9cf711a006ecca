"""Redis, Valkey and RabbitMQ by BROKER_URL alone; and whatever a broker does, nobody at a page waits for it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.db import transaction
from pytest_django import Settings
from structlog.testing import capture_logs

from pathway import nudge
from tests.brokers.conftest import Server, free_port, point_to
from tests.config.conftest import wait_until, working

CLICK = 0.5  # seconds; a page may take 3


def click(key: str) -> float:
    """A transaction with a nudge, as a page makes one; how long it took."""
    started = time.monotonic()
    with transaction.atomic():
        nudge.nudge("tests.leave_mark", key=key)
    return time.monotonic() - started


def arrives(key: str) -> bool:
    return wait_until(lambda: Session.objects.filter(session_key=key).exists())


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.django_db(transaction=True)
def test_a_broker_carries_nudges_and_freezes_dies_and_comes_back_without_holding_a_click(
    server: Server, tmp_path: Path
) -> None:
    with working(server.url, tmp_path / "worker.log") as worker:
        assert click("first") < CLICK
        assert arrives("first")
        server.freeze()
        assert not server.answers(1)
        assert max(click(f"frozen-{number}") for number in range(5)) < CLICK
        assert not nudge.wait_until_sent(0.5)  # the thread is still waiting for it
        server.thaw()
        assert nudge.wait_until_sent(60)
        click("thawed")
        assert arrives("thawed")
        server.kill()
        assert max(click(f"killed-{number}") for number in range(2)) < CLICK
        assert nudge.wait_until_sent(30)
        server.start()
        click("after")
        # The worker found its broker again by itself.
        assert arrives("after")
        assert worker.poll() is None
    assert not Session.objects.filter(session_key__startswith="killed").exists()


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    taken.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread, which ends
        for one in taken:
            one.close()


WAYS = (
    "redis, refuses",
    "redis, no such name",
    "redis, silent",
    "redis, no socket",
    "rabbitmq, refuses",
    "rabbitmq, no such name",
    "rabbitmq, silent",
)


@pytest.fixture
def addresses(silent: int) -> dict[str, str]:
    closed = free_port()
    return {
        "redis, refuses": f"redis://127.0.0.1:{closed}/0",
        "redis, no such name": "redis://broker.invalid:6379/0",
        "redis, silent": f"redis://127.0.0.1:{silent}/0",
        "redis, no socket": "redis+socket:///tmp/no-such-folder/valkey.sock?virtual_host=0",
        "rabbitmq, refuses": f"amqp://guest:guest@127.0.0.1:{closed}//",
        "rabbitmq, no such name": "amqp://guest:guest@broker.invalid:5672//",
        "rabbitmq, silent": f"amqp://guest:guest@127.0.0.1:{silent}//",
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", WAYS)
def test_a_broker_that_cannot_be_reached_holds_no_click_and_the_loss_is_in_the_log(
    addresses: dict[str, str], settings: Settings, way: str
) -> None:
    point_to(addresses[way], settings)
    with capture_logs() as told:
        assert click("one") < CLICK
        assert click("another") < CLICK
        assert nudge.wait_until_sent(60)
    assert [line["event"] for line in told] == ["nudge lost", "nudge lost"]
    nudge.begin_anew()


@pytest.mark.django_db(transaction=True)
def test_what_waits_for_a_silent_broker_is_bounded_and_each_nudge_waits_once(
    settings: Settings, silent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(f"amqp://guest:guest@127.0.0.1:{silent}//", settings)
    monkeypatch.setattr(nudge, "MOST_WAITING", 3)
    with capture_logs() as told:
        click("on its way")
        wait_until(lambda: not nudge._messenger._waiting, 1)
        for _ in range(50):
            click("the same")
        assert len(nudge._messenger._waiting) == 1
        assert not told
        for number in range(5):
            assert click(f"number {number}") < CLICK
        assert len(nudge._messenger._waiting) == 3
    assert [line["reason"] for line in told] == ["the broker does not keep up"] * 3
    nudge.begin_anew()
