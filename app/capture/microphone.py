"""A microphone of this machine as a source of sound, through sounddevice."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.capture.portaudio import BLOCKS_PER_S, close_input, open_input
from app.core.errors import SourceError
from app.core.pacing import SoundTime
from app.core.ports import Clock, SourceInfo
from app.core.types import NS_PER_S, AudioChunk, Stream

if TYPE_CHECKING:
    import sounddevice

CHUNKS_PER_S = 10
_BLOCKS_PER_CHUNK = BLOCKS_PER_S // CHUNKS_PER_S
_USUAL_DELAY_S = 0.1
_MOST_DELAY_S = 0.3


@dataclass(frozen=True, slots=True)
class _Block:
    """20 ms of sound, when its first sample was heard as far as the system tells, and whether some was lost before."""

    start_ns: int
    samples: NDArray[np.float32]
    broken: bool


class DeviceMicrophone:
    """Mono float32 sound of a microphone in chunks of 100 ms.

    ``device`` is a number, a part of a name that the system check lists, or None for the system's
    default. A reader that falls more than ``backlog_s`` behind loses the oldest sound, which is
    counted. ``open``, ``read`` and ``close`` from one thread, ``interrupt`` from any.
    """

    def __init__(
        self, clock: Clock, device: str | int | None, rate_hz: int = 16000, *, backlog_s: float = 15.0
    ) -> None:
        self._clock = clock
        self._device = device
        self._rate_hz = rate_hz
        self._max_blocks = max(_BLOCKS_PER_CHUNK, round(backlog_s * BLOCKS_PER_S))
        self._stream: sounddevice.InputStream | None = None
        self._changed = threading.Condition()
        self._blocks: deque[_Block] = deque()
        self._ended: str | None = "The microphone is closed."
        self._overflows = 0
        self._dropped_blocks = 0
        self._time = SoundTime()
        self._skipped_blocks = 0
        self._seq = 0

    @property
    def stream(self) -> Stream:
        return Stream.MICROPHONE

    @property
    def overflows(self) -> int:
        """How often the system lost sound before it reached us."""
        return self._overflows

    def open(self) -> SourceInfo:
        """Raises SourceError: 4009 when there is no microphone or no sound library, 4007 when it can't be read."""
        self.close()
        with self._changed:
            self._blocks.clear()
            self._ended = None
            self._time = SoundTime()
            self._skipped_blocks = 0
        self._stream, name = open_input(self._device, self._rate_hz, self._heard, self._finished)
        facts = {"rate_hz": self._rate_hz, "channels": 1, "latency_s": round(self._stream.latency, 3)}
        return SourceInfo(Stream.MICROPHONE, name, facts)

    def read(self) -> AudioChunk:
        """Blocks until 100 ms of sound are there. Raises SourceError 4005 when the device is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended is not None or len(self._blocks) >= _BLOCKS_PER_CHUNK)
            if self._ended is not None:
                raise SourceError(4005, self._ended)
            blocks = [self._blocks.popleft() for _ in range(_BLOCKS_PER_CHUNK)]
            skipped, self._skipped_blocks = self._skipped_blocks, 0
        samples = np.concatenate([block.samples for block in blocks])
        start_ns, self._time = self._time.skipped(skipped * NS_PER_S // BLOCKS_PER_S).next(
            blocks[0].start_ns, len(samples) * NS_PER_S // self._rate_hz, broken=any(b.broken for b in blocks)
        )
        self._seq += 1
        return AudioChunk(Stream.MICROPHONE, self._seq, self._clock.now().at(start_ns), self._rate_hz, samples)

    def take_dropped(self) -> int:
        """Chunks lost since the last call, by us or by the system (an overflow counts as one)."""
        with self._changed:
            dropped = -(-self._dropped_blocks // _BLOCKS_PER_CHUNK)
            self._dropped_blocks = 0
            return dropped

    def interrupt(self) -> None:
        self._end("The recording was stopped.")

    def close(self) -> None:
        if self._stream is not None:
            close_input(self._stream)
            self._stream = None
        self._end("The microphone is closed.")

    def _heard(
        self,
        block: NDArray[np.float32],
        _frames: int,
        time: sounddevice.StreamTime,
        status: sounddevice.CallbackFlags,
    ) -> None:
        """On PortAudio's thread: keeps a copy with the moment at which its first sample was heard."""
        delay_s = time.currentTime - time.inputBufferAdcTime
        if not 0.0 <= delay_s <= _MOST_DELAY_S:
            delay_s = _USUAL_DELAY_S  # sound servers report nonsense until they have settled
        start_ns = self._clock.now().mono_ns - round(delay_s * NS_PER_S)
        with self._changed:
            if status.input_overflow:
                self._overflows += 1
                self._dropped_blocks += 1
            if len(self._blocks) >= self._max_blocks:
                self._blocks.popleft()
                self._dropped_blocks += 1
                self._skipped_blocks += 1
            self._blocks.append(_Block(start_ns, block[:, 0].copy(), bool(status.input_overflow)))
            if len(self._blocks) >= _BLOCKS_PER_CHUNK:
                self._changed.notify()

    def _finished(self) -> None:
        self._end("The microphone stopped; unplug it, plug it in again, and wait a few seconds.")

    def _end(self, sentence: str) -> None:
        with self._changed:
            self._ended = self._ended or sentence
            self._changed.notify_all()
