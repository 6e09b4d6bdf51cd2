"""The mailbox: the newest item wins, nothing is lost uncounted."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from app.capture.queues import Mailbox


def test_the_newest_item_replaces_the_one_before() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.offer("old")
    mailbox.offer("new")
    assert mailbox.take(0) == "new"
    assert mailbox.take(0) is None


@given(st.lists(st.sampled_from(["offer", "take", "close"]), max_size=60))
def test_offered_is_processed_plus_dropped_plus_pending(steps: list[str]) -> None:
    mailbox: Mailbox[int] = Mailbox()
    taken = 0
    for number, step in enumerate(steps):
        if step == "offer":
            mailbox.offer(number)
        elif step == "take":
            taken += mailbox.take(0) is not None
        else:
            mailbox.close()
        counts = mailbox.counts
        assert counts.offered == counts.processed + counts.dropped + counts.pending
        assert counts.pending <= 1
        assert counts.processed == taken


def test_an_offer_wakes_the_one_who_waits() -> None:
    mailbox: Mailbox[str] = Mailbox()
    got: list[str | None] = []
    waiting = threading.Thread(target=lambda: got.append(mailbox.take(10)))
    waiting.start()
    mailbox.offer("item")
    waiting.join(10)
    assert got == ["item"]


def test_closing_wakes_the_one_who_waits() -> None:
    mailbox: Mailbox[str] = Mailbox()
    got: list[str | None] = []
    waiting = threading.Thread(target=lambda: got.append(mailbox.take(10)))
    waiting.start()
    mailbox.close()
    waiting.join(10)
    assert got == [None]
    assert mailbox.exhausted()


def test_what_waited_at_closing_can_still_be_taken_and_later_items_are_dropped() -> None:
    mailbox: Mailbox[str] = Mailbox()
    mailbox.offer("before")
    mailbox.close()
    mailbox.offer("after")
    assert not mailbox.exhausted()
    assert mailbox.take(0) == "before"
    assert mailbox.exhausted()
    assert mailbox.counts.dropped == 1
