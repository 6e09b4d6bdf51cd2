"""Threads that carry media through detectors: newest frame wins, a detector that fails is started again."""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

from app.core.ports import Detector, SoundDetector
from app.core.types import AudioChunk, FacesSeen, Frame, SoundHeard

log = logging.getLogger(__name__)
_Item_co = TypeVar("_Item_co", covariant=True)

MAX_RESTARTS = 5
RESTART_WINDOW_S = 60.0
_WAIT_S = 0.25
_JOIN_S = 5.0


class Take(Protocol[_Item_co]):
    """Where a worker gets its work."""

    def take(self, timeout_s: float) -> _Item_co | None:
        """The next item, or None when none came within the time."""


class Startable(Protocol):
    def start(self) -> None: ...

    def close(self) -> None: ...


class FrameDetector(Startable, Detector, Protocol):
    """A Detector that can be started, closed, and started again."""


class AudioDetector(Startable, SoundDetector, Protocol):
    """A SoundDetector that can be started, closed, and started again."""


def _untold(_sentence: str) -> None:
    """The log has it already."""


class _Worker(ABC):
    """A named thread around one detector, which is started, used and closed on this thread only.

    ``processed`` counts items that were analysed, ``errors`` those that made the detector fail. A detector
    that fails is started afresh, at most 5 times within 60 seconds; then ``on_failed`` gets a sentence, on
    this thread, and the thread ends.
    """

    def __init__(
        self, name: str, detector: Startable, on_failed: Callable[[str], None], monotonic_s: Callable[[], float]
    ) -> None:
        self._name = name
        self._started_detector = detector
        self._on_failed = on_failed
        self._monotonic_s = monotonic_s
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._failures_s: deque[float] = deque(maxlen=MAX_RESTARTS + 1)
        self.processed = 0
        self.errors = 0

    @property
    def alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Returns at once; the models load on the thread. Does nothing when started already."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name=self._name)
            self._thread.start()

    def stop(self) -> None:
        """Returns when the thread has ended and its detector is closed. Safe to call twice, not from the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            self._thread = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._started_detector.start()
                while not self._stopping.is_set():
                    self._work()
            except Exception as error:
                # Detectors are native code of others: whatever one raises must be counted and told, never end
                # the monitoring in silence.
                log.exception("%s: the detector failed", self._name)
                self.errors += 1
                if self._given_up():
                    self._on_failed(f"The {self._name} stopped after {MAX_RESTARTS} restarts within a minute: {error}")
                    return
            finally:
                self._started_detector.close()

    def _given_up(self) -> bool:
        now_s = self._monotonic_s()
        self._failures_s.append(now_s)
        return len(self._failures_s) > MAX_RESTARTS and now_s - self._failures_s[0] <= RESTART_WINDOW_S

    @abstractmethod
    def _work(self) -> None:
        """One item; returns within a quarter of a second when there is none."""


class AnalysisWorker(_Worker):
    """Finds faces in the newest frame, at most ``faces_per_second`` times a second.

    ``on_observation`` is called on the worker's thread and should only hand over.
    """

    def __init__(
        self,
        detector: FrameDetector,
        mailbox: Take[Frame],
        on_observation: Callable[[FacesSeen], None],
        faces_per_second: float,
        on_failed: Callable[[str], None],
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("face analysis", detector, on_failed, monotonic_s)
        self._detector = detector
        self._mailbox = mailbox
        self._on_observation = on_observation
        self._interval_s = 1.0 / max(faces_per_second, 0.01)
        self._due_s = 0.0

    def _work(self) -> None:
        now_s = self._monotonic_s()
        if now_s < self._due_s:
            self._stopping.wait(min(self._due_s - now_s, _WAIT_S))
            return
        frame = self._mailbox.take(_WAIT_S)
        if frame is None:
            return
        now_s = self._monotonic_s()
        on_time = now_s - self._due_s < self._interval_s
        self._due_s = (self._due_s if on_time else now_s) + self._interval_s
        observation = self._detector.detect(frame)
        self.processed += 1
        self._on_observation(observation)


class SoundWorker(_Worker):
    """Measures every chunk of sound. ``on_observation`` is called on the worker's thread."""

    def __init__(
        self,
        detector: AudioDetector,
        mailbox: Take[AudioChunk],
        on_observation: Callable[[SoundHeard], None],
        on_failed: Callable[[str], None] = _untold,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("sound analysis", detector, on_failed, monotonic_s)
        self._detector = detector
        self._mailbox = mailbox
        self._on_observation = on_observation

    def _work(self) -> None:
        chunk = self._mailbox.take(_WAIT_S)
        if chunk is None:
            return
        heard = self._detector.feed(chunk)
        self.processed += 1
        for observation in heard:
            self._on_observation(observation)
