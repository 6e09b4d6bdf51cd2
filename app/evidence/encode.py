"""Encoders: frames and sound in, finished segments in the store out, every loss reported as a gap."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import av

from app.core.errors import InvigilError
from app.core.ports import EvidenceStore
from app.core.types import NS_PER_S, AudioChunk, Frame, Gap, GapCause, Instant, Stream
from app.evidence.feed import Feed, FeedCounts, Timed
from app.evidence.media import probe
from app.evidence.segment_files import AudioFile, VideoFile

T = TypeVar("T", bound=Timed)
Item = TypeVar("Item", bound=Timed, contravariant=True)

_log = logging.getLogger(__name__)
_QUIET_NS = 2 * NS_PER_S
_REPORT_EVERY_NS = 60 * NS_PER_S
_STOP_TIMEOUT_S = 30.0
_AUDIO_BACKLOG = 300
"""Chunks, thirty seconds: after a stop of the machine a microphone hands over all that it kept, fifteen seconds, at once."""


class SegmentFile(Protocol[Item]):
    """One file in the making (see segment_files)."""

    mime: str
    part: Path
    start: Instant
    frames: int

    def fits(self, item: Item, /) -> bool: ...

    def write(self, item: Item, /) -> None: ...

    def close(self, next_at: Instant | None) -> Instant: ...

    def abandon(self) -> None: ...


class _Encoder(ABC, Generic[T]):
    """A named thread that writes what is offered to it into segments of about ``segment_s``.

    ``offer`` never blocks. What does not fit in the queue becomes one merged gap (DROPPED); what can't be written
    to disk becomes a gap (DISK), and the next segment is tried anew. ``on_gap`` is called on the encoder's thread;
    whoever passes it journals the gap (``store.add_gap``).
    """

    def __init__(
        self,
        store: EvidenceStore,
        stream: Stream,
        segment_s: float,
        on_gap: Callable[[Gap], None],
        *,
        capacity: int,
        item_ns: int,
    ) -> None:
        self._store = store
        self._stream = stream
        self._segment_ns = int(segment_s * NS_PER_S)
        self._on_gap = on_gap
        self._item_ns = item_ns
        self._feed: Feed[T] = Feed(capacity)
        self._thread = threading.Thread(target=self._run, name=f"encode-{stream.value}", daemon=True)
        self._file: SegmentFile[T] | None = None
        self._last: Instant | None = None
        self._lost: tuple[Instant, int] | None = None
        self._lost_cause = GapCause.DISK
        self._lost_reported = False
        self._retry_at_ns = 0

    def start(self) -> None:
        self._thread.start()

    def offer(self, item: T) -> None:
        """Any thread; never blocks. Before ``start`` it queues, after ``stop`` it is dropped."""
        self._feed.offer(item)

    def stop(self) -> None:
        """Encodes what was accepted, finishes the last segment, joins the thread. Safe to call twice."""
        self._feed.close()
        if self._thread.ident is not None:
            self._thread.join(_STOP_TIMEOUT_S)

    def counts(self) -> FeedCounts:
        return self._feed.counts()

    @abstractmethod
    def _open_file(self, part: Path, first: T) -> SegmentFile[T]:
        """The file that ``first`` begins."""

    # ---- the encoder's thread

    def _run(self) -> None:
        while True:
            item = self._feed.take(self._segment_ns / NS_PER_S)
            if item is not None:
                self._encode(item)
                self._report_drops(item.at.mono_ns - _QUIET_NS)
            elif self._feed.exhausted:
                break
            else:  # the source fell silent: what there is must not wait for it
                self._finish(None)
                self._report_drops(None)
        self._finish(None)
        self._report_drops(None)
        if self._last is not None:
            self._report_lost(self._last.at(self._last.mono_ns + self._item_ns))

    def _encode(self, item: T) -> None:
        self._last = item.at
        if self._file is not None and not (self._in_time(self._file, item) and self._file.fits(item)):
            self._finish(item.at)
        if self._file is None and not self._begin(item):
            return
        if self._file is None:
            return
        try:
            self._file.write(item)
        except (av.FFmpegError, OSError) as error:
            self._break_off(self._file, item.at, error)

    def _in_time(self, file: SegmentFile[T], item: T) -> bool:
        return 0 <= item.at.mono_ns - file.start.mono_ns < self._segment_ns

    def _begin(self, item: T) -> bool:
        if item.at.mono_ns < self._retry_at_ns:
            self._lose(item.at)
            return False
        part: Path | None = None
        try:
            part = self._store.part_path(self._stream)
            self._file = self._open_file(part, item)
        except (av.FFmpegError, OSError, InvigilError) as error:
            _log.warning("no new %s segment: %s", self._stream.value, error)
            if part is not None:
                _unlink(part)
            self._lose(item.at)
            self._retry_at_ns = item.at.mono_ns + self._segment_ns
            self._report_long_loss(item.at)
            return False
        self._report_lost(item.at)
        return True

    def _finish(self, next_at: Instant | None) -> None:
        """Closes the open file, if any, and hands it to the store."""
        file, self._file = self._file, None
        if file is None:
            return
        try:
            end = file.close(next_at)
        except (av.FFmpegError, OSError) as error:
            self._break_off(file, next_at or file.start, error)
            return
        self._hand_over(file, file.start, end, file.frames)

    def _break_off(self, file: SegmentFile[T], at: Instant, error: Exception) -> None:
        """A write failed: what reached the disk is kept, the rest is lost until the next segment."""
        _log.warning("%s segment broke off: %s", self._stream.value, error)
        self._file = None
        file.abandon()
        self._retry_at_ns = max(at.mono_ns + 1, file.start.mono_ns + self._segment_ns)
        facts = probe(file.part)
        end = file.start
        if facts is None:
            _unlink(file.part)
        else:
            end = file.start.at(file.start.mono_ns + facts.duration_ns)
            self._hand_over(file, file.start, end, facts.frames)
        self._lose(end, max(1, file.frames + 1 - (facts.frames if facts else 0)))
        self._lost_cause = GapCause.DISK if isinstance(error, OSError) else GapCause.DAMAGED

    def _hand_over(self, file: SegmentFile[T], start: Instant, end: Instant, frames: int) -> None:
        try:
            self._store.finish_segment(file.part, self._stream, start, end, file.mime, frames)
        except (OSError, InvigilError) as error:  # the part stays on disk: it is recovered later
            _log.warning("%s segment is not stored yet: %s", self._stream.value, error)

    # ---- losses

    def _lose(self, at: Instant, count: int = 1) -> None:
        if self._lost is None:
            self._lost, self._lost_cause = (at, count), GapCause.DISK
        else:
            self._lost = (self._lost[0], self._lost[1] + count)

    def _report_long_loss(self, at: Instant) -> None:
        """While nothing can be written, the first segment's loss is reported soon and the rest once a minute."""
        if self._lost is None:
            return
        limit_ns = _REPORT_EVERY_NS if self._lost_reported else self._segment_ns
        if at.mono_ns - self._lost[0].mono_ns >= limit_ns:
            self._report_lost(at)
            self._lost_reported = True
            self._lose(at, 0)

    def _report_lost(self, until: Instant) -> None:
        if self._lost is not None and (self._lost[1] or until.mono_ns > self._lost[0].mono_ns):
            start, count = self._lost
            end = until if until.mono_ns >= start.mono_ns else start
            self._tell(Gap(self._stream, start, end, self._lost_cause, count))
        self._lost = None
        self._lost_reported = False

    def _report_drops(self, before_mono_ns: int | None) -> None:
        drops = self._feed.take_drops(before_mono_ns)
        if drops is not None:
            end = drops.last.at(drops.last.mono_ns + self._item_ns)
            self._tell(Gap(self._stream, drops.first, end, GapCause.DROPPED, drops.count))

    def _tell(self, gap: Gap) -> None:
        try:
            self._on_gap(gap)
        except (OSError, InvigilError) as error:  # the store journals it as soon as there is room
            _log.warning("%s gap is not journalled yet: %s", self._stream.value, error)


