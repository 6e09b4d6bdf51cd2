"""What it means that the machine's clock was set. Reports, never judges."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

from app.core.types import NS_PER_S, Json
from app.lockdown.linux import kernel_clock
from app.runtime.clock import awake_ns, passed_ns

SMALL_NS = 60 * NS_PER_S
"""Less than this changes nothing that matters in an exam; clocks are put right by so much after sleep."""
SETTLE_NS = 10 * NS_PER_S
"""How long a time service may take, after it set the clock, to say that it was it."""
WAKING_NS = 600 * NS_PER_S
"""How long after sleep a machine finds the network, and with it the time."""


@dataclass(frozen=True, slots=True)
class Moved:
    """``explained`` says by what, where it is known that no person need have done it."""

    seconds: int
    explained: str = ""

    def body(self) -> dict[str, Json]:
        """Of the event in the evidence."""
        event: dict[str, Json] = {"event": "clock_changed", "seconds": self.seconds}
        return event | {"explained": self.explained} if self.explained else event


def _kept_right() -> bool:
    return sys.platform == "linux" and kernel_clock.is_kept_right()


def _asleep_ns() -> int:
    return passed_ns() - awake_ns()


class ClockMoves:
    """``look`` several times a second, from one thread."""

    def __init__(self, kept_right: Callable[[], bool] = _kept_right, asleep_ns: Callable[[], int] = _asleep_ns) -> None:
        self._kept_right = kept_right
        self._asleep_ns = asleep_ns
        self._slept_ns: int | None = None
        self._woke_ns: int | None = None
        self._moved_ns = 0
        self._due_ns: int | None = None

    def look(self, moved_ns: int, now_ns: int) -> Moved | None:
        """``moved_ns`` is what the clock moved by since the look before. A move is told once, a little later."""
        slept_ns = self._asleep_ns()
        if self._slept_ns is not None and slept_ns - self._slept_ns > NS_PER_S:
            self._woke_ns = now_ns
        self._slept_ns = slept_ns
        if moved_ns:
            self._moved_ns += moved_ns
            self._due_ns = now_ns + SETTLE_NS if self._due_ns is None else self._due_ns
        if self._due_ns is None or now_ns < self._due_ns:
            return None
        moved_ns, self._moved_ns, self._due_ns = self._moved_ns, 0, None
        return Moved(round(moved_ns / NS_PER_S), self._explained(moved_ns, now_ns))

    def _explained(self, moved_ns: int, now_ns: int) -> str:
        if abs(moved_ns) < SMALL_NS:
            return "by little"
        if self._woke_ns is not None and now_ns - self._woke_ns < WAKING_NS:
            return "after sleep"
        return "by the system's time service" if self._kept_right() else ""
