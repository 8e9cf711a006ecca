"""What is handed over to a channel, and how it says no."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID


class Undelivered(Exception):
    """A service said no, or the channel is not configured any more."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message, ready to go. Nothing in it tells whom or what it is about."""

    key: UUID
    address: str
    subject: str
    body: str
