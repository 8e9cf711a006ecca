"""Ways in which the server says no, each with a reason that a person can act on.

Every refusal carries a `code` out of the closed list that scenarios and the API use (such as
`unit-missing`, `implausible`, `not-allowed`, `after-death`), a sentence for the reader, and the
field at fault where there is one. A refusal means that nothing was stored.
"""

from __future__ import annotations


class Refused(Exception):
    """Something was asked for that cannot be done. `code` is for programs, `reason` for people."""

    def __init__(self, code: str, reason: str, field: str = "") -> None:
        super().__init__(code, reason, field)
        self.code = code
        self.reason = reason
        self.field = field

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.reason} ({self.code})"


class InvalidEntry(Refused):
    """What was entered is no usable value: number, unit, range, items or context."""


class NotAllowed(Refused):
    """The action does not fit the state of the patient, or this person may not do it."""


class NotFound(Refused):
    """There is no such thing, or none that this person may know of."""


class Conflict(Refused):
    """Someone else was faster: the row is not any more what the person saw."""
