"""The ways out of the server, by the name of their channel. The inbox is none: it is in the database already."""

from __future__ import annotations

from django.conf import settings

from pathway.delivery import mail, services
from pathway.delivery.parcels import Parcel

EMAIL = "email"


def hand_over(channel: str, parcel: Parcel) -> None:
    """Returns once the other side has taken it. Raises OSError, SMTPException, ValueError or Undelivered."""
    if channel == EMAIL:
        mail.send(parcel)
    else:
        services.send(channel, parcel)


def offered() -> dict[str, str]:
    """Channels that the operator has configured besides e-mail, each with its template."""
    return dict(settings.MESSAGE_CHANNELS)
