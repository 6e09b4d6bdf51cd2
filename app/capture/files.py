"""Recorded files in the place of a camera or a microphone: for the demo, for tests, and where a policy allows it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from app.capture.waiting import ClockWaiter, Waiter
from app.core.errors import SourceError
from app.core.pacing import MAX_LAG_NS, Play, fit_within, following_ns, period_ns, play
from app.core.ports import Clock, SourceInfo
from app.core.types import NS_PER_S, AudioChunk, Frame, Json, Stream

RATE_HZ = 16000
CHUNK_SAMPLES = RATE_HZ // 10
_CHUNK_NS = NS_PER_S // 10


class FileCamera:
    """The pictures of a video or image file, in real time from ``open()`` on, over and over.

    They come at the file's own times, thinned to ``fps``, scaled down to fit, BGR. A reader that
    is late misses pictures, as with a camera, but never all of half a second. ``open`` starts at the file's beginning.
    ``open``, ``read`` and ``close`` from one thread, ``interrupt`` from any.
    """

    def __init__(
        self,
        clock: Clock,
        path: Path,
        fps: float,
        width_px: int,
        height_px: int,
        *,
        stream: Stream = Stream.CAMERA,
        waiter: Waiter | None = None,
    ) -> None:
        self._clock = clock
        self._path = path
        self._fps = fps
        self._period_ns = period_ns(fps)
        self._size = (width_px, height_px)
        self._stream = stream
        self._waiter = waiter if waiter is not None else ClockWaiter(clock)
        self._pictures: Generator[tuple[int, int, VideoFrame]] | None = None
        self._start_ns = 0
        self._shown_ns = 0
        self._wanted_ns = 0
        self._seq = 0

    @property
    def stream(self) -> Stream:
        return self._stream

    def open(self) -> SourceInfo:
        """Raises SourceError: 4010 when the file is missing, 4008 when it holds no picture."""
        self.close()
        self._waiter.reset()
        width, height, file_fps = self._look()
        self._pictures = _pictures(self._path, self._period_ns)
        self._start_ns = self._shown_ns = self._clock.now().mono_ns
        self._wanted_ns = 0
        out_width, out_height = fit_within(width, height, *self._size)
        fps = min(self._fps, file_fps) if file_fps else self._fps
        facts: dict[str, Json] = {"width": out_width, "height": out_height, "fps": fps, "driver": "file"}
        return SourceInfo(self._stream, self._path.name, facts)

    def read(self) -> Frame:
        """Blocks until the next picture is due. Raises SourceError 4005 when the file can't be read on."""
        if self._pictures is None:
            raise SourceError(4005, f"{self._path.name} is closed.")
        for media_ns, spacing_ns, picture in self._pictures:
            now_ns = self._clock.now().mono_ns
            lag_ns = now_ns - (self._start_ns + media_ns)
            match play(media_ns, self._wanted_ns, lag_ns, now_ns - self._shown_ns, max(self._period_ns, spacing_ns)):
                case Play.THIN | Play.LATE:
                    continue
                case Play.RESYNC:
                    self._start_ns += lag_ns
                case Play.SHOW:
                    pass
            return self._show(media_ns, picture)
        raise SourceError(4005, f"{self._path.name} could not be read on.")

    def interrupt(self) -> None:
        self._waiter.interrupt()

    def close(self) -> None:
        if self._pictures is not None:
            self._pictures.close()
            self._pictures = None

    def _show(self, media_ns: int, picture: VideoFrame) -> Frame:
        due_ns = self._start_ns + media_ns
        if not self._waiter.wait_until(due_ns):
            raise SourceError(4005, f"Playing {self._path.name} was stopped.")
        self._shown_ns = self._clock.now().mono_ns
        self._wanted_ns = following_ns(media_ns, self._wanted_ns, self._period_ns)
        self._seq += 1
        width, height = fit_within(picture.width, picture.height, *self._size)
        pixels = picture.reformat(width=width, height=height, format="bgr24").to_ndarray()
        return Frame(self._stream, self._seq, self._clock.now().at(due_ns), np.asarray(pixels, dtype=np.uint8))

    def _look(self) -> tuple[int, int, float]:
        """The file's width, height and pictures per second (0 if it does not say)."""
        try:
            with av.open(str(self._path)) as container:
                if not container.streams.video:
                    raise SourceError(4008, f"{self._path} has no pictures; choose a video or an image.")
                video = container.streams.video[0]
                return video.width, video.height, float(video.average_rate or 0)
        except FFmpegError as error:
            raise _unreadable(4010, 4008, self._path, error) from error


