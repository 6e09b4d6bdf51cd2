"""When the next picture or sound is due, what to leave out when late, and how long to wait before a retry.

Pure decisions in nanoseconds of one monotonic clock. A schedule never drifts: its ticks are
``start + index * period`` whatever happened before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.types import NS_PER_S

MAX_LAG_NS = 2 * NS_PER_S
MAX_WAIT_NS = NS_PER_S // 2
SOUND_TOLERANCE_NS = NS_PER_S // 5
SOUND_PATIENCE_NS = NS_PER_S


def period_ns(rate_per_s: float) -> int:
    """The time between two ticks; ValueError unless the rate is above zero."""
    if rate_per_s <= 0:
        raise ValueError(f"a rate has to be above zero, not {rate_per_s}")
    return max(1, round(NS_PER_S / rate_per_s))


@dataclass(frozen=True, slots=True)
class Tick:
    """``skipped`` counts the ticks between the one before and this that were left out for being too late."""

    index: int
    due_ns: int
    skipped: int


def next_tick(start_ns: int, period: int, after_index: int, now_ns: int) -> Tick:
    """The tick to serve after ``after_index`` (-1 before the first).

    On time: the very next one, due in the future. Late: the newest that is already due,
    so that work which takes longer than a period loses ticks but never falls behind.
    """
    newest_due = (now_ns - start_ns) // period
    index = max(after_index + 1, newest_due)
    return Tick(index, start_ns + index * period, index - after_index - 1)


def drift_ns(start_ns: int, period: int, index: int, now_ns: int) -> int:
    """How late a tick is served; negative when early."""
    return now_ns - (start_ns + index * period)


class Play(StrEnum):
    """What to do with the next picture of a file."""

    SHOW = "show"
    THIN = "thin"
    LATE = "late"
    RESYNC = "resync"


def play(media_ns: int, wanted_ns: int, lag_ns: int, waited_ns: int, period: int) -> Play:
    """Decides over a picture at ``media_ns`` since the file was opened (loops included).

    ``wanted_ns`` is the media time from which the next picture is wanted, ``lag_ns`` how far the
    clock is past the picture's due time (negative: still to come), ``waited_ns`` the time since a
    picture was last shown, ``period`` the wanted spacing.
    THIN: the file has more pictures than wanted. LATE: leave it out, a newer one is due as well;
    but a machine that can't catch up still shows one every half second.
    RESYNC: so late (the machine slept) that the file goes on from here instead of catching up.
    """
    if media_ns < wanted_ns:
        return Play.THIN
    if lag_ns > MAX_LAG_NS:
        return Play.RESYNC
    if lag_ns >= period and waited_ns < MAX_WAIT_NS:
        return Play.LATE
    return Play.SHOW


def following_ns(media_ns: int, wanted_ns: int, period: int) -> int:
    """From which media time the picture after a shown one is wanted; keeps the phase of the schedule."""
    return wanted_ns + period * max(1, (media_ns - wanted_ns) // period + 1)


@dataclass(frozen=True, slots=True)
class SoundTime:
    """When sound was heard, told from when it reached us: ``expected_ns`` ends what came before, None at first.

    Chunks lie next to each other and follow the measurement slowly, so that the callbacks' jitter does not
    show. Sound that comes late was kept for us by the system and is put where it belongs; only when it stays
    late for ``SOUND_PATIENCE_NS``, or the system says that some was lost, there is a hole. A chunk never begins
    noticeably before the end of the one before.
    """

    expected_ns: int | None = None
    late_since_ns: int | None = None

    def next(self, measured_ns: int, length_ns: int, *, broken: bool) -> tuple[int, SoundTime]:
        """Where the chunk begins, and the time after it. ``broken``: sound was lost before it."""
        if self.expected_ns is None:
            return measured_ns, SoundTime(measured_ns + length_ns)
        error_ns = measured_ns - self.expected_ns
        late = error_ns > SOUND_TOLERANCE_NS
        since_ns = (self.late_since_ns if self.late_since_ns is not None else measured_ns) if late else None
        if late and since_ns is not None and (broken or measured_ns - since_ns >= SOUND_PATIENCE_NS):
            return measured_ns, SoundTime(measured_ns + length_ns)
        follow_ns = 0 if late else max(error_ns, -SOUND_TOLERANCE_NS) // 20
        start_ns = self.expected_ns + follow_ns
        return start_ns, SoundTime(start_ns + length_ns, since_ns)

    def skipped(self, lost_ns: int) -> SoundTime:
        """The time after sound of this length that we had and lost."""
        return self if self.expected_ns is None else SoundTime(self.expected_ns + lost_ns)


def backoff_s(attempt: int, first_s: float = 0.5, most_s: float = 10.0) -> float:
    """The wait before retry number ``attempt`` (from 1): doubles from ``first_s`` up to ``most_s``."""
    return min(most_s, first_s * 2.0 ** min(max(attempt, 1) - 1, 32))


def may_restart(restarts_ns: Sequence[int], now_ns: int, limit: int = 5, window_ns: int = 60 * NS_PER_S) -> bool:
    """Whether a worker may be started anew: fewer than ``limit`` times within the last ``window_ns``."""
    return sum(1 for at_ns in restarts_ns if now_ns - at_ns < window_ns) < limit


def fit_within(width_px: int, height_px: int, max_width_px: int, max_height_px: int) -> tuple[int, int]:
    """The largest size of the same shape that fits, never enlarged, both sides even (encoders need it), at least 2."""
    scale = min(1.0, max_width_px / width_px, max_height_px / height_px)
    return _even(width_px * scale), _even(height_px * scale)


def _even(length_px: float) -> int:
    return max(2, int(length_px + 0.5) // 2 * 2)
