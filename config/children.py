"""Child processes that do not outlive their parent. Standard library only, so that the keeper starts fast."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


def spawn(
    command: list[str],
    *,
    death_signal: signal.Signals,
    output: int | IO[bytes],
    uid: int | None = None,
    gid: int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, as another user when root asks for one.

    It gets `death_signal` when the thread that called this ends, however it ends. The session keeps a terminal's
    Ctrl-C away from it: stopping is the parent's work.
    """
    change = uid is not None and uid != os.geteuid()
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        user=uid if change else None,
        group=gid if change else None,
        extra_groups=[] if change else None,
        env=env,
        cwd=cwd,
        start_new_session=True,
        # CPython runs it after the change of user, which would clear the request.
        preexec_fn=_dies_with_parent(death_signal),
    )


def end_with_parent(death_signal: signal.Signals) -> None:
    """Ask for `death_signal` when the process that started this one ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal))


def stop(child: subprocess.Popen[bytes], first: signal.Signals, grace: float) -> None:
    """Ask with `first`, wait up to `grace` seconds, then kill."""
    with contextlib.suppress(ProcessLookupError):
        child.send_signal(first)
    try:
        child.wait(timeout=grace)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _dies_with_parent(death_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(death_signal))
        if os.getppid() != parent:  # it ended before the request
            os.kill(os.getpid(), signal.SIGKILL)

    return ask
