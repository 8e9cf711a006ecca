"""The transports that a sweep drives, in the order in which they are asked."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pathway.delivery import inbox


class Send(Protocol):
    """Settles one batch of its channel's queued deliveries in the caller's transaction: (settled, sent).

    (0, 0) means that nothing is waiting. Running it again, or twice at once, sends nothing twice.
    """

    def __call__(self, *, at: datetime, limit: int) -> tuple[int, int]: ...


CHANNELS: dict[str, Send] = {inbox.CHANNEL: inbox.send}
