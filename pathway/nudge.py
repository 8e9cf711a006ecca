"""The nudge: tell a worker that there is something to do, once the transaction has committed.

The tables are the truth and the sweep finds everything that is due; a nudge only makes it quicker. A lost one costs
time, so nobody waits for a broker: a thread speaks to it, one nudge after the other, and gives each one attempt. A
name that does not resolve and a server that accepts and never answers hold up that thread alone.
"""

import atexit
import functools
import os
import threading
from typing import Any

import celery
import kombu.exceptions
import structlog
from django.db import transaction

log = structlog.get_logger(__name__)

SECONDS = 3  # for each step of an attempt
MOST_WAITING = 100
SECONDS_AT_EXIT = 2.0  # a command that nudges and ends waits so long for its thread

Nudge = tuple[str, tuple[tuple[str, str | int], ...]]


class _Messenger:
    """Nudges that wait, each once however often it was asked for, and the thread that takes them away."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._waiting: dict[Nudge, None] = {}
        self._thread: threading.Thread | None = None

    def take(self, one: Nudge) -> None:
        """Remember a nudge and come back at once."""
        with self._turn:
            if one not in self._waiting and len(self._waiting) >= MOST_WAITING:
                log.warning("nudge lost", job=one[0], reason="the broker does not keep up")
                return
            self._waiting[one] = None
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._carry, name="nudges", daemon=True)
                self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing waits any more; False when it takes longer."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def forget(self) -> None:
        """Take nothing more away. Without the lock: a fork may have come while somebody held it."""
        self._waiting = {}

    def _carry(self) -> None:
        while True:
            with self._turn:
                if not self._waiting:
                    self._thread = None
                    return
                one = next(iter(self._waiting))
                del self._waiting[one]
            _send(*one)


_messenger = _Messenger()


def nudge(job: str, **kwargs: str | int) -> None:
    """Publish `job` (its dotted name) when the transaction at hand commits, at once outside of one.

    The arguments are ids or nothing, never facts: the broker keeps no clinical data.
    """
    one = (job, tuple(sorted(kwargs.items())))
    transaction.on_commit(functools.partial(_take, one), robust=True)


def wait_until_sent(seconds: float) -> bool:
    """Wait until every nudge of this process was sent or lost; False when it takes longer."""
    return _messenger.wait(seconds)


def begin_anew() -> None:
    """Forget what waits and the broker's address, which is read anew at the next nudge; a forked process has to."""
    global _messenger
    _messenger.forget()
    _messenger = _Messenger()
    _publisher.cache_clear()


def _take(one: Nudge) -> None:
    _messenger.take(one)


def _send(job: str, arguments: tuple[tuple[str, str | int], ...]) -> None:
    # RabbitMQ confirms what it has taken, and one that was frozen meanwhile never does.
    limits: dict[str, Any] = {"timeout": SECONDS, "confirm_timeout": SECONDS}
    try:
        _publisher().send_task(job, kwargs=dict(arguments), retry=False, ignore_result=True, **limits)
    except (kombu.exceptions.KombuError, OSError) as error:
        log.warning("nudge lost", job=job, reason=str(error))


@functools.cache
def _publisher() -> celery.Celery:
    publisher = celery.Celery("pathway-nudge", set_as_current=False)
    publisher.config_from_object("django.conf:settings", namespace="CELERY")
    # One attempt: a worker waits for its broker, this does not. The sweep catches up.
    publisher.conf.broker_transport_options = {**publisher.conf.broker_transport_options, "max_retries": 0}
    publisher.conf.broker_connection_timeout = SECONDS
    # RabbitMQ closes a connection that promised heartbeats and is silent; this one speaks only when there is news.
    publisher.conf.broker_heartbeat = 0
    return publisher


os.register_at_fork(after_in_child=begin_anew)
atexit.register(wait_until_sent, SECONDS_AT_EXIT)
