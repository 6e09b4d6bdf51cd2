"""For the client: whether the guardian that started it is still there, and what it wrote down. Reports, never acts."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

from app.core.types import Observation, TamperingSeen
from app.runtime.guardian import GUARDIAN_PID
from app.runtime.run_book import RunBook, Stopped

logger = logging.getLogger(__name__)

_STOPPED_LOOKS = 2


class GuardianWatch:
    """Any thread."""

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

    @property
    def pid(self) -> int | None:
        return self._pid

    def gone(self) -> bool:
        """True when a guardian was named and does not run (any more), even if its id is in use again."""
        return self._pid is not None and self._status() in (None, psutil.STATUS_ZOMBIE)

    def stopped(self) -> bool:
        """True while the guardian is there but stopped by a signal, so that it could not help."""
        return self._status() == psutil.STATUS_STOPPED

    def _status(self) -> str | None:
        try:
            if self._guardian is None or not self._guardian.is_running():
                return None
            return self._guardian.status()
        except psutil.Error:
            return None


def tell_end(journal: Path, environ: Mapping[str, str] = os.environ) -> None:
    """For the client, when it ends of its own accord. Without a guardian, or a book that takes it, nobody is told."""
    _write(journal, environ, RunBook.end_client)


def tell_stop(journal: Path, seconds: float | None, environ: Mapping[str, str] = os.environ) -> None:
    """For who waits for the client in the guardian's place: it was stopped for so long. Told as by ``tell_end``."""
    _write(journal, environ, lambda book: book.tell(Stopped(seconds)))


def _write(journal: Path, environ: Mapping[str, str], line: Callable[[RunBook], None]) -> None:
    watch = GuardianWatch(environ)
    watch.start()
    if watch.pid is not None:
        try:
            line(RunBook(journal, watch.pid))
        except OSError as error:
            logger.warning("the guardian's book can't be written: %s", error)


class GuardianWatcher:
    """A watcher (``core.ports``): the guardian's end and stops, and what it noted, each told once.

    Only while ``judged`` says so: what is told when nothing is judged would be lost.
    """

    name = "guardian"

    def __init__(self, watch: GuardianWatch, journal: Path, judged: Callable[[], bool]) -> None:
        self._watch = watch
        self._book = None if watch.pid is None else RunBook(journal, watch.pid)
        self._judged = judged
        self._gone = False
        self._stopped_looks = 0
        self._unreadable = False

    def listen(self, wake: Callable[[], None]) -> int | None:
        return None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        if not self._judged():
            return ()
        told = self._noted()
        if self._watch.gone():
            if not self._gone:
                told.append("the process that guards the exam was ended")
            self._gone = True
        else:
            # twice: a system that wakes lets its programs go on one after the other
            self._stopped_looks = self._stopped_looks + 1 if self._watch.stopped() else 0
            if self._stopped_looks == _STOPPED_LOOKS:
                told.append("the process that guards the exam was stopped")
        return [TamperingSeen(now_ns, sentence) for sentence in told]

    def _noted(self) -> list[str]:
        """A book that can't be read silences nothing else."""
        try:
            return [note.sentence for note in self._book.take()] if self._book is not None else []
        except OSError as error:
            if not self._unreadable:
                logger.warning("the guardian's book can't be read: %s", error)
            self._unreadable = True
            return []

    def close(self) -> None:
        return None
