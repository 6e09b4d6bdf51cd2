"""The exam's own time: it runs while the exam does, and goes on after a restart where it stopped."""

from __future__ import annotations

from app.core.types import NS_PER_S, Instant
from app.runtime.attempts import Attempt

_ELAPSED = "elapsed_ns"


class ExamTime:
    """Counts what the candidate had. ``advance`` at least once a second. Session thread."""

    def __init__(self, attempt: Attempt, duration_min: int | None) -> None:
        self._attempt = attempt
        self._duration_s = None if duration_min is None else duration_min * 60
        self._elapsed_ns = int(attempt.store.get_meta(_ELAPSED) or 0)
        self._last_ns: int | None = None

    @property
    def left_s(self) -> int | None:
        """Whole seconds, not below 0; None when the exam has no end of its own."""
        return None if self._duration_s is None else max(0, self._duration_s - self._elapsed_ns // NS_PER_S)

    def advance(self, now: Instant, *, runs: bool) -> bool:
        """Counts the time since the last call, if the exam ran; True when another whole second has passed."""
        last_ns, self._last_ns = self._last_ns, now.mono_ns if runs else None
        if last_ns is None or not runs:
            return False
        before_s = self._elapsed_ns // NS_PER_S
        self._elapsed_ns += now.mono_ns - last_ns
        return self._elapsed_ns // NS_PER_S != before_s

    def save(self) -> None:
        """Raises EvidenceError."""
        self._attempt.store.set_meta(_ELAPSED, str(self._elapsed_ns))
