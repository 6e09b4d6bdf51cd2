"""Clips: the segments around a violation, put together without encoding anything again."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream as MediaStream

from app.evidence.media import packets, probe

_MILLISECONDS = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class ClipSource:
    """One segment's file and when it begins."""

    path: Path
    start_utc_ns: int


def make_clip(
    camera: Sequence[ClipSource],
    microphone: Sequence[ClipSource],
    start_utc_ns: int,
    end_utc_ns: int,
    out: Path,
) -> bool:
    """Writes the segments that touch the span as one WebM (VP9 and Opus as they are); False when none does.

    The clip begins with the first touching camera segment, since pictures need its key frame (with sound alone: with
    the first of the microphone), and ends with the span. Spans that no segment covers stay as a still. ``out``
    appears whole or not at all. Files that can't be read are left out. Raises OSError when ``out`` can't be written.
    """
    pictures = _touching(camera, start_utc_ns, end_utc_ns)
    sound = _touching(microphone, start_utc_ns, end_utc_ns)
    if not pictures and not sound:
        return False
    base_ns = (pictures or sound)[0].start_utc_ns
    part = out.with_name(out.name + ".part")
    try:
        with av.open(str(part), "w", format="webm") as writer:
            tracks = [_Track(writer, sources) for sources in (pictures, sound) if sources]
            timed = heapq.merge(*(track.packets(base_ns, end_utc_ns) for track in tracks), key=_time_ms)
            for packet in timed:
                writer.mux(packet)
        written = probe(part) is not None
        if written:
            part.replace(out)
        return written
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


class _Track:
    """One stream of the clip, from segments one after the other."""

    def __init__(self, writer: OutputContainer, sources: Sequence[ClipSource]) -> None:
        self._sources = sources
        with av.open(str(sources[0].path), "r") as first:
            self._stream = writer.add_stream_from_template(first.streams[0])
        self._last_ms = -1

    def packets(self, base_ns: int, end_ns: int) -> Iterator[Packet[MediaStream]]:
        """Packets from ``base_ns`` to ``end_ns``, counted in milliseconds from ``base_ns``, always rising."""
        for source in self._sources:
            offset_ms = (source.start_utc_ns - base_ns) // 1_000_000
            with contextlib.suppress(av.FFmpegError), av.open(str(source.path), "r") as reader:
                for packet in packets(reader):
                    at_ms = offset_ms + _time_ms(packet)
                    if at_ms > (end_ns - base_ns) // 1_000_000:
                        break
                    if at_ms > self._last_ms:
                        yield self._placed(packet, at_ms)

    def _placed(self, packet: Packet[MediaStream], at_ms: int) -> Packet[MediaStream]:
        packet.duration = int((packet.duration or 0) * packet.time_base * 1000)
        packet.time_base = _MILLISECONDS
        packet.pts = packet.dts = at_ms
        packet.stream = self._stream
        self._last_ms = at_ms
        return packet


def _touching(sources: Sequence[ClipSource], start_ns: int, end_ns: int) -> list[ClipSource]:
    """Those whose readable span touches the wanted one, in order of time."""
    found = []
    for source in sorted(sources, key=lambda one: one.start_utc_ns):
        facts = probe(source.path) if source.start_utc_ns <= end_ns else None
        if facts is not None and source.start_utc_ns + facts.duration_ns > start_ns:
            found.append(source)
    return found


def _time_ms(packet: Packet[MediaStream]) -> int:
    base = packet.time_base
    return (packet.pts or 0) * base.numerator * 1000 // base.denominator
