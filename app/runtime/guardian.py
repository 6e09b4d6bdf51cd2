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
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from app.core.environment import scrubbed
from app.core.errors import LockdownError
from app.core.ports import LockdownOperation
from app.lockdown.journal import RestoreJournal
from app.lockdown.platform import session_ends, told_of_session_end
from app.lockdown.sequence import revert_all
from app.runtime.child import THAW_AFTER_S, Child, Start, Waiting, go_on, past_launcher, start_process
from app.runtime.run_book import JournalAltered, Note, RunBook, Stopped

logger = logging.getLogger(__name__)

GUARDIAN_PID = "INVIGIL_GUARDIAN_PID"
SCRUBBED = "INVIGIL_SCRUBBED"
"""Names of variables, joined by commas, that the guardian kept from the client."""
RESUME = "--resume"
NORMAL_EXITS = frozenset({0, 1, 2, 3})
KILLERS_CHOOSE = sys.platform == "win32"
"""Whether who ends a process chooses its exit code: on Windows (TerminateProcess), where the task manager's is 1."""
ELSEWHERE = 4
"""The client's exit code for: start me again on the exam's own desktop."""
_NO_RESTART = (
    "The exam client ended unexpectedly, and this exam is not started again by itself. What it had changed on this "
    "machine was given back. Tell your proctor; then start the exam again to go on where it was."
)
_STOP_WAIT_S = 10.0
_IGNORED = tuple(getattr(signal, name) for name in ("SIGTTIN", "SIGTTOU", "SIGTSTP") if hasattr(signal, name))
"""A terminal would stop guardian and client for what they say, or the guardian alone by Ctrl+Z; ignoring it is passed on to
the child."""
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name))


class _StopAskedError(Exception):
    """Raised by the signal handler out of the wait for the client."""


