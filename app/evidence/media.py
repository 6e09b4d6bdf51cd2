"""WebM files as the evidence writes and reads them.

Every file that the encoders write carries the stream and the instant of its first frame
as tags, written with the header; so a file that a crash left behind explains itself.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream as MediaStream

from app.core.types import NS_PER_S, Instant, Stream

_CLUSTER_LIMIT_MS = 500
_TAG = "INVIGIL_START"


@dataclass(frozen=True, slots=True)
class MediaFacts:
    """What can be read of a file: where it begins (None when it does not say), how long it is, its pictures or packets."""

    stream: Stream | None
    start: Instant | None
    duration_ns: int
    frames: int

    @property
    def end(self) -> Instant | None:
        return None if self.start is None else self.start.at(self.start.mono_ns + self.duration_ns)


def open_writer(path: Path, stream: Stream, start: Instant) -> OutputContainer:
    """A WebM file that is on disk up to about the last half second at any time. Raises OSError."""
    container = _open_output(path)
    container.metadata[_TAG] = f"{stream.value} {start.mono_ns} {start.utc_ns} {start.boot_id}"
    return container


def probe(path: Path) -> MediaFacts | None:
    """What of the file can be read, up to where it breaks off; None when nothing can."""
    try:
        with av.open(str(path), "r") as container:
            stream, start = _tag(container)
            end_ns = frames = 0
            for packet in packets(container):
                end_ns = max(end_ns, _end_ns(packet))
                frames += 1
    except (av.FFmpegError, OSError):
        return None
    return MediaFacts(stream, start, end_ns, frames) if frames else None


def remux(source: Path, target: Path) -> MediaFacts | None:
    """Copies what can be read into a clean file, the same bytes each time; None when nothing can. Raises OSError."""
    try:
        with av.open(str(source), "r") as reader:
            media = [s for s in reader.streams if s.type in ("video", "audio")]
            if not media:
                return None
            with _open_output(target, {"fflags": "+bitexact"}) as writer:
                writer.metadata.update(reader.metadata)
                copies = {s.index: writer.add_stream_from_template(s) for s in media}
                for packet in packets(reader):
                    packet.stream = copies[packet.stream.index]
                    writer.mux(packet)
    except av.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        return None
    return probe(target)


def packets(container: InputContainer) -> Iterator[Packet[MediaStream]]:
    """Video and audio packets until the end, or until the file breaks off."""
    reader = container.demux()
    while True:
        try:
            packet = next(reader, None)
        except av.FFmpegError:
            return
        if packet is None:
            return
        if packet.size and packet.pts is not None and packet.stream.type in ("video", "audio"):
            yield packet


def _open_output(path: Path, extra: dict[str, str] | None = None) -> OutputContainer:
    options = {"cluster_time_limit": str(_CLUSTER_LIMIT_MS), "flush_packets": "1", **(extra or {})}
    return av.open(str(path), "w", format="webm", options=options)


def _end_ns(packet: Packet[MediaStream]) -> int:
    ticks = (packet.pts or 0) + (packet.duration or 0)
    base = packet.time_base
    return int(ticks * base.numerator * NS_PER_S // base.denominator)


def _tag(container: InputContainer) -> tuple[Stream | None, Instant | None]:
    words = container.metadata.get(_TAG, "").split(" ", 3)
    if len(words) == 4:
        with contextlib.suppress(ValueError):
            return Stream(words[0]), Instant(int(words[1]), int(words[2]), words[3])
    return None, None
