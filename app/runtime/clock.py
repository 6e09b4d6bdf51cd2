"""The machine's clock as ``core`` sees it."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from app.core.types import NS_PER_S, Instant
from app.lockdown.win32 import kernel32_self

STEP_NS = 2 * NS_PER_S
"""Less than this is a clock that is being kept right, not one that was set."""


class SystemClock:
    """Monotonic nanoseconds, UTC nanoseconds and the boot they belong to. Any thread."""

    def __init__(self) -> None:
        self._boot_id = _boot_id()

    def now(self) -> Instant:
        return Instant(time.monotonic_ns(), time.time_ns(), self._boot_id)


_COUNTS_SLEEP = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}
"""Python's monotonic clock does so on Windows only."""


def passed_ns() -> int:
    """Nanoseconds from some fixed moment on, time asleep included."""
    name = _COUNTS_SLEEP.get(sys.platform)
    return time.monotonic_ns() if name is None else time.clock_gettime_ns(getattr(time, name))


def awake_ns() -> int:
    """Nanoseconds from some fixed moment on, time asleep left out: Python's monotonic clock on Linux and macOS."""
    return kernel32_self.awake_ns() if sys.platform == "win32" else time.monotonic_ns()


class SteadyClock:
    """As SystemClock, but time asleep counts, and UTC is asked for once and goes on evenly. Any thread.

    So whoever sets the machine's clock during an exam moves no segment, violation or gap against the others, and
    whoever closes the lid stops neither the exam's time nor the gap in its recording.
    """

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns, passed: Callable[[], int] = passed_ns) -> None:
        self._boot_id = _boot_id()
        self._wall_ns = wall_ns
        self._passed = passed
        self._lock = threading.Lock()
        self._ahead_ns = self._wall_ahead_ns()
        self._seen_ahead_ns = self._ahead_ns

    def now(self) -> Instant:
        with self._lock:
            passed_now_ns = self._passed()
            return Instant(passed_now_ns, passed_now_ns + self._ahead_ns, self._boot_id)

    def not_before(self, utc_ns: int) -> None:
        """Goes on from ``utc_ns`` at least: where an earlier session ended, if the clock was set back since."""
        with self._lock:
            self._ahead_ns = max(self._ahead_ns, utc_ns - self._passed())

    def follow(self) -> None:
        """Takes the machine's UTC again, while nothing is recorded yet: somebody may have put it right."""
        ahead_ns = self._wall_ahead_ns()
        with self._lock:
            self._ahead_ns = self._seen_ahead_ns = ahead_ns

    def moved_ns(self) -> int:
        """By how much somebody set the machine's clock since the last call; 0 when nobody did."""
        ahead_ns = self._wall_ahead_ns()
        with self._lock:
            moved_ns = ahead_ns - self._seen_ahead_ns
            self._seen_ahead_ns = ahead_ns
        return moved_ns if abs(moved_ns) >= STEP_NS else 0

    def _wall_ahead_ns(self) -> int:
        """Read again when the machine stopped between the two looks, or slept."""
        while True:
            before_ns, wall_ns, after_ns = self._passed(), self._wall_ns(), self._passed()
            if after_ns - before_ns < STEP_NS // 2:
                return wall_ns - before_ns


def _boot_id() -> str:
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.is_file():
        return linux.read_text(encoding="ascii").strip()
    return f"boot-{int(psutil.boot_time())}"
