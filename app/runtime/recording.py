"""Everything that records and analyses while an exam runs: sources, encoders and detectors, wired."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from app.analysis.worker import AnalysisWorker, AudioDetector, FrameDetector, SoundWorker
from app.capture.open import audio_source, frame_source
from app.capture.queues import Mailbox
from app.capture.supervised import Supervised
from app.core.errors import EvidenceError
from app.core.policy import Capture, Policy
from app.core.ports import AudioSource, Clock, FrameSource, SourceInfo
from app.core.types import (
    NS_PER_S,
    AudioChunk,
    Frame,
    Gap,
    GapCause,
    Instant,
    Observation,
    Stream,
    StreamBack,
    StreamLost,
)
from app.evidence.encode import AudioEncoder, VideoEncoder
from app.evidence.store import SqliteEvidenceStore

T = TypeVar("T")
TELL_AGAIN_NS = 60 * NS_PER_S
SOUND_BACKLOG = 100
"""Chunks, ten seconds: sound is judged in order, and only a machine that hangs falls so far behind."""


class RecordingListener(Protocol):
    """Told from the source's or detector's own thread; must not block."""

    def observed(self, seen: Observation) -> None: ...

    def stream_lost(self, stream: Stream, code: int, sentence: str) -> None: ...

    def stream_back(self, stream: Stream) -> None: ...

    def source_opened(self, info: SourceInfo) -> None: ...

    def degraded(self, sentence: str) -> None:
        """A detector gave up; recording goes on."""

    def not_stored(self) -> None:
        """The disk took nothing for a while; told once a minute while that goes on."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Make what the policy and the command line chose, as often as a device has to be opened anew.

    None where the policy captures nothing.
    """

    camera: Callable[[], FrameSource] | None
    microphone: Callable[[], AudioSource] | None
    screen: Callable[[], FrameSource] | None


def chosen_sources(
    capture: Capture, camera: str | None, microphone: str | None, screen: str | None, clock: Clock
) -> Sources:
    """Raises BadInput at once when a source was asked for that can't be used."""
    pictures, sound = (
        partial(frame_source, capture=capture, clock=clock),
        partial(audio_source, capture=capture, clock=clock),
    )
    sources = Sources(
        camera=partial(pictures, camera, Stream.CAMERA) if capture.camera else None,
        microphone=partial(sound, microphone) if capture.microphone else None,
        screen=partial(pictures, screen, Stream.SCREEN) if capture.screen else None,
    )
    for make in (sources.camera, sources.microphone, sources.screen):
        if make is not None:
            make()
    return sources


class _Latest:
    """The newest frame of a stream, for snapshots. Offered by one thread, read by any."""

    def __init__(self) -> None:
        self.frame: Frame | None = None

    def offer(self, frame: Frame) -> None:
        self.frame = frame


