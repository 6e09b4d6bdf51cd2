"""Mailboxes: the newest items win."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MailboxCounts:
    """``offered = processed + dropped + pending`` holds at every moment."""

    offered: int
    processed: int
    dropped: int
    pending: int


class Mailbox(Generic[T]):
    """Holds the newest ``capacity`` items: one where only the present counts, more where order does.

    Any thread; ``offer`` never blocks.

    An item that is replaced before it was taken counts as dropped, and so does one that is
    offered after ``close()``.
    """

    def __init__(self, capacity: int = 1) -> None:
        self._changed = threading.Condition()
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._offered = 0
        self._processed = 0
        self._dropped = 0
        self._closed = False

    def offer(self, item: T) -> None:
        with self._changed:
            self._offered += 1
            if self._closed:
                self._dropped += 1
                return
            if len(self._items) == self._capacity:
                self._items.popleft()
                self._dropped += 1
            self._items.append(item)
            self._changed.notify()

    def take(self, timeout_s: float) -> T | None:
        """The oldest item held, waiting up to ``timeout_s`` for one; None when there is none or the mailbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed, timeout_s)
            if not self._items:
                return None
            self._processed += 1
            return self._items.popleft()

    def close(self) -> None:
        """Wakes whoever waits. A pending item can still be taken; later ones are dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def exhausted(self) -> bool:
        """Closed and empty: nothing will ever be taken again."""
        with self._changed:
            return self._closed and not self._items

    @property
    def counts(self) -> MailboxCounts:
        with self._changed:
            return MailboxCounts(self._offered, self._processed, self._dropped, len(self._items))
