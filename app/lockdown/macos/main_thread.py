"""Work for the main thread, where AppKit's windows live. Its run loop is the toolkit's, which serves AppKit's queue too."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from Foundation import NSOperationQueue, NSThread

from app.core.errors import LockdownError

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_ANSWER_WAIT_S = 5.0


def in_main_thread(what: Callable[[], Answer]) -> Answer:
    """Any thread; waits for the answer, 5 s at most. Raises LockdownError where there is none.

    What nobody waits for any more is not done.
    """
    if NSThread.isMainThread():
        return what()
    call = _Call(what)
    NSOperationQueue.mainQueue().addOperationWithBlock_(call.run)
    return call.result(_ANSWER_WAIT_S)


def soon_in_main_thread(what: Callable[[], None]) -> None:
    """Any thread; does not wait. A failure is logged."""

    def run() -> None:
        try:
            what()
        except Exception:
            # It came from AppKit's queue: there is nobody above who could be told.
            logger.exception("work for the main thread failed")

    NSOperationQueue.mainQueue().addOperationWithBlock_(run)


class _Call(Generic[Answer]):
    def __init__(self, what: Callable[[], Answer]) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._given_up = False
        self._done = threading.Event()
        self._answers: list[Answer] = []

    def run(self) -> None:
        with self._lock:
            if self._given_up:
                return
            try:
                self._answers.append(self._what())
            except Exception:
                # AppKit's own errors mean nothing where somebody waits for the answer; the log has them.
                logger.exception("work for the main thread failed")
            finally:
                self._done.set()

    def result(self, timeout_s: float) -> Answer:
        if not self._done.wait(timeout_s):
            with self._lock:
                self._given_up = not self._done.is_set()
            if self._given_up:
                raise LockdownError("The exam window did not answer for 5 seconds, so it can't be locked; try again.")
        if not self._answers:
            raise LockdownError("macOS refused to change the exam window; the client's log says why.")
        return self._answers[0]