class Guardian:
    """Runs ``command`` as a child until it ends normally (exit codes 0 to 3), restoring the machine whenever it ends.

    A client that dies (a signal, another exit code) is started again with ``--resume``, at most
    ``max_restarts`` times within ``window_s``, unless it said that it does not want to be. Where ``killers_choose`` the
    exit code, one that had an exam also has to have said that it ends. SIGINT, SIGTERM and
    SIGHUP are passed on as SIGTERM; a client that has not ended 10 s later is killed. Main thread only, because it
    handles signals. ``farewell`` makes the command that tells the person, in a window, why no more is tried.

    ``start`` makes the process. A client that ends with ``ELSEWHERE`` is started again with ``elsewhere``, where there is
    one: on a desktop of the exam's own. The client gets no variable that is harmful (``core.environment``); their names
    are in ``SCRUBBED``. What the guardian notices is in the run's book (``run_book``), where the client finds it.
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
        start: Start = start_process,
        elsewhere: Start | None = None,
        thaw_after_s: float = THAW_AFTER_S,
        killers_choose: bool = KILLERS_CHOOSE,
    ) -> None:
        self._command = tuple(command)
        self._journal = RestoreJournal(journal)
        self._operations = operations
        self._max_restarts = max_restarts
        self._window_s = window_s
        self._environ = environ
        self._say = say if say is not None else to_stderr
        self._monotonic_s = monotonic_s
        self._stop_wait_s = stop_wait_s
        self._farewell = farewell
        self._start = start
        self._elsewhere = elsewhere
        self._thaw_after_s = thaw_after_s
        self._killers_choose = killers_choose
        self._book = RunBook(journal, os.getpid())
        self._altered = 0
        self._restarts: deque[float] = deque()
        self._asked: int | None = None
        self._waiting = False

    def run(self) -> int:
        """Returns the exit code for the shell: the client's, 1 after giving up, 128 + n when ended by signal n."""
        with self._signals(), told_of_session_end(lambda: signal.raise_signal(signal.SIGTERM)):
            self._open_book()
            self._restore()
            try:
                code = self._guard()
            finally:
                self._close_book()
        return code if self._asked is None else 128 + self._asked

    def _guard(self) -> int:
        command, start = self._command, self._start
        while not self._stop_asked():
            code = self._run_client(command, start)
            self._restore()
            if self._stop_asked() or (code in NORMAL_EXITS and not self._cut_off()):
                return code
            if code == ELSEWHERE and self._elsewhere is not None and start is not self._elsewhere:
                start = self._elsewhere
            elif session_ends():
                return code
            elif not self._restart_wanted():
                self._give_up(_NO_RESTART)
                return 1
            elif not self._may_restart():
                self._give_up(self._too_often())
                return 1
            else:
                logger.warning("the client ended with %s; starting it again", code)
                start = self._start
            command = self._command if RESUME in self._command else (*self._command, RESUME)
        return 1

    def _too_often(self) -> str:
        return (
            f"The exam client ended unexpectedly {len(self._restarts) + 1} times within "
            f"{self._window_s:.0f} seconds; nothing captured is lost, start the exam again to go on."
        )

    def _give_up(self, sentence: str) -> None:
        self._say(sentence)
        if self._farewell is not None:
            self._run_client(tuple(self._farewell(sentence)), self._start)
            self._restore()

    def _run_client(self, command: tuple[str, ...], start: Start) -> int:
        bundle = getattr(sys, "_MEIPASS", None)
        environ, taken = scrubbed(os.environ if self._environ is None else self._environ, bundle)
        environ |= {GUARDIAN_PID: str(os.getpid()), SCRUBBED: ",".join(taken)}
        with suppress(OSError):
            self._book.start_client()
        try:
            child = start(*past_launcher(command, environ))
        except LockdownError as error:
            self._say(str(error))
            return 1
        except OSError as error:
            self._say(f"The exam client '{command[0]}' can't be started ({error.strerror}); install it again.")
            return 1
        try:
            self._waiting = True
            if not self._stop_asked():
                Waiting(child, self._stopped, self._monotonic_s, self._thaw_after_s).wait()
            self._waiting = False
        except _StopAskedError:
            logger.info("asked to stop by signal %s", self._asked)
        code = child.poll() if self._stop_asked() else child.wait()
        return self._stop(child) if code is None else code

    def _stopped(self, seconds: float | None) -> None:
        logger.warning("the client was stopped for %s s by a signal", "?" if seconds is None else round(seconds, 1))
        self._tell(Stopped(seconds))

    def _stop(self, child: Child) -> int:
        child.terminate()
        go_on(child.pid)  # a stopped process gets no signal
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
            altered = sum(damage.altered for damage in self._journal.damages())
            problems = revert_all(self._journal, self._operations)
            if altered > self._altered:  # they stay while something can't be restored, and are told once
                self._tell(JournalAltered(altered - self._altered))
            self._altered = altered
        except LockdownError as error:
            problems = [str(error)]
        for problem in problems:
            self._say(problem)

    # ---- the run's book: without it, stops and altered journals are noticed by nobody, and nothing else is lost

    def _open_book(self) -> None:
        try:
            self._book.begin()
        except OSError as error:
            logger.warning("no book of this run: %s", error)

    def _tell(self, note: Note) -> None:
        try:
            self._book.tell(note)
        except OSError as error:
            logger.warning("not written down: %s (%s)", note.sentence, error)

    def _restart_wanted(self) -> bool:
        try:
            return self._book.restart_wanted()
        except OSError:
            return True

    def _cut_off(self) -> bool:
        try:
            return self._killers_choose and self._book.cut_off()
        except OSError:
            return False

    def _close_book(self) -> None:
        try:
            self._book.end()
        except OSError as error:
            logger.warning("the book of this run is left: %s", error)

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
        before |= {number: signal.signal(number, signal.SIG_IGN) for number in _IGNORED}
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


def to_stderr(sentence: str) -> None:
    """To a terminal, where there is one: one that was closed, or none at all, is no reason to lose the exam."""
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{sentence}\n")
            sys.stderr.flush()
