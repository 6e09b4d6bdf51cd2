"""A bounded queue between a source and an encoder. Nothing waits on the source's side; what does not fit is counted."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from app.core.types import Instant


class Timed(Protocol):
    @property
    def at(self) -> Instant: ...


T = TypeVar("T", bound=Timed)


@dataclass(frozen=True, slots=True)
class FeedCounts:
    """At any time offered = processed + dropped + pending."""

    offered: int
    processed: int
    dropped: int
    pending: int


@dataclass(frozen=True, slots=True)
class Drops:
    """Items that were dropped one soon after the other."""

    first: Instant
    last: Instant
    count: int


class Feed(Generic[T]):
    """Any thread may offer; one thread takes."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._offered = self._processed = self._dropped = 0
        self._drops: Drops | None = None

    def offer(self, item: T) -> bool:
        """Never blocks; False when the item was dropped, because the queue is full or closed."""
        with self._changed:
            self._offered += 1
            if self._closed or len(self._items) >= self._capacity:
                self._dropped += 1
                before = self._drops
                self._drops = Drops(before.first if before else item.at, item.at, (before.count if before else 0) + 1)
                return False
            self._items.append(item)
            self._changed.notify()
            return True

    def take(self, timeout_s: float) -> T | None:
        """The oldest item; None after ``timeout_s`` without one, or when the feed is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            if not self._items:
                return None
            self._processed += 1
            return self._items.popleft()

    def close(self) -> None:
        """What was accepted can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def exhausted(self) -> bool:
        with self._changed:
            return self._closed and not self._items

    def take_drops(self, before_mono_ns: int | None = None) -> Drops | None:
        """The drops since the last call, once the latest of them is older than the given time."""
        with self._changed:
            drops = self._drops
            if drops is None or (before_mono_ns is not None and drops.last.mono_ns > before_mono_ns):
                return None
            self._drops = None
            return drops

    def counts(self) -> FeedCounts:
        with self._changed:
            return FeedCounts(self._offered, self._processed, self._dropped, len(self._items))
