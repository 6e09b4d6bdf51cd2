"""What an input hook swallowed, on its way from the hook to the watcher that reports it."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping

from app.core.key_combinations import KeyPress

_MOST_PRESSES = 256


class InputLog:
    """Written by the thread of a hook, read by a watcher's. Of more than 256 presses between two readings the oldest go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocked: deque[KeyPress] = deque(maxlen=_MOST_PRESSES)
        self._injected: Counter[str] = Counter()
        self._wake: Callable[[], None] | None = None

    def listen(self, wake: Callable[[], None] | None) -> None:
        """``wake`` is called on the writer's thread when there is something to read; it must not wait. None: no more."""
        self._wake = wake

    def blocked(self, press: KeyPress) -> None:
        """A combination was swallowed; once per press."""
        with self._lock:
            self._blocked.append(press)
        self._ring()

    def injected(self, source: str) -> None:
        """A key or click that a program made. ``source`` names what it was, in words."""
        with self._lock:
            self._injected[source] += 1
        self._ring()

    def take(self) -> tuple[tuple[KeyPress, ...], Mapping[str, int]]:
        """The presses since the last reading in their order, and the injected events by source."""
        with self._lock:
            presses, counts = tuple(self._blocked), dict(self._injected)
            self._blocked.clear()
            self._injected.clear()
        return presses, counts

    def _ring(self) -> None:
        wake = self._wake
        if wake is not None:
            wake()
