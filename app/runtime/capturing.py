"""The recording of a running exam as the session sees it: what runs, what is lost, and what of it the candidate sees."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from app.core import codes
from app.core.errors import InvigilError
from app.core.policy import Policy
from app.core.ports import Clock
from app.core.session import State
from app.core.types import NS_PER_S, Instant, Json, Observation, Stream, Violation
from app.runtime.attempts import Attempt
from app.runtime.downtime import missed
from app.runtime.pictures import keep_picture
from app.runtime.recording import Recording
from app.runtime.shell_ports import Face
from app.runtime.status import StatusFile

log = structlog.get_logger()

SETTLE_NS = 10 * NS_PER_S
"""How long the exam waits for a device that neither gives anything nor fails; it is reported when it does."""


class Capturing:
    """On the session thread, but for ``stop``. ``make`` builds the recording; ``journal`` writes an event down."""

    def __init__(
        self,
        policy: Policy,
        attempt: Attempt,
        clock: Clock,
        face: Face,
        status: StatusFile,
        make: Callable[[], Recording],
        journal: Callable[[dict[str, Json]], None],
    ) -> None:
        self._policy = policy
        self._attempt = attempt
        self._clock = clock
        self._face = face
        self._status = status
        self._make = make
        self._journal = journal
        self._recording: Recording | None = None
        self._lost: set[Stream] = set()
        self._since_ns = 0
        self._suspended = False

    def start(self, state: State) -> None:
        recording = self._recording = self._make()
        if state.session > 1:
            self._record_what_was_missed(recording, state)
        self._since_ns = self._clock.now().mono_ns
        recording.start()

    def stop(self) -> None:
        """Safe to call twice."""
        if self._recording is not None:
            self._recording.stop()
            self._recording = None

    def suspend(self) -> None:
        self._running().suspend()
        self._suspended = True
        self.show_indicators()

    def resume(self) -> None:
        self._running().resume()
        self._suspended = False
        self.show_indicators()

    def settled(self, now: Instant) -> bool:
        """Whether every device gives something, has failed, or was waited for long enough."""
        recording = self._recording
        return recording is not None and (recording.settled() or now.mono_ns - self._since_ns >= SETTLE_NS)

    def lost_streams(self) -> list[Observation]:
        return list(self._running().lost_streams())

    def show_indicators(self) -> None:
        if self._recording is not None:
            recorded = frozenset(self._recording.streams) - frozenset(self._lost)
            self._face.indicators(frozenset() if self._suspended else recorded)

    def lost_or_back(self, stream: Stream, code: int | None, sentence: str) -> None:
        """``code`` None: the stream is back."""
        if code is None:
            self._lost.discard(stream)
            self._journal({"event": "stream_back", "stream": stream.value})
            self._face.notice(f"The {stream.value} works again.", warning=False)
        else:
            self._lost.add(stream)
            self._journal({"event": "error", "code": code, "stream": stream.value, "sentence": sentence})
            told = codes.code(code).sentence
            self._face.page_event("apErrorEvent", {"errorCode": code, "message": told})
            self._face.notice(sentence or told, warning=True)  # the sentence names the device
            self._status.write(error=code, stream=stream.value)
        self.show_indicators()

    def snapshot(self, violation: Violation) -> str | None:
        """The SHA-256 of a picture that shows the violation, of a stream that goes to the backend."""
        stream = Stream.SCREEN if violation.code in codes.SCREEN_CODES else Stream.CAMERA
        recording = self._recording if self._policy.upload.sends(stream) else None
        frame = None if recording is None else recording.latest(stream)
        try:
            return None if frame is None else keep_picture(self._attempt.store, frame, f"violation {violation.code}")
        except InvigilError as error:
            log.error("no picture of a violation", code=violation.code, error=str(error))
        return None

    def _running(self) -> Recording:
        if self._recording is None:
            raise RuntimeError("nothing is being recorded")
        return self._recording

    def _record_what_was_missed(self, recording: Recording, state: State) -> None:
        store, ends = self._attempt.store, self._attempt.recovery.last_end
        now = self._clock.now()
        for gap in missed(store.entries(), ends, recording.streams, self._attempt.alive, now, paused=state.paused):
            recording.gap(gap)
