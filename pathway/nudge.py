"""The nudge: tell a worker that there is something to do, once the transaction has committed.

The tables are the truth and the sweep finds everything that is due; a nudge only makes it quicker. A lost one costs
time, so a broker that is down or silent never fails the caller.
"""

import functools

import celery
import kombu.exceptions
import structlog
from django.db import transaction

log = structlog.get_logger(__name__)


def nudge(job: str, **kwargs: str | int) -> None:
    """Publish `job` (its dotted name) when the transaction at hand commits, at once outside of one.

    The arguments are ids or nothing, never facts: the broker keeps no clinical data.
    """
    transaction.on_commit(functools.partial(_publish, job, kwargs), robust=True)


def forget_publisher() -> None:
    """Read the broker's address anew at the next nudge."""
    _publisher.cache_clear()


def _publish(job: str, arguments: dict[str, str | int]) -> None:
    try:
        _publisher().send_task(job, kwargs=arguments, retry=False, ignore_result=True)
    except (kombu.exceptions.OperationalError, OSError) as error:
        log.warning("nudge lost", job=job, reason=str(error))


@functools.cache
def _publisher() -> celery.Celery:
    publisher = celery.Celery("pathway-nudge", set_as_current=False)
    publisher.config_from_object("django.conf:settings", namespace="CELERY")
    # One attempt: a worker waits for its broker, a person does not. The sweep catches up.
    publisher.conf.broker_transport_options = {**publisher.conf.broker_transport_options, "max_retries": 0}
    return publisher
