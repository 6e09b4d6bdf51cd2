"""What is told of a stream's failures: lost once, back once, and the span between as a gap. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core.types import Gap, GapCause, Instant, Stream


@dataclass(frozen=True, slots=True)
class Health:
    """``good_until`` is the end of what was captured last (before that, when the source was started).

    An item that comes more than ``patience_ns`` after the one before shows a hole. ``cause`` is None
    while the stream gives items, otherwise why it does not.
    """

    stream: Stream
    good_until: Instant
    patience_ns: int
    cause: GapCause | None = None

    def failed(self, cause: GapCause) -> tuple[Health, bool]:
        """The state after a failure, and whether it is news. The first cause of a gap stays its cause."""
        if self.cause is not None:
            return self, False
        return replace(self, cause=cause), True

    def captured(self, at: Instant, until: Instant, dropped: int) -> tuple[Health, Gap | None, bool]:
        """The state after an item from ``at`` to ``until``; the gap that it ends, and whether the stream is back.

        ``dropped`` items that were lost on the way make a gap of their own, and so does a hole that nobody noticed
        while it lasted: a process that is stopped can't.
        """
        after = Health(self.stream, _later(until, self.good_until), self.patience_ns)
        if self.cause is not None:
            return after, self._gap(at, self.cause, dropped), True
        if at.mono_ns - self.good_until.mono_ns > self.patience_ns:
            return after, self._gap(at, GapCause.STALLED, dropped), False
        if dropped:
            return after, self._gap(at, GapCause.DROPPED, dropped), False
        return after, None, False

    def stopped(self, at: Instant) -> Gap | None:
        """The gap that is open when capturing ends."""
        return None if self.cause is None else self._gap(at, self.cause, 0)

    def _gap(self, end: Instant, cause: GapCause, count: int) -> Gap:
        return Gap(self.stream, self.good_until, _later(end, self.good_until), cause, count)


def _later(one: Instant, other: Instant) -> Instant:
    return one if one.mono_ns >= other.mono_ns else other
