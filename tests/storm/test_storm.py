"""The short form of the storm; `make storm` is the long one."""

from __future__ import annotations

import secrets
import sys

import pytest

from tests.storm import storm


def say(line: str) -> None:
    """Seen when the test fails: the seed is in it."""
    sys.stdout.write(f"{line}\n")


@pytest.mark.slow
@pytest.mark.timeout(1800)  # on a machine that does nothing else it takes about one minute
def test_whatever_is_killed_frozen_or_restarted_no_reminder_is_lost_or_doubled() -> None:
    outcome = storm.run(storm.SHORT, secrets.randbelow(1_000_000), say)
    for line in outcome.lines():
        say(line)
    assert outcome.problems == []
    assert outcome.required >= 500
    assert outcome.is_enough
    # The storm was one: the mail server failed people, and a message came again.
    assert len(outcome.found.mails) > 50
