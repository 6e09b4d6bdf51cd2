"""One thread that opens a source and reads it, again and again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

import structlog

from app.capture.waiting import Interruptible, Lossy
from app.core.errors import SourceError
from app.core.ports import Clock, SourceInfo
from app.core.types import NS_PER_S, AudioChunk, Frame, Stream

T = TypeVar("T", bound=Frame | AudioChunk)
T_co = TypeVar("T_co", covariant=True)

log = structlog.get_logger()

_OPEN_PATIENCE = 3
_CODES = {Stream.CAMERA: 4008, Stream.MICROPHONE: 4007, Stream.SCREEN: 4012}


class Source(Protocol[T_co]):
    """What FrameSource and AudioSource have in common."""

    @property
    def stream(self) -> Stream: ...

    def open(self) -> SourceInfo: ...

    def read(self) -> T_co: ...

    def close(self) -> None: ...


class Reader(Generic[T]):
    """Reads ``source`` until it is given up; a failing source is opened again after ``retry(attempt)`` seconds.

    The three callbacks run on the reader's thread: ``opened``, ``captured`` with the item and how many
    the source lost before it, and ``failed`` with code and sentence.
    """

    def __init__(
        self,
        source: Source[T],
        clock: Clock,
        stall_ns: int,
        retry: Callable[[int], float],
        opened: Callable[[Reader[T], SourceInfo], None],
        captured: Callable[[Reader[T], T, int], None],
        failed: Callable[[Reader[T], int, str], None],
    ) -> None:
        self._source = source
        self._clock = clock
        self._stall_ns = stall_ns
        self._retry = retry
        self._opened = opened
        self._captured = captured
        self._failed = failed
        self._given_up = threading.Event()
        self._due_ns: int | None = None
        self._thread = threading.Thread(target=self._run, name=f"capture-{source.stream}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give_up(self) -> None:
        """Ends the thread as soon as its source returns. Any thread."""
        self._given_up.set()
        self.interrupt()

    def interrupt(self) -> None:
        """Wakes a source that waits, where it can be woken. Any thread."""
        if isinstance(self._source, Interruptible):
            self._source.interrupt()

    def join(self, timeout_s: float) -> bool:
        """Whether the thread has ended."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def overdue_ns(self, now_ns: int) -> int | None:
        """For how long ``open`` or ``read`` should have returned; None while all is well. Any thread."""
        due_ns = self._due_ns
        return None if due_ns is None or now_ns < due_ns else now_ns - due_ns

    def excuse(self, asleep_ns: int) -> None:
        """The whole process did not run for so long, so the source has that much more time. Any thread."""
        due_ns = self._due_ns
        if due_ns is not None:
            self._due_ns = due_ns + asleep_ns

    def _run(self) -> None:
        try:
            self._open_and_read()
        except Exception as error:  # a fault in a source must not end the client: the watchdog starts a new thread
            self._due_ns = None
            sentence = f"The {self._source.stream} failed ({type(error).__name__}); it is started again."
            self._failed(self, _CODES[self._source.stream], sentence)
            log.exception("a capture thread died", stream=str(self._source.stream))
        finally:
            self._due_ns = None
            self._source.close()

    def _open_and_read(self) -> None:
        attempt = 0
        while not self._given_up.is_set():
            try:
                self._expect_within(_OPEN_PATIENCE * self._stall_ns)
                info = self._source.open()
                self._opened(self, info)
                patience_ns = patience_ns_of(info, self._stall_ns)
                while not self._given_up.is_set():
                    self._expect_within(patience_ns)
                    item = self._source.read()
                    self._due_ns = None
                    attempt = 0
                    self._captured(self, item, self._lost())
            except SourceError as error:
                self._due_ns = None
                self._source.close()
                attempt += 1
                self._failed(self, error.code, str(error))
                self._given_up.wait(self._retry(attempt))

    def _expect_within(self, patience_ns: int) -> None:
        self._due_ns = self._clock.now().mono_ns + patience_ns

    def _lost(self) -> int:
        return self._source.take_dropped() if isinstance(self._source, Lossy) else 0


def patience_ns_of(info: SourceInfo, stall_ns: int) -> int:
    """How long the next item of a source may take: three of its pictures' spacings, if that is more."""
    fps = info.facts.get("fps")
    spacing_ns = round(NS_PER_S / fps) if isinstance(fps, (int, float)) and fps > 0 else 0
    return max(stall_ns, 3 * spacing_ns)
