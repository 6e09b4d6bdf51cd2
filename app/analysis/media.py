"""Recorded media to Frames and AudioChunks, with time from the media itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.container import InputContainer
from av.stream import Disposition
from av.stream import Stream as MediaStream
from numpy.typing import NDArray

from app.analysis.pictures import PictureError, decode_picture, picture_size
from app.analysis.sound import RATE_HZ
from app.core.errors import BadInput
from app.core.types import NS_PER_S, AudioChunk, Frame, Instant, Stream

Kind = Literal["image", "video", "audio"]

MAX_PICTURE_PIXELS = 200_000_000
_HEAD_BYTES = 32
_MAX_DAMAGED_PACKETS = 200
# Playlists could name other files or addresses: only the given file is read.
_OPTIONS = {"protocol_whitelist": "file"}


class Recording:
    """One file. ``kind`` is known after ``open()``; ``items()`` gives its frames and chunks about in order of time.

    Frames come at most ``frames_per_second`` times a second. ``damaged_packets`` counts what could not be decoded.
    """

    def __init__(self, path: Path, frames_per_second: float) -> None:
        self._path = path
        self._interval_ns = round(NS_PER_S / frames_per_second)
        self._container: InputContainer | None = None
        self._picture: NDArray[np.uint8] | None = None
        self.kind: Kind = "image"
        self.damaged_packets = 0

    def open(self) -> None:
        """Raises BadInput with a sentence for what is missing, unreadable or no media."""
        if not self._path.is_file():
            raise BadInput(f"{self._path} is not a file; check the name.")
        try:
            with self._path.open("rb") as handle:
                head = handle.read(_HEAD_BYTES)
        except OSError as error:
            raise BadInput(f"{self._path} can't be read ({error.strerror}); check its permissions.") from error
        if not head:
            raise BadInput(f"{self._path} is empty; record or copy it again.")
        if picture_size(head + bytes(_HEAD_BYTES)) is not None or head[:2] == b"\xff\xd8" or _is_tiff(head):
            self._picture = decode_picture(self._path.read_bytes(), str(self._path), MAX_PICTURE_PIXELS)
        else:
            self._open_container()

    def close(self) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None
        self._picture = None

    def items(self) -> Iterator[Frame | AudioChunk]:
        """Raises BadInput when nothing at all could be decoded."""
        if self._picture is not None:
            yield Frame(Stream.CAMERA, 0, _at(0), self._picture)
            return
        count = 0
        for item in self._decoded():
            count += 1
            yield item
        if count == 0:
            raise BadInput(f"{self._path} holds nothing that can be decoded; it is damaged or not a recording.")

    def _open_container(self) -> None:
        try:
            container = av.open(str(self._path.resolve()), options=_OPTIONS)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise BadInput(f"{self._path} is not an image, video or audio file that can be read.") from error
        self._container = container
        if container.format.name.endswith("_pipe") or container.format.name in {"image2", "tty"}:
            self.close()
            raise PictureError(f"{self._path} is in a format that is not supported; convert it to JPEG, PNG or MP4.")
        if _video_of(container) is not None:
            self.kind = "video"
        elif container.streams.audio:
            self.kind = "audio"
        else:
            self.close()
            raise BadInput(f"{self._path} holds neither pictures nor sound.")

    def _decoded(self) -> Iterator[Frame | AudioChunk]:
        container = self._container
        if container is None:
            raise RuntimeError("Recording.items before open")
        video = _video_of(container)
        audio = container.streams.audio[0] if container.streams.audio else None
        if video is not None:
            video.codec_context.thread_type = "AUTO"
        streams = [s for s in (video, audio) if s is not None]
        origin_s = Fraction(container.start_time or 0, av.time_base)
        pictures, sounds = _Pictures(self._interval_ns, origin_s), _Sounds(origin_s)
        for frame in self._raw_frames(container, streams):
            if isinstance(frame, av.VideoFrame):
                yield from pictures.taken(frame)
            else:
                yield from sounds.taken(frame)
        yield from sounds.taken(None)

    def _raw_frames(
        self, container: InputContainer, streams: Sequence[MediaStream]
    ) -> Iterator[av.VideoFrame | av.AudioFrame]:
        packets = container.demux(*streams)
        while self.damaged_packets < _MAX_DAMAGED_PACKETS:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except (av.FFmpegError, OSError, ValueError):
                self.damaged_packets += 1
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame | av.AudioFrame):
                    yield frame


class _Pictures:
    """Every frame that is due, as BGR, turned upright."""

    def __init__(self, interval_ns: int, origin_s: Fraction) -> None:
        self._interval_ns = interval_ns
        self._origin_s = origin_s
        self._due_ns = 0
        self._last_ns = -1
        self._seq = 0

    def taken(self, frame: av.VideoFrame) -> Iterator[Frame]:
        at_ns = _time_ns(frame.pts, frame.time_base, self._origin_s)
        at_ns = self._last_ns + 1 if at_ns is None else at_ns
        if at_ns < self._due_ns or at_ns <= self._last_ns:
            return
        self._due_ns = max(self._due_ns + self._interval_ns, at_ns + self._interval_ns // 2)
        self._last_ns = at_ns
        self._seq += 1
        pixels = frame.to_ndarray(format="bgr24")
        if frame.rotation % 90 == 0:
            pixels = np.rot90(pixels, frame.rotation // 90 % 4)
        yield Frame(Stream.CAMERA, self._seq, _at(at_ns), np.ascontiguousarray(pixels, dtype=np.uint8))


class _Sounds:
    """All sound as 16 kHz mono, its time counted from the first frame's."""

    def __init__(self, origin_s: Fraction) -> None:
        self._origin_s = origin_s
        self._resampler = AudioResampler("flt", "mono", RATE_HZ)
        self._start_ns: int | None = None
        self._samples = 0
        self._seq = 0

    def taken(self, frame: av.AudioFrame | None) -> Iterator[AudioChunk]:
        """``frame`` None gives what is left in the resampler."""
        if self._start_ns is None:
            if frame is None:
                return
            self._start_ns = _time_ns(frame.pts, frame.time_base, self._origin_s) or 0
        if frame is not None:
            frame.pts = None  # gaps and jumps of the container's clock are not the sound's
        for part in self._resampler.resample(frame):
            samples = np.asarray(part.to_ndarray()[0], dtype=np.float32)
            at_ns = self._start_ns + self._samples * NS_PER_S // RATE_HZ
            self._samples += len(samples)
            self._seq += 1
            yield AudioChunk(Stream.MICROPHONE, self._seq, _at(at_ns), RATE_HZ, samples)


def _video_of(container: InputContainer) -> av.VideoStream | None:
    """The first stream of moving pictures; a song's cover is none."""
    covers = Disposition.attached_pic
    return next((s for s in container.streams.video if not s.disposition & covers), None)


def _is_tiff(head: bytes) -> bool:
    return head[:4] in {b"II*\0", b"MM\0*"}


def _time_ns(pts: int | None, time_base: Fraction | None, origin_s: Fraction) -> int | None:
    if pts is None or time_base is None:
        return None
    return max(0, round((pts * time_base - origin_s) * NS_PER_S))


def _at(ns: int) -> Instant:
    return Instant(ns, ns, "recording")
