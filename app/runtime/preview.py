"""The live picture and level that the candidate sees before the exam, and what the system check learns from them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from app.capture.supervised import Supervised
from app.core.ports import Clock, SourceInfo
from app.core.types import AudioChunk, Frame, Gap, GapCause, Instant, Json, Stream
from app.runtime.recording import Sources


@dataclass(slots=True)
class _Probe:
    """What is known of one source so far."""

    answered: threading.Event = field(default_factory=threading.Event)
    ok: bool = False
    code: int | None = None
    sentence: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """Whether a source gave something, and if not why. ``code`` is the error code."""

    ok: bool
    name: str
    sentence: str
    code: int | None
    facts: Mapping[str, Json]


class Preview:
    """Runs the chosen sources without recording anything. ``start()`` and ``stop()`` once each."""

    def __init__(
        self,
        sources: Sources,
        clock: Clock,
        on_frame: Callable[[Frame], None],
        on_sound: Callable[[AudioChunk], None],
    ) -> None:
        self._probes: dict[Stream, _Probe] = {}
        self._frames: list[Supervised[Frame]] = []
        self._sounds: list[Supervised[AudioChunk]] = []
        for fresh in (sources.camera, sources.screen):
            if fresh is not None:
                pictures = fresh()
                self._probes[pictures.stream] = _Probe()
                self._frames.append(Supervised(pictures, clock, [self._seen, on_frame], self, fresh=fresh))
        if sources.microphone is not None:
            self._probes[Stream.MICROPHONE] = _Probe()
            self._sounds.append(
                Supervised(sources.microphone(), clock, [self._heard, on_sound], self, fresh=sources.microphone)
            )

    @property
    def streams(self) -> tuple[Stream, ...]:
        return tuple(self._probes)

    def start(self) -> None:
        for frames in self._frames:
            frames.start()
        for sound in self._sounds:
            sound.start()

    def stop(self) -> None:
        for frames in self._frames:
            frames.stop()
        for sound in self._sounds:
            sound.stop()

    def wait(self, stream: Stream, timeout_s: float) -> Probed:
        """Returns once the source gave something or failed, or after the time."""
        probe = self._probes[stream]
        if not probe.answered.wait(timeout_s):
            return Probed(
                False, probe.name, f"The {stream.value} gave nothing within {timeout_s:.0f} seconds.", 4005, {}
            )
        return Probed(probe.ok, probe.name, probe.sentence, probe.code, probe.facts)

    def _seen(self, frame: Frame) -> None:
        self._good(frame.stream)

    def _heard(self, chunk: AudioChunk) -> None:
        self._good(chunk.stream)

    def _good(self, stream: Stream) -> None:
        probe = self._probes[stream]
        probe.ok, probe.code, probe.sentence = True, None, ""
        probe.answered.set()

    # ---- SourceListener

    def opened(self, info: SourceInfo) -> None:
        probe = self._probes[info.stream]
        probe.name, probe.facts = info.name, info.facts

    def lost(self, stream: Stream, code: int, cause: GapCause, at: Instant, sentence: str) -> None:
        probe = self._probes[stream]
        probe.ok, probe.code, probe.sentence = False, code, sentence
        probe.answered.set()

    def back(self, stream: Stream, at: Instant) -> None: ...

    def gap(self, gap: Gap) -> None: ...
