"""The process that the user starts: it starts the client, outlives it, and gives the machine back.

Small on purpose: the standard library, psutil and ``app.lockdown``; no Qt, no native media. Why it is
the parent: docs/adr/0002-guardian-is-the-parent.md.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import psutil

from app.core.errors import LockdownError
from app.core.ports import LockdownOperation
from app.lockdown.journal import RestoreJournal
from app.lockdown.sequence import revert_all

logger = logging.getLogger(__name__)

GUARDIAN_PID = "INVIGIL_GUARDIAN_PID"
RESUME = "--resume"
NORMAL_EXITS = frozenset({0, 1, 2, 3})
_STOP_WAIT_S = 10.0
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class _StopAskedError(Exception):
    """Raised by the signal handler out of the wait for the client."""


class Guardian:
    """Runs ``command`` as a child until it ends normally (exit codes 0 to 3), restoring the machine whenever it ends.

    A client that dies (a signal, another exit code) is started again with ``--resume``, at most
    ``max_restarts`` times within ``window_s``. SIGINT, SIGTERM and SIGHUP are passed on as SIGTERM;
    a client that has not ended 10 s later is killed. Main thread only, because it handles signals.
    ``farewell`` makes the command that tells the person, in a window, why no more is tried.
    """

    def __init__(
        self,
        command: Sequence[str],
        journal: Path,
        operations: Mapping[str, LockdownOperation],
        max_restarts: int = 5,
        window_s: float = 60.0,
        environ: Mapping[str, str] | None = None,
        *,
        say: Callable[[str], None] | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
        stop_wait_s: float = _STOP_WAIT_S,
        farewell: Callable[[str], Sequence[str]] | None = None,
    ) -> None:
        self._command = tuple(command)
        self._journal = RestoreJournal(journal)
        self._operations = operations
        self._max_restarts = max_restarts
        self._window_s = window_s
        self._environ = environ
        self._say = say if say is not None else _to_stderr
        self._monotonic_s = monotonic_s
        self._stop_wait_s = stop_wait_s
        self._farewell = farewell
        self._restarts: deque[float] = deque()
        self._asked: int | None = None
        self._waiting = False

    def run(self) -> int:
        """Returns the exit code for the shell: the client's, 1 after giving up, 128 + n when ended by signal n."""
        with self._signals():
            self._restore()
            command = self._command
            while not self._stop_asked():
                code = self._run_client(command)
                self._restore()
                if self._stop_asked():
                    break
                if code in NORMAL_EXITS:
                    return code
                if not self._may_restart():
                    self._give_up()
                    break
                logger.warning("the client ended with %s; starting it again", code)
                command = self._command if RESUME in self._command else (*self._command, RESUME)
        return 1 if self._asked is None else 128 + self._asked

    def _give_up(self) -> None:
        sentence = (
            f"The exam client ended unexpectedly {len(self._restarts) + 1} times within "
            f"{self._window_s:.0f} seconds; nothing captured is lost, start the exam again to go on."
        )
        self._say(sentence)
        if self._farewell is not None:
            self._run_client(tuple(self._farewell(sentence)))
            self._restore()

    def _run_client(self, command: tuple[str, ...]) -> int:
        environ = dict(os.environ if self._environ is None else self._environ)
        environ[GUARDIAN_PID] = str(os.getpid())
        # its own process group: Ctrl+C reaches the client once, through us
        group = None if sys.platform == "win32" else 0
        try:
            child = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, process_group=group)
        except OSError as error:
            self._say(f"The exam client '{command[0]}' can't be started ({error.strerror}); install it again.")
            return 1
        try:
            self._waiting = True
            if not self._stop_asked():
                child.wait()
            self._waiting = False
        except _StopAskedError:
            logger.info("asked to stop by signal %s", self._asked)
        return self._stop(child) if child.poll() is None else child.returncode

    def _stop(self, child: subprocess.Popen[bytes]) -> int:
        child.terminate()
        try:
            return child.wait(self._stop_wait_s)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()

    def _stop_asked(self) -> bool:
        return self._asked is not None

    def _restore(self) -> None:
        """Past every problem: a machine that can't be restored now is no reason to lose the exam."""
        try:
            problems = revert_all(self._journal, self._operations)
        except LockdownError as error:
            problems = [str(error)]
        for problem in problems:
            self._say(problem)

    def _may_restart(self) -> bool:
        now_s = self._monotonic_s()
        while self._restarts and now_s - self._restarts[0] >= self._window_s:
            self._restarts.popleft()
        if len(self._restarts) >= self._max_restarts:
            return False
        self._restarts.append(now_s)
        return True

    @contextmanager
    def _signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        del frame
        first = self._asked is None
        self._asked = number
        if first and self._waiting:
            self._waiting = False
            raise _StopAskedError


class GuardianWatch:
    """For the client: whether the guardian that started it is still there. Reports, never acts. Any thread."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._guardian: psutil.Process | None = None
        self._pid: int | None = None

    def start(self) -> None:
        """Remembers the guardian named by the environment; without one there is nothing to lose."""
        text = self._environ.get(GUARDIAN_PID, "")
        self._pid = int(text) if text.isdecimal() else None
        try:
            self._guardian = psutil.Process(self._pid) if self._pid is not None else None
        except psutil.Error:
            self._guardian = None

    @property
    def guarded(self) -> bool:
        """Whether a guardian was named at all."""
        return self._pid is not None

    def gone(self) -> bool:
        """True when a guardian was named and does not run (any more), even if its id is in use again."""
        if self._pid is None:
            return False
        return self._guardian is None or not _runs(self._guardian)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _to_stderr(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
