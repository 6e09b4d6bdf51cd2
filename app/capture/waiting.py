"""How sources wait until something is due, and how another thread wakes them."""

from __future__ import annotations

import threading
from typing import Protocol, runtime_checkable

from app.core.ports import Clock
from app.core.types import NS_PER_S


@runtime_checkable
class Interruptible(Protocol):
    """A source whose waiting ``read`` another thread can end; that read raises SourceError."""

    def interrupt(self) -> None: ...


@runtime_checkable
class Lossy(Protocol):
    """A source that knows how many items it lost."""

    def take_dropped(self) -> int:
        """Frames or chunks lost since the last call."""


class Waiter(Protocol):
    """Waits for a moment of the clock."""

    def wait_until(self, mono_ns: int) -> bool:
        """True when the moment has come, False when ``interrupt`` was called before."""

    def interrupt(self) -> None: ...

    def reset(self) -> None:
        """Forgets an earlier interrupt."""


class ClockWaiter:
    """Waits in real time, corrected by the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._interrupted = threading.Event()

    def wait_until(self, mono_ns: int) -> bool:
        while (left_ns := mono_ns - self._clock.now().mono_ns) > 0:
            if self._interrupted.wait(left_ns / NS_PER_S):
                return False
        return not self._interrupted.is_set()

    def interrupt(self) -> None:
        self._interrupted.set()

    def reset(self) -> None:
        self._interrupted.clear()
