"""What one import carries through its steps, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from pathway import errors
from pathway.engine.definitions import Vocabulary
from pathway.engine.tables.reading import Refusal
from pathway.models import Site

if TYPE_CHECKING:  # histories is filled in by the play, which knows this module
    from pathway.imports.histories import History


@dataclass(slots=True)
class Outcome:
    """What an import did, or would have done: nothing is stored when `refusals` is not empty or `is_dry_run`."""

    title: str
    site: str
    is_dry_run: bool
    left_out: Mapping[str, str]  # column → why
    rows: int = 0
    patients: int = 0
    enrolled: int = 0
    stored: int = 0  # observations
    known: int = 0  # observations that an earlier import had stored
    started: int = 0  # interventions
    unclear: dict[str, int] = field(default_factory=dict)  # 0/1 column → visits on which it is empty
    refusals: list[Refusal] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)

    @property
    def is_stored(self) -> bool:
        return not self.refusals and not self.is_dry_run


@dataclass(slots=True)
class Run:
    """One import under way. `now` is frozen once; `told` is called after each patient or batch."""

    source: str
    site: Site
    vocabulary: Vocabulary
    now: datetime
    outcome: Outcome
    told: Callable[[], None]

    def refuse(self, refusal: Refusal) -> None:
        self.outcome.refusals.append(refusal)

    def refuse_because(self, line: int, error: errors.Refused, column: str = "") -> None:
        reason = f"{error.field}: {error.reason}" if error.field and not column else error.reason
        self.refuse(Refusal(line, column, f"{reason} ({error.code})"))