class FileMicrophone:
    """The sound of an audio or video file: 16 kHz mono float32 in chunks of 100 ms, in real time, over and over.

    ``open`` starts at the file's beginning; nothing is left out. ``open``, ``read`` and ``close``
    from one thread, ``interrupt`` from any.
    """

    def __init__(self, clock: Clock, path: Path, *, waiter: Waiter | None = None) -> None:
        self._clock = clock
        self._path = path
        self._waiter = waiter if waiter is not None else ClockWaiter(clock)
        self._chunks: Generator[NDArray[np.float32]] | None = None
        self._start_ns = 0
        self._played = 0
        self._seq = 0

    @property
    def stream(self) -> Stream:
        return Stream.MICROPHONE

    def open(self) -> SourceInfo:
        """Raises SourceError: 4009 when the file is missing, 4007 when it holds no sound."""
        self.close()
        self._waiter.reset()
        try:
            with av.open(str(self._path)) as container:
                if not container.streams.audio:
                    raise SourceError(4007, f"{self._path} has no sound; choose a file with an audio track.")
        except FFmpegError as error:
            raise _unreadable(4009, 4007, self._path, error) from error
        self._chunks = _chunks(self._path)
        self._start_ns = self._clock.now().mono_ns
        self._played = 0
        facts: dict[str, Json] = {"rate_hz": RATE_HZ, "channels": 1, "driver": "file"}
        return SourceInfo(Stream.MICROPHONE, self._path.name, facts)

    def read(self) -> AudioChunk:
        """Blocks until the chunk's last sample is due. Raises SourceError 4005 when the file can't be read on."""
        if self._chunks is None:
            raise SourceError(4005, f"{self._path.name} is closed.")
        samples = next(self._chunks, None)
        if samples is None:
            raise SourceError(4005, f"{self._path.name} could not be read on.")
        begin_ns = self._start_ns + self._played * _CHUNK_NS
        lag_ns = self._clock.now().mono_ns - begin_ns - _CHUNK_NS
        if lag_ns > MAX_LAG_NS:
            self._start_ns += lag_ns
            begin_ns += lag_ns
        if not self._waiter.wait_until(begin_ns + _CHUNK_NS):
            raise SourceError(4005, f"Playing {self._path.name} was stopped.")
        self._played += 1
        self._seq += 1
        return AudioChunk(Stream.MICROPHONE, self._seq, self._clock.now().at(begin_ns), RATE_HZ, samples)

    def interrupt(self) -> None:
        self._waiter.interrupt()

    def close(self) -> None:
        if self._chunks is not None:
            self._chunks.close()
            self._chunks = None


def _pictures(path: Path, period: int) -> Generator[tuple[int, int, VideoFrame]]:
    """Media time and spacing (ns) and picture, without end. SourceError 4008 when there is none, 4005 when one is broken."""
    offset_ns = 0
    while True:
        end_ns = count = 0
        for at_ns, spacing_ns, picture in _one_round(path, period):
            yield offset_ns + at_ns, spacing_ns, picture
            end_ns = at_ns + spacing_ns
            count += 1
        if count == 1:
            end_ns = max(end_ns, period)  # a single image is opened again no more often than it is wanted
        if end_ns == 0:
            raise SourceError(4008, f"{path} has no pictures; choose a video or an image.")
        offset_ns += end_ns


def _one_round(path: Path, period: int) -> Iterator[tuple[int, int, VideoFrame]]:
    try:
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            spacing_ns = round(NS_PER_S / video.average_rate) if video.average_rate else period
            first_ns: int | None = None
            at_ns = -spacing_ns
            for picture in container.decode(video):
                if picture.pts is None or picture.time_base is None:
                    at_ns += spacing_ns
                else:
                    stamp_ns = round(picture.pts * picture.time_base * NS_PER_S)
                    first_ns = stamp_ns if first_ns is None else first_ns
                    at_ns = max(at_ns, stamp_ns - first_ns)
                yield max(at_ns, 0), spacing_ns, picture
    except FFmpegError as error:
        raise SourceError(4005, f"{path} could not be read on: {_words(error)}.") from error


def _chunks(path: Path) -> Generator[NDArray[np.float32]]:
    """Chunks of 100 ms without end; the file's end and its beginning meet within one."""
    pending: list[NDArray[np.float32]] = []
    held = 0
    while True:
        heard = 0
        for samples in _sound(path):
            heard += len(samples)
            pending.append(samples)
            held += len(samples)
            if held < CHUNK_SAMPLES:
                continue
            joined = np.concatenate(pending)
            whole = held // CHUNK_SAMPLES * CHUNK_SAMPLES
            for start in range(0, whole, CHUNK_SAMPLES):
                yield joined[start : start + CHUNK_SAMPLES]
            pending = [joined[whole:]]
            held -= whole
        if heard == 0:
            raise SourceError(4007, f"{path} has no sound; choose a file with an audio track.")


def _sound(path: Path) -> Iterator[NDArray[np.float32]]:
    """The file's samples once, as 16 kHz mono float32."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE_HZ)
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(container.streams.audio[0]):
                for out in resampler.resample(frame):
                    yield out.to_ndarray()[0].astype(np.float32, copy=False)
            for out in resampler.resample(None):
                yield out.to_ndarray()[0].astype(np.float32, copy=False)
    except FFmpegError as error:
        raise SourceError(4005, f"{path} could not be read on: {_words(error)}.") from error


def _unreadable(missing: int, broken: int, path: Path, error: FFmpegError) -> SourceError:
    code = missing if isinstance(error, FileNotFoundError) else broken
    return SourceError(code, f"{path} can't be opened: {_words(error)}.")


def _words(error: FFmpegError) -> str:
    return (error.strerror or str(error)).rstrip(". ")
