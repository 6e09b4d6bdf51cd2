"""One WebM file in the making: VP9 pictures or Opus sound, placed by the instants of their frames."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from app.core.types import NS_PER_MS, NS_PER_S, AudioChunk, Frame, Instant, Stream
from app.evidence.media import open_writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MILLISECONDS = Fraction(1, 1000)
_SAMPLE_RATE_HZ = 48_000
_OPUS_FRAME = 960
_OPUS_BITS_PER_S = 24_000
_HOLE_NS = NS_PER_S // 4
_REPEAT_AFTER_NS = 2 * NS_PER_S
_KEYFRAME_NEVER = 100_000

_VP9 = {"deadline": "realtime", "cpu-used": "8", "row-mt": "1", "lag-in-frames": "0"}
_QUALITY = {"crf": "36"}
_SCREEN_QUALITY = {"tune-content": "screen", "crf": "40", "qmin": "36"}
"""Small text stays legible, and a page full of it takes half of what the same settings as a face's would."""
_MAX_BITS_PER_S = {Stream.CAMERA: 400_000, Stream.SCREEN: 800_000}


class VideoFile:
    """Starts with a key frame, which is its only one. Pictures keep their own times (variable rate, milliseconds).

    With ``skip_same`` a picture equal to the one before is not encoded again, except every two seconds and at the
    end, so that duration and crash safety stay right. Raises OSError when the disk fails. One thread.
    """

    mime = "video/webm"

    def __init__(self, part: Path, first: Frame, fps: float, *, skip_same: bool) -> None:
        self.part = part
        self.start = first.at
        self.frames = 0
        self._period_ns = int(NS_PER_S / fps)
        self._skip_same = skip_same
        self._size = _even_size(first)
        self._last_ms = -1
        self._seen: Frame | None = None
        self._encoded: Frame | None = None
        self._container = open_writer(part, first.stream, first.at)
        quality = _SCREEN_QUALITY if first.stream is Stream.SCREEN else _QUALITY
        self._video = self._container.add_stream(
            "libvpx-vp9", rate=Fraction(fps).limit_denominator(1000), options=_VP9 | quality
        )
        self._video.width, self._video.height = self._size
        self._video.pix_fmt = "yuv420p"
        self._video.bit_rate = _MAX_BITS_PER_S.get(first.stream, 400_000)
        context = self._video.codec_context
        context.time_base = _MILLISECONDS
        context.gop_size = _KEYFRAME_NEVER
        context.thread_count = 2

    def fits(self, frame: Frame) -> bool:
        return _even_size(frame) == self._size

    def write(self, frame: Frame) -> None:
        before = self._encoded
        self._seen = frame
        if (
            self._skip_same
            and before is not None
            and frame.at.mono_ns - before.at.mono_ns < _REPEAT_AFTER_NS
            and np.array_equal(frame.pixels, before.pixels)
        ):
            self.frames += 1
            return
        self._encode(frame)
        self.frames += 1

    def close(self, next_at: Instant | None) -> Instant:
        """Ends the file; its end is the next frame's instant, if that follows without a hole."""
        if self._seen is not None and self._seen is not self._encoded:
            self._encode(self._seen)
        self._container.mux(self._video.encode(None))
        self._container.close()
        last = self._seen.at if self._seen is not None else self.start
        longest_ns = last.mono_ns + 3 * self._period_ns
        if next_at is not None and last.mono_ns < next_at.mono_ns <= longest_ns:
            return next_at
        return last.at(last.mono_ns + self._period_ns)

    def abandon(self) -> None:
        """Lets go of the file after a failure; what reached the disk stays there."""
        with contextlib.suppress(av.FFmpegError, OSError):  # it failed already
            self._container.close()

    def _encode(self, frame: Frame) -> None:
        width, height = self._size
        pixels: NDArray[np.uint8] = np.ascontiguousarray(frame.pixels[:height, :width])
        picture = av.VideoFrame.from_ndarray(pixels, format="bgr24")
        self._last_ms = max(self._last_ms + 1, (frame.at.mono_ns - self.start.mono_ns) // NS_PER_MS)
        picture.pts = self._last_ms
        picture.time_base = _MILLISECONDS
        self._container.mux(self._video.encode(picture))
        self._encoded = frame


class AudioFile:
    """Opus, mono, 24 kbit/s. One file holds sound without holes. Raises OSError when the disk fails. One thread."""

    mime = "audio/webm"

    def __init__(self, part: Path, first: AudioChunk) -> None:
        self.part = part
        self.start = first.at
        self.frames = 0
        self._rate_hz = first.rate_hz
        self._samples = 0
        self._container = open_writer(part, first.stream, first.at)
        self._audio = self._container.add_stream("libopus", rate=_SAMPLE_RATE_HZ, options={"application": "voip"})
        self._audio.bit_rate = _OPUS_BITS_PER_S
        self._audio.layout = "mono"
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=_SAMPLE_RATE_HZ, frame_size=_OPUS_FRAME)

    def fits(self, chunk: AudioChunk) -> bool:
        """Whether the chunk follows without a hole, at the same rate."""
        return chunk.rate_hz == self._rate_hz and abs(chunk.at.mono_ns - self._end().mono_ns) <= _HOLE_NS

    def write(self, chunk: AudioChunk) -> None:
        samples = np.ascontiguousarray(chunk.samples, dtype=np.float32).reshape(1, -1)
        sound = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        sound.sample_rate = self._rate_hz
        sound.pts = self._samples
        sound.time_base = Fraction(1, self._rate_hz)
        self._samples += samples.shape[1]
        self._mux(sound)
        self.frames += 1

    def close(self, next_at: Instant | None) -> Instant:
        """Ends the file; its end is that of its last sample. ``next_at`` does not change it."""
        del next_at
        self._mux(None)
        self._container.mux(self._audio.encode(None))
        self._container.close()
        return self._end()

    def abandon(self) -> None:
        """Lets go of the file after a failure; what reached the disk stays there."""
        with contextlib.suppress(av.FFmpegError, OSError):  # it failed already
            self._container.close()

    def _mux(self, sound: av.AudioFrame | None) -> None:
        for piece in self._resampler.resample(sound):
            self._container.mux(self._audio.encode(piece))

    def _end(self) -> Instant:
        return self.start.at(self.start.mono_ns + self._samples * NS_PER_S // self._rate_hz)


def _even_size(frame: Frame) -> tuple[int, int]:
    """Width and height without an odd last column or row, which 4:2:0 can't hold."""
    height, width = frame.pixels.shape[:2]
    return max(2, width & ~1), max(2, height & ~1)
