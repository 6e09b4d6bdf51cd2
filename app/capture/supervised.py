"""Keeps a source running: hands on what it gives, and reports what is missing.

A failing source is opened again with growing pauses, one that hangs is noticed by a watchdog, and a
thread that died is replaced (at most five times in a minute). Nothing here ever ends the client.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol

import structlog

from app.capture.health import Health
from app.capture.reader import Reader, Source, T, patience_ns_of
from app.core.pacing import backoff_s, may_restart
from app.core.ports import Clock, SourceInfo
from app.core.types import NS_PER_S, AudioChunk, Frame, Gap, GapCause, Instant, Stream

log = structlog.get_logger()

_JOIN_S = 0.9
_MOST_TICK_S = 0.25
_STALLED_CODE = 4005


class SourceListener(Protocol):
    """Is told of a stream's fate, one call at a time, from the capture threads. Must not block or call back.

    ``lost`` and ``back`` alternate, and between them lies exactly one gap, reported right after ``back``
    or, if the stream never came back, when it is stopped. Items that a source lost on the way are a gap too.
    """

    def opened(self, info: SourceInfo) -> None: ...

    def lost(self, stream: Stream, code: int, cause: GapCause, at: Instant, sentence: str) -> None: ...

    def back(self, stream: Stream, at: Instant) -> None: ...

    def gap(self, gap: Gap) -> None: ...


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """``items`` were captured, each given to every sink; ``sink_errors`` of those calls raised.

    ``dropped`` items were lost inside the source, ``losses`` counts how often the stream was lost,
    ``restarts`` how often a dead or hanging thread was replaced, ``abandoned`` threads that never returned.
    """

    items: int = 0
    sink_errors: int = 0
    dropped: int = 0
    losses: int = 0
    restarts: int = 0
    abandoned: int = 0


class Supervised(Generic[T]):
    """Runs one source from ``start()`` to ``stop()``, once.

    ``start`` returns at once, ``stop`` within about a second even when the device hangs (its thread is
    then abandoned and counted). ``retry`` maps the number of a failed attempt (from 1) to the pause
    before the next, in seconds. ``fresh`` makes another source for the same device, used when the
    first hangs for twice ``stall_s``; without it a hanging source is reported and interrupted. A source
    that tells its pictures per second is allowed three of their spacings if that is more than
    ``stall_s``; opening may take three times ``stall_s``. Sinks run on the reader's thread.
    """

    def __init__(
        self,
        source: Source[T],
        clock: Clock,
        sinks: Sequence[Callable[[T], None]],
        listener: SourceListener,
        stall_s: float = 5.0,
        retry: Callable[[int], float] = backoff_s,
        fresh: Callable[[], Source[T]] | None = None,
    ) -> None:
        self._source = source
        self._stream = source.stream
        self._clock = clock
        self._sinks = tuple(sinks)
        self._listener = listener
        self._stall_ns = round(stall_s * NS_PER_S)
        self._tick_s = min(_MOST_TICK_S, stall_s / 4)
        self._retry = retry
        self._fresh = fresh
        self._stopping = threading.Event()
        self._lock = threading.RLock()
        self._health: Health | None = None
        self._counts = SourceCounts()
        self._failed_sinks: set[int] = set()
        self._reader: Reader[T] | None = None
        self._watchdog: threading.Thread | None = None
        self._restarts_ns: list[int] = []
        self._exhausted = False

    def start(self) -> None:
        """Starts reading; a source that can't be opened is reported as lost and tried again."""
        with self._lock:
            self._health = Health(self._stream, self._clock.now(), self._stall_ns)
            self._reader = self._new_reader(self._source)
            self._watchdog = threading.Thread(target=self._watch, name=f"watchdog-{self._stream}", daemon=True)
        self._watchdog.start()

    def stop(self) -> None:
        """Ends both threads and closes the source. A gap that is open is reported up to now. Safe to call twice."""
        self._stopping.set()
        if self._watchdog is None:
            return
        self._watchdog.join(_JOIN_S)
        reader = self._reader
        if reader is not None:
            reader.give_up()
            if not reader.join(_JOIN_S):
                self._abandon()
        with self._lock:
            gap = self._health.stopped(self._clock.now()) if self._health is not None else None
            if gap is not None:
                self._listener.gap(gap)
            self._health = self._reader = self._watchdog = None

    def counters(self) -> SourceCounts:
        with self._lock:
            return self._counts

    # ---- called on the reader's thread

    def _opened(self, reader: Reader[T], info: SourceInfo) -> None:
        with self._lock:
            if reader is self._reader:
                if self._health is not None:
                    self._health = replace(self._health, patience_ns=patience_ns_of(info, self._stall_ns))
                self._listener.opened(info)

    def _captured(self, reader: Reader[T], item: T, dropped: int) -> None:
        with self._lock:
            if reader is not self._reader or self._health is None:
                return
            counts = self._counts
            self._counts = replace(counts, items=counts.items + 1, dropped=counts.dropped + dropped)
            self._health, gap, back = self._health.captured(item.at, _end(item), dropped)
            if back:
                self._listener.back(self._stream, item.at)
            if gap is not None:
                self._listener.gap(gap)
        for number, sink in enumerate(self._sinks):
            try:
                sink(item)
            except Exception:  # whatever a sink raises, the other sinks and the recording go on
                if self._first_failure(number):
                    log.exception("a consumer of a stream failed", stream=str(self._stream), sink=number)

    def _first_failure(self, number: int) -> bool:
        with self._lock:
            self._counts = replace(self._counts, sink_errors=self._counts.sink_errors + 1)
            known = number in self._failed_sinks
            self._failed_sinks.add(number)
        return not known

    def _failed(self, reader: Reader[T], code: int, sentence: str) -> None:
        with self._lock:
            if reader is self._reader and not self._stopping.is_set():
                self._lost(code, GapCause.DEVICE_LOST if self._counts.items else GapCause.DEVICE_MISSING, sentence)

    def _lost(self, code: int, cause: GapCause, sentence: str) -> None:
        with self._lock:
            if self._health is None:
                return
            self._health, news = self._health.failed(cause)
            if news:
                self._counts = replace(self._counts, losses=self._counts.losses + 1)
                self._listener.lost(self._stream, code, cause, self._clock.now(), sentence)

    # ---- the watchdog's thread

    def _watch(self) -> None:
        looked_ns = self._clock.now().mono_ns
        while not self._stopping.wait(self._tick_s):
            reader, now_ns = self._reader, self._clock.now().mono_ns
            asleep_ns, looked_ns = now_ns - looked_ns, now_ns
            if reader is None:
                continue
            if asleep_ns > max(self._stall_ns // 2, NS_PER_S):
                reader.excuse(asleep_ns)  # this very process was stopped: no device is to blame
            overdue_ns = reader.overdue_ns(now_ns)
            if not reader.alive:
                self._restart(self._source if self._fresh is None else self._fresh())
            elif overdue_ns is not None:
                self._lost(
                    _STALLED_CODE,
                    GapCause.STALLED,
                    f"The {self._stream} does not answer; close other programs that use it, or plug it in again.",
                )
                reader.interrupt()
                if overdue_ns > self._stall_ns and self._fresh is not None:
                    self._replace(reader, self._fresh)

    def _replace(self, reader: Reader[T], fresh: Callable[[], Source[T]]) -> None:
        """Gives a hanging thread up for good; if it ever returns, it closes its source and what it read is ignored."""
        if self._restart(fresh()):
            reader.give_up()
            self._abandon()

    def _restart(self, source: Source[T]) -> bool:
        now_ns = self._clock.now().mono_ns
        if not may_restart(self._restarts_ns, now_ns):
            if not self._exhausted:
                log.error("a stream failed too often, it rests for a minute", stream=str(self._stream))
            self._exhausted = True
            return False
        self._exhausted = False
        self._restarts_ns = [*self._restarts_ns[-9:], now_ns]
        with self._lock:
            self._counts = replace(self._counts, restarts=self._counts.restarts + 1)
            self._reader = self._new_reader(source)
        return True

    def _new_reader(self, source: Source[T]) -> Reader[T]:
        reader = Reader(
            source, self._clock, self._stall_ns, self._retry, self._opened, self._captured, self._failed
        )  # fmt: skip
        reader.start()
        return reader

    def _abandon(self) -> None:
        with self._lock:
            self._counts = replace(self._counts, abandoned=self._counts.abandoned + 1)
        log.error("a capture thread hangs and was left behind", stream=str(self._stream))


def _end(item: Frame | AudioChunk) -> Instant:
    """The moment up to which an item shows its stream."""
    if isinstance(item, AudioChunk):
        return item.at.at(item.at.mono_ns + len(item.samples) * NS_PER_S // item.rate_hz)
    return item.at
