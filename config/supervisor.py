"""Runs several processes in one terminal: prefixed lines, restarts with back-off, one end for all.

Everything happens in one thread: the parent-death signal of a child belongs to the thread that started it.
"""

import contextlib
import dataclasses
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

from config import children, places

TICK_SECONDS = 0.2
GRACE_SECONDS = 12.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a restart; doubled each time
STEADY_SECONDS = 60.0  # a child that ran this long starts again with the first pause
COLORS = (36, 32, 33, 35, 34, 96, 92, 93)
NAME_WIDTH = 8


@dataclasses.dataclass
class Child:
    """One process: the end of an essential one ends all, one that runs once is not started again."""

    name: str
    command: list[str]
    env: Mapping[str, str]
    essential: bool = False
    once: bool = False
    uid: int | None = None
    gid: int | None = None
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    pause: float = FIRST_PAUSE
    unfinished_line: bytes = b""

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Starts children, prints their lines, and keeps them running until `stop`."""

    def __init__(self) -> None:
        self.children: list[Child] = []
        self.is_stopping = False
        self._selector = selectors.DefaultSelector()
        self._colored = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def listen_for_signals(self) -> None:
        """End in order on Ctrl-C, on a polite kill, and when the terminal closes."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def start(self, child: Child) -> Child:
        """Start a child and look after it from now on."""
        self.children.append(child)
        self._launch(child)
        return child

    def run_to_end(self, child: Child) -> bool:
        """Run a child that has to finish before anything else goes on; True when it succeeded."""
        child.once = True
        self.start(child)
        self.pump_until(lambda: not child.is_alive)
        self.children.remove(child)
        if child.is_alive:
            self._stop_these([child])
            return False
        self._print_rest(child)
        return child.process is not None and child.process.returncode == 0

    def pump_until(self, is_done: Callable[[], bool]) -> bool:
        """Print lines and mend children until `is_done`; False when everything has to end before that."""
        while not self.is_stopping and not is_done():
            self._print_lines(TICK_SECONDS)
            ended = self._mend()
            if ended is not None:
                self.say(f"{ended.name} has ended, so everything ends")
                return False
        return not self.is_stopping

    def stop(self, last: tuple[str, ...] = ()) -> None:
        """Stop all children at once, those named in `last` after the others."""
        self.is_stopping = True
        self._stop_these([child for child in self.children if child.name not in last])
        self._stop_these([child for child in self.children if child.name in last])

    def say(self, line: str, name: str = "pathway") -> None:
        """Print one line under a name."""
        prefix = f"{name:<{NAME_WIDTH}} |"
        if self._colored:
            prefix = f"\x1b[{COLORS[sum(name.encode()) % len(COLORS)]}m{prefix}\x1b[0m"
        sys.stdout.write(f"{prefix} {line}\n")
        sys.stdout.flush()

    def _ask_to_stop(self, *_: object) -> None:
        self.is_stopping = True

    def _launch(self, child: Child) -> None:
        self._clear_away(child)
        child.started_at = time.monotonic()
        child.process = children.spawn(
            child.command,
            death_signal=signal.SIGTERM,
            output=subprocess.PIPE,
            uid=child.uid,
            gid=child.gid,
            env=child.env,
            cwd=places.BASE_DIR,
        )
        if child.process.stdout is not None:
            os.set_blocking(child.process.stdout.fileno(), False)
            self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def _print_lines(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(seconds)
            return
        for key, _ in self._selector.select(seconds):
            self._print_some(key.data)

    def _print_some(self, child: Child) -> bool:
        """Print what can be read now; False when there is nothing, or nothing any more."""
        stream = child.process.stdout if child.process else None
        if stream is None or stream.closed:
            return False
        try:
            piece = os.read(stream.fileno(), 65536)
        except BlockingIOError:
            return False
        self._print_piece(child, piece)
        if not piece:
            self._selector.unregister(stream)
            stream.close()
        return bool(piece)

    def _print_rest(self, child: Child) -> None:
        while self._print_some(child):
            pass

    def _print_piece(self, child: Child, piece: bytes) -> None:
        *lines, child.unfinished_line = (child.unfinished_line + piece).split(b"\n")
        if not piece and child.unfinished_line:
            lines.append(child.unfinished_line)
            child.unfinished_line = b""
        for line in lines:
            text = line.decode(errors="replace").rstrip()
            if text:
                self.say(text, child.name)

    def _mend(self) -> Child | None:
        """Restart what has ended and is due; the essential child that has ended, if there is one."""
        now = time.monotonic()
        for child in self.children:
            if child.is_alive or child.once:
                continue
            if child.essential:
                return child
            if not child.restart_at:
                self._plan_restart(child, now)
            elif now >= child.restart_at:
                child.restart_at = 0.0
                self._launch(child)
        return None

    def _plan_restart(self, child: Child, now: float) -> None:
        if now - child.started_at > STEADY_SECONDS:
            child.pause = FIRST_PAUSE
        self.say(f"{child.name} has ended; next start in {child.pause:.0f} s")
        child.restart_at = now + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def _stop_these(self, those: list[Child]) -> None:
        living = [child.process for child in those if child.process is not None and child.is_alive]
        for process in living:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while any(process.poll() is None for process in living) and time.monotonic() < deadline:
            self._print_lines(0.05)
        for child in those:
            self._clear_away(child)

    def _clear_away(self, child: Child) -> None:
        """End a child and what it left behind, which is in the process group of its session."""
        if child.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()
        self._print_rest(child)
        if child.process.stdout is not None and not child.process.stdout.closed:
            self._selector.unregister(child.process.stdout)
            child.process.stdout.close()
