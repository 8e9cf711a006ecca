"""What PostgreSQL's programs say, while they are fed. Nothing of a dump is ever laid down on a disk in between."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from pathway.backups import BackupError


@contextmanager
def output_of(
    command: Sequence[str], environment: Mapping[str, str], pieces: Iterable[bytes] = ()
) -> Iterator[IO[bytes]]:
    """The output of a program that reads these pieces. One that fails raises BackupError with its own words."""
    with tempfile.TemporaryFile() as told:
        process = subprocess.Popen(
            command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=told
        )
        assert process.stdin is not None and process.stdout is not None
        feeder = threading.Thread(target=feed, args=(process.stdin, pieces), daemon=True)
        feeder.start()
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()
            process.wait()
            feeder.join()
        check(process.returncode, command[0], told)


def feed(into: IO[bytes], pieces: Iterable[bytes]) -> None:
    """Write all pieces to a program; one that has ended meanwhile says itself why."""
    with contextlib.suppress(BrokenPipeError):
        for piece in pieces:
            into.write(piece)
    with contextlib.suppress(BrokenPipeError):
        into.close()


def check(status: int, program: str, told: IO[bytes]) -> None:
    """Raise BackupError with what the program has told when it failed."""
    if status:
        told.seek(0)
        words = told.read().decode(errors="replace").strip()
        raise BackupError(f"{program.rpartition('/')[2]} failed: {words or f'exit status {status}'}")
