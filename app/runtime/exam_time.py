"""The exam's own time: it runs while the exam does, and goes on after a restart where it stopped."""

from __future__ import annotations

from app.core.policy import Policy
from app.core.policy_change import extra_time_s
from app.core.types import NS_PER_S, Instant
from app.runtime.attempts import Attempt

_ELAPSED = "elapsed_ns"


def total_s(policy: Policy) -> int | None:
    """The exam's duration and the candidate's extra time, in seconds; None when the page alone keeps the time."""
    minutes = policy.exam.duration_min
    return None if minutes is None else minutes * 60 + extra_time_s(minutes, policy.accessibility)


class ExamTime:
    """Counts what the candidate had. ``advance`` at least once a second. Session thread."""

    def __init__(self, attempt: Attempt, policy: Policy) -> None:
        self._attempt = attempt
        self._duration_s = total_s(policy)
        self._elapsed_ns = int(attempt.store.get_meta(_ELAPSED) or 0)
        self._last_ns: int | None = None

    def use(self, policy: Policy) -> None:
        """The exam has another length from now on; what is used up stays used."""
        self._duration_s = total_s(policy)

    @property
    def total_min(self) -> int | None:
        return None if self._duration_s is None else round(self._duration_s / 60)

    @property
    def over(self) -> str:
        """Why an exam that has a length ends, in words for the report."""
        return "1 minute is over" if self.total_min == 1 else f"{self.total_min} minutes are over"

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
