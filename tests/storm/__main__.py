"""The long form: `python -m tests.storm [SEED]`; exit status 1 where a promise was broken."""

from __future__ import annotations

import secrets
import signal
import sys

from tests.storm import storm

SHOWN = 50


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that it clears away what it has made
    seed = int(arguments[0]) if arguments else secrets.randbelow(1_000_000)
    outcome = storm.run(storm.LONG, seed, _say)
    for line in (*outcome.lines(), *outcome.problems[:SHOWN]):
        _say(line)
    return 1 if outcome.problems or not outcome.is_enough else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