class Recording:
    """One session's recording. ``start()`` once, ``stop()`` once; ``suspend()`` and ``resume()`` between."""

    def __init__(
        self,
        policy: Policy,
        sources: Sources,
        store: SqliteEvidenceStore,
        clock: Clock,
        detector: FrameDetector | None,
        sound_detector: AudioDetector | None,
        listener: RecordingListener,
    ) -> None:
        self._policy = policy
        self._store = store
        self._clock = clock
        self._listener = listener
        self._gate_open = True
        self._suspended_at: Instant | None = None
        self._settled: set[Stream] = set()
        self._lost: dict[Stream, StreamLost] = {}
        self._ending = False
        self._disk_told_ns: int | None = None
        self._lock = threading.Lock()
        self._latest = {Stream.CAMERA: _Latest(), Stream.SCREEN: _Latest()}
        self._video: list[VideoEncoder] = []
        self._audio: list[AudioEncoder] = []
        self._frames: list[Supervised[Frame]] = []
        self._sound: Supervised[AudioChunk] | None = None
        self._workers: list[AnalysisWorker | SoundWorker] = []
        if sources.camera is not None:
            self._add_camera(sources.camera, detector)
        if sources.screen is not None:
            self._add_video(sources.screen, policy.capture.screen_fps, [])
        if sources.microphone is not None:
            self._add_microphone(sources.microphone, sound_detector)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The streams that this session records."""
        chosen = [Stream.CAMERA] if self._policy.capture.camera else []
        chosen += [Stream.MICROPHONE] if self._policy.capture.microphone else []
        chosen += [Stream.SCREEN] if self._policy.capture.screen else []
        return tuple(chosen)

    def start(self) -> None:
        for video in self._video:
            video.start()
        for audio in self._audio:
            audio.start()
        for worker in self._workers:
            worker.start()
        for source in self._frames:
            source.start()
        if self._sound is not None:
            self._sound.start()

    def stop(self) -> None:
        """Sources first, then detectors, then encoders, which close their last segments."""
        self._ending = True
        for source in self._frames:
            source.stop()
        if self._sound is not None:
            self._sound.stop()
        for worker in self._workers:
            worker.stop()
        for video in self._video:
            video.stop()
        for audio in self._audio:
            audio.stop()
        self._end_suspension()

    def settled(self) -> bool:
        """Every source has either given something or been found missing."""
        with self._lock:
            return set(self.streams) <= self._settled

    def lost_streams(self) -> tuple[StreamLost, ...]:
        """The streams that give nothing at present."""
        with self._lock:
            return tuple(self._lost.values())

    def latest(self, stream: Stream) -> Frame | None:
        held = self._latest.get(stream)
        return held.frame if held else None

    def suspend(self) -> None:
        """Nothing is recorded or analysed from here on; the span becomes a Gap."""
        self._gate_open = False
        self._suspended_at = self._clock.now()

    def resume(self) -> None:
        self._end_suspension()
        self._gate_open = True

    def _end_suspension(self) -> None:
        if self._suspended_at is None:
            return
        now = self._clock.now()
        for stream in self.streams:
            self.gap(Gap(stream, self._suspended_at, now, GapCause.PAUSED))
        self._suspended_at = None

    def _gave(self, item: Frame | AudioChunk) -> None:
        if item.stream not in self._settled:
            with self._lock:
                self._settled.add(item.stream)

    # ---- SourceListener, on the sources' threads

    def opened(self, info: SourceInfo) -> None:
        self._listener.source_opened(info)

    def lost(self, stream: Stream, code: int, cause: GapCause, at: Instant, sentence: str) -> None:
        seen = StreamLost(at.mono_ns, stream, cause.value)
        with self._lock:
            self._settled.add(stream)
            self._lost[stream] = seen
        self._listener.stream_lost(stream, code, sentence)
        self._listener.observed(seen)

    def back(self, stream: Stream, at: Instant) -> None:
        with self._lock:
            self._lost.pop(stream, None)
        self._listener.stream_back(stream)
        self._listener.observed(StreamBack(at.mono_ns, stream))

    def gap(self, gap: Gap) -> None:
        if gap.cause is GapCause.DISK and self._may_tell_of_disk():
            self._listener.not_stored()
        try:
            self._store.add_gap(gap)
        except EvidenceError as error:
            self._listener.degraded(str(error))

    def _may_tell_of_disk(self) -> bool:
        now_ns = self._clock.now().mono_ns
        with self._lock:
            told_ns = self._disk_told_ns
            if self._ending or (told_ns is not None and now_ns - told_ns < TELL_AGAIN_NS):
                return False
            self._disk_told_ns = now_ns
            return True

    # ---- wiring

    def _add_camera(self, source: Callable[[], FrameSource], detector: FrameDetector | None) -> None:
        sinks: list[Callable[[Frame], None]] = []
        if detector is not None:
            mailbox: Mailbox[Frame] = Mailbox()
            sinks.append(self._gated(mailbox.offer))
            self._workers.append(
                AnalysisWorker(
                    detector,
                    mailbox,
                    self._listener.observed,
                    self._policy.detection.faces_per_second,
                    self._listener.degraded,
                )
            )
        self._add_video(source, self._policy.capture.camera_fps, sinks)

    def _add_video(self, fresh: Callable[[], FrameSource], fps: float, sinks: list[Callable[[Frame], None]]) -> None:
        source = fresh()
        encoder = VideoEncoder(self._store, source.stream, fps, self._policy.capture.segment_s, self.gap)
        self._video.append(encoder)
        sinks += [self._gated(encoder.offer), self._latest[source.stream].offer, self._gave]
        self._frames.append(Supervised(source, self._clock, sinks, self, fresh=fresh))

    def _add_microphone(self, source: Callable[[], AudioSource], detector: AudioDetector | None) -> None:
        encoder = AudioEncoder(self._store, Stream.MICROPHONE, 16_000, self._policy.capture.segment_s, self.gap)
        self._audio.append(encoder)
        sinks: list[Callable[[AudioChunk], None]] = [self._gated(encoder.offer), self._gave]
        if detector is not None:
            mailbox: Mailbox[AudioChunk] = Mailbox(SOUND_BACKLOG)
            self._workers.append(SoundWorker(detector, mailbox, self._listener.observed, self._listener.degraded))
            sinks.append(self._gated(mailbox.offer))
        self._sound = Supervised(source(), self._clock, sinks, self, fresh=source)

    def _gated(self, sink: Callable[[T], None]) -> Callable[[T], None]:
        def offer(item: T) -> None:
            if self._gate_open:
                sink(item)

        return offer
