"""Mail about accounts, sent beside the request: how long an answer takes tells nobody whether an account exists."""

from __future__ import annotations

import smtplib
from concurrent.futures import Future, ThreadPoolExecutor, wait

import structlog
from django.core.mail import EmailMessage

log = structlog.get_logger(__name__)

SENDERS = 2
_pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="mail")
_under_way: set[Future[None]] = set()


def post(message: EmailMessage) -> None:
    """Send it soon. What fails is logged without its address; the person asks again."""
    sending = _pool.submit(_send, message)
    _under_way.add(sending)
    sending.add_done_callback(_under_way.discard)


def flush() -> None:
    """Wait until nothing is under way."""
    wait(list(_under_way))


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except (OSError, smtplib.SMTPException) as error:
        log.error("mail.failed", kind=type(error).__name__)
