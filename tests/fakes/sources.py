"""Cameras and microphones without hardware, which can be unplugged, and a clock that is moved by hand.

They pass the contract suites of the real sources (tests/capture/test_source_contract.py).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np

from app.capture.waiting import ClockWaiter
from app.core.errors import SourceError
from app.core.ports import Clock, SourceInfo
from app.core.types import NS_PER_MS, NS_PER_S, AudioChunk, Frame, Gap, GapCause, Instant, Stream

FRAME_NS = 5 * NS_PER_MS


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self, mono_ns: int = NS_PER_S) -> None:
        self.mono_ns = mono_ns

    def now(self) -> Instant:
        return Instant(self.mono_ns, 1_800_000_000 * NS_PER_S + self.mono_ns, "boot")

    def advance(self, ns: int) -> None:
        self.mono_ns += ns


class JumpingWaiter:
    """Waits by moving the clock to the wanted moment, and remembers the moments."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.waits: list[int] = []
        self._interrupted = False

    def wait_until(self, mono_ns: int) -> bool:
        self.waits.append(mono_ns)
        self._clock.mono_ns = max(self._clock.mono_ns, mono_ns)
        return not self._interrupted

    def interrupt(self) -> None:
        self._interrupted = True

    def reset(self) -> None:
        self._interrupted = False


class _FakeDevice:
    """The part that both fakes share: plugs, hangs and faults. Controls may be used from any thread."""

    def __init__(self, clock: Clock, item_ns: int) -> None:
        self._clock = clock
        self._item_ns = item_ns
        self._waiter = ClockWaiter(clock)
        self._answering = threading.Event()
        self._answering.set()
        self.hanging = threading.Event()
        self._open = False
        self._next_ns = 0
        self.plugged = True
        self.fault: Exception | None = None
        self.dropped = 0
        self.opens = 0
        self.seq = 0

    def hang(self) -> None:
        """The next read sets ``hanging`` and does not return until ``release``."""
        self._answering.clear()

    def release(self) -> None:
        self._answering.set()

    def interrupt(self) -> None:
        self._waiter.interrupt()

    def take_dropped(self) -> int:
        dropped, self.dropped = self.dropped, 0
        return dropped

    def close(self) -> None:
        self._open = False

    def _plug_in(self, missing_code: int) -> None:
        self._waiter.reset()
        self.opens += 1
        if not self.plugged:
            raise SourceError(missing_code, "No such device was found; connect one.")
        self._open = True
        self._next_ns = self._clock.now().mono_ns

    def _wait_for_item(self) -> Instant:
        if not self._open:
            raise SourceError(4005, "The device is closed.")
        if not self._answering.is_set():
            self.hanging.set()
        self._answering.wait()
        if self.fault is not None:
            raise self.fault
        if not self._waiter.wait_until(self._next_ns) or not self.plugged:
            raise SourceError(4005, "The device is gone; plug it in again.")
        at = self._clock.now()
        self._next_ns = at.mono_ns + self._item_ns
        self.seq += 1
        return at


class FakeCamera(_FakeDevice):
    """Grey 8 x 6 pictures, 200 a second."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, FRAME_NS)

    @property
    def stream(self) -> Stream:
        return Stream.CAMERA

    def open(self) -> SourceInfo:
        self._plug_in(4010)
        return SourceInfo(Stream.CAMERA, "fake camera", {"width": 8, "height": 6, "fps": 200.0})

    def read(self) -> Frame:
        at = self._wait_for_item()
        return Frame(Stream.CAMERA, self.seq, at, np.full((6, 8, 3), 127, np.uint8))


class FakeMicrophone(_FakeDevice):
    """Silence in chunks of 100 ms."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, NS_PER_S // 10)

    @property
    def stream(self) -> Stream:
        return Stream.MICROPHONE

    def open(self) -> SourceInfo:
        self._plug_in(4009)
        self._next_ns += self._item_ns
        return SourceInfo(Stream.MICROPHONE, "fake microphone", {"rate_hz": 16000})

    def read(self) -> AudioChunk:
        at = self._wait_for_item()
        start = at.at(at.mono_ns - self._item_ns)
        return AudioChunk(Stream.MICROPHONE, self.seq, start, 16000, np.zeros(1600, np.float32))


@dataclass
class Heard:
    """A SourceListener that writes down what it was told."""

    events: list[str] = field(default_factory=list)
    infos: list[SourceInfo] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    def opened(self, info: SourceInfo) -> None:
        self.infos.append(info)
        self.events.append("opened")

    def lost(self, stream: Stream, code: int, cause: GapCause, at: Instant, sentence: str) -> None:
        self.codes.append(code)
        self.sentences.append(sentence)
        self.events.append(f"lost {cause}")

    def back(self, stream: Stream, at: Instant) -> None:
        self.events.append("back")

    def gap(self, gap: Gap) -> None:
        self.gaps.append(gap)
        self.events.append(f"gap {gap.cause}")
