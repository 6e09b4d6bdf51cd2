"""A token bucket per caller."""

from __future__ import annotations

import threading
from collections import OrderedDict

from app.core.ports import Clock
from app.core.types import NS_PER_S

_CALLERS_MAX = 10_000


class RateLimiter:
    """``burst`` requests at once, ``per_s`` a second in the long run; 0 a second means no limit. Any thread.

    At most 10,000 callers are remembered; the one unseen for longest is forgotten first.
    """

    def __init__(self, per_s: float, burst: int, clock: Clock) -> None:
        self._per_s = per_s
        self._burst = float(burst)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def give_back(self, caller: str) -> None:
        """Undoes one take(), for requests that turn out not to count."""
        with self._lock:
            if caller in self._buckets:
                level, seen_ns = self._buckets[caller]
                self._buckets[caller] = (min(self._burst, level + 1), seen_ns)

    def take(self, caller: str) -> float | None:
        """None when the request may go on, otherwise the seconds until one may."""
        if self._per_s <= 0:
            return None
        now_ns = self._clock.now().mono_ns
        with self._lock:
            level, seen_ns = self._buckets.pop(caller, (self._burst, now_ns))
            level = min(self._burst, level + (now_ns - seen_ns) / NS_PER_S * self._per_s)
            allowed = level >= 1
            self._buckets[caller] = (level - 1 if allowed else level, now_ns)
            if len(self._buckets) > _CALLERS_MAX:
                self._buckets.popitem(last=False)
        return None if allowed else (1 - level) / self._per_s