class VideoEncoder(_Encoder[Frame]):
    """VP9 in WebM. Equal pictures of the screen are not encoded again. A change of size starts a new segment."""

    def __init__(
        self, store: EvidenceStore, stream: Stream, fps: float, segment_s: float, on_gap: Callable[[Gap], None]
    ) -> None:
        super().__init__(store, stream, segment_s, on_gap, capacity=max(4, int(2 * fps)), item_ns=int(NS_PER_S / fps))
        self._fps = fps

    def _open_file(self, part: Path, first: Frame) -> SegmentFile[Frame]:
        return VideoFile(part, first, self._fps, skip_same=self._stream is Stream.SCREEN)


class AudioEncoder(_Encoder[AudioChunk]):
    """Opus in WebM, mono. A hole in the sound starts a new segment."""

    def __init__(
        self, store: EvidenceStore, stream: Stream, rate_hz: int, segment_s: float, on_gap: Callable[[Gap], None]
    ) -> None:
        super().__init__(store, stream, segment_s, on_gap, capacity=_AUDIO_BACKLOG, item_ns=NS_PER_S // 10)
        self._rate_hz = rate_hz

    def _open_file(self, part: Path, first: AudioChunk) -> SegmentFile[AudioChunk]:
        return AudioFile(part, first)


def _unlink(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s stays behind: %s", part, error)
