"""Real media and stores for the evidence tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.core.types import NS_PER_MS, NS_PER_S, AudioChunk, EntryKind, Frame, Gap, Instant, Segment, Stream
from app.evidence.encode import AudioEncoder, VideoEncoder
from app.evidence.store import SqliteEvidenceStore

START = Instant(1_000 * NS_PER_S, 1_790_000_000 * NS_PER_S, "boot")
QUOTA_BYTES = 100_000_000


def after(seconds: float, start: Instant = START) -> Instant:
    return start.at(start.mono_ns + round(seconds * 1000) * NS_PER_MS)


def open_store(
    root: Path,
    *,
    continuous: bool = False,
    quota_bytes: int = QUOTA_BYTES,
    keep_after_upload: bool = False,
    private: frozenset[Stream] = frozenset(),
) -> SqliteEvidenceStore:
    store = SqliteEvidenceStore(
        root,
        mode="continuous" if continuous else "clips",
        quota_bytes=quota_bytes,
        keep_after_upload=keep_after_upload,
        private=private,
    )
    store.open(after(3600))
    return store


def frame(
    seconds: float, stream: Stream = Stream.CAMERA, shade: int | None = None, size: tuple[int, int] = (64, 48)
) -> Frame:
    """A small picture with a gradient, so that it is no trivial input to the codec."""
    width, height = size
    row = np.linspace(0, 120, width, dtype=np.uint8)
    level = int(seconds * 20) % 120 if shade is None else shade
    pixels = np.repeat((row + level)[None, :, None], height, axis=0).repeat(3, axis=2).astype(np.uint8)
    return Frame(stream, round(seconds * 1000), after(seconds), pixels)


def chunk(seconds: float, length_s: float = 0.1, rate_hz: int = 16_000) -> AudioChunk:
    times = np.arange(round(length_s * rate_hz)) / rate_hz + seconds
    samples = (0.3 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    return AudioChunk(Stream.MICROPHONE, round(seconds * 1000), after(seconds), rate_hz, samples)


def record_video(
    store: SqliteEvidenceStore, seconds: float, *, segment_s: float = 1.0, fps: float = 10, begin_s: float = 0
) -> list[Gap]:
    """Records the camera through the real encoder; returns the gaps it told of."""
    gaps: list[Gap] = []
    encoder = VideoEncoder(store, Stream.CAMERA, fps, segment_s, gaps.append)
    encoder.start()
    for number in range(round(seconds * fps)):
        offer_all(encoder, frame(begin_s + number / fps))
    encoder.stop()
    return gaps


def record_audio(
    store: SqliteEvidenceStore, seconds: float, *, segment_s: float = 1.0, begin_s: float = 0
) -> list[Gap]:
    gaps: list[Gap] = []
    encoder = AudioEncoder(store, Stream.MICROPHONE, 16_000, segment_s, gaps.append)
    encoder.start()
    for number in range(round(seconds * 10)):
        wait_until(lambda: encoder.counts().pending < 50)
        encoder.offer(chunk(begin_s + number / 10))
    encoder.stop()
    return gaps


def offer_all(encoder: VideoEncoder, one: Frame) -> None:
    """Offers a frame as soon as there is room, as a camera in real time would find it."""
    wait_until(lambda: encoder.counts().pending < 4)
    encoder.offer(one)


def drained(encoder: VideoEncoder | AudioEncoder) -> None:
    """Returns when all that was offered is taken."""
    wait_until(lambda: encoder.counts().pending == 0)


def wait_until(condition: Callable[[], bool]) -> None:
    """Polls for at most 20 seconds."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def finished_segments(store: SqliteEvidenceStore) -> list[Segment]:
    return list(store.segments())


def kinds(store: SqliteEvidenceStore) -> list[EntryKind]:
    return [entry.kind for entry in store.entries()]


def no_gap(gap: Gap) -> None:
    """For encoders that must not lose anything."""
    raise AssertionError(gap)


def noise(seconds: float) -> Frame:
    """A picture that no codec can make small."""
    pixels = np.random.default_rng(round(seconds * 1000)).integers(0, 255, (240, 320, 3), dtype=np.uint8)
    return Frame(Stream.CAMERA, round(seconds * 1000), after(seconds), pixels)
