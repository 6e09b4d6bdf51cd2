"""Something done at an interval on a thread of its own, such as what the system or other programs undo."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Repeating:
    """Calls ``action`` every ``interval_s`` from ``start`` to ``stop``; a failure is logged once and it is tried again."""

    def __init__(self, name: str, action: Callable[[], None], interval_s: float) -> None:
        self._name = name
        self._action = action
        self._interval_s = interval_s
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._failed = False

    def start(self) -> None:
        """Does nothing while it runs."""
        if self._thread is None:
            self._done.clear()
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended. Safe to call twice, and without a start."""
        if self._thread is not None:
            self._done.set()
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        while not self._done.wait(self._interval_s):
            try:
                self._action()
            except OSError:
                if not self._failed:
                    logger.exception("%s failed", self._name)
                self._failed = True
