"""E-mail: plain text by SMTP, under the key of the message, so that one that comes twice is seen to be the same."""

from __future__ import annotations

from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage

from pathway.delivery.parcels import Parcel, Undelivered

# Answering machines and lists let it be.
HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def send(parcel: Parcel) -> None:
    """Raises what the mail server, or the way to it, raises."""
    headers = {**HEADERS, "Message-ID": message_id(parcel.key)}
    message = EmailMessage(parcel.subject, parcel.body, to=[parcel.address], headers=headers)
    if not message.send():
        raise Undelivered


def message_id(key: UUID) -> str:
    """The same for every try, and after a restore of the database."""
    return f"<{key}@{urlsplit(settings.PUBLIC_URL).hostname}>"
