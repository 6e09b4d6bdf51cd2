"""The candidate's whole screen as a source of pictures: through mss, or from a Wayland compositor."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from typing import Protocol

import cv2
import mss
import numpy as np
from mss.exception import ScreenShotError
from numpy.typing import NDArray

from app.capture.waiting import ClockWaiter, Waiter
from app.capture.wayland_screen import WaylandGrabber, has_wayland
from app.core.errors import SourceError
from app.core.pacing import fit_within, next_tick, period_ns
from app.core.ports import Clock, SourceInfo
from app.core.types import NS_PER_S, Frame, Instant, Stream

# mss asserts, or reads through a null pointer, when the X server is gone.
_GRAB_ERRORS = (ScreenShotError, AssertionError, ValueError)
_LAYOUT_NS = 5 * NS_PER_S


class Grabber(Protocol):
    """One connection to what shows the screen. One thread."""

    @property
    def driver(self) -> str: ...

    def connect(self) -> None:
        """Raises SourceError."""

    def grab(self) -> NDArray[np.uint8]:
        """The whole screen, height x width x 4: blue, green, red, and a byte without meaning. Raises SourceError."""

    def close(self) -> None:
        """Safe to call twice."""


class Screen:
    """Pictures of all monitors together, BGR, at most ``max_width_px`` wide.

    ``display`` names an X11 display other than $DISPLAY. Monitors that are connected or removed are noticed within five seconds; the pictures then
    change their size. ``read``, ``open`` and ``close`` from one thread, ``interrupt`` from any.
    """

    def __init__(
        self,
        clock: Clock,
        fps: float,
        max_width_px: int,
        *,
        display: str | None = None,
        waiter: Waiter | None = None,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._clock = clock
        self._fps = fps
        self._period_ns = period_ns(fps)
        self._max_width_px = max_width_px
        self._waiter = waiter if waiter is not None else ClockWaiter(clock)
        self._display = display
        self._environment = environment
        self._grabber: Grabber | None = None
        self._layout_at_ns = 0
        self._start_ns = 0
        self._tick = -1
        self._seq = 0

    @property
    def stream(self) -> Stream:
        return Stream.SCREEN

    def open(self) -> SourceInfo:
        """Raises SourceError: 4013 without a display, 4011 where the system forbids it, 4012 otherwise."""
        self.close()
        self._waiter.reset()
        now = self._clock.now()
        self._start_ns, self._tick = now.mono_ns, -1
        self._connect(now)
        pixels, driver = self._grab()
        width, height = _size(pixels)
        out_width, out_height = fit_within(width, height, self._max_width_px, height)
        return SourceInfo(
            Stream.SCREEN,
            f"screen {width}x{height}",
            {"width": out_width, "height": out_height, "screen_width": width, "screen_height": height,
             "fps": self._fps, "driver": driver},
        )  # fmt: skip

    def read(self) -> Frame:
        """Blocks until the next picture is due. Raises SourceError 4012 or 4013 when the screen can't be read."""
        tick = next_tick(self._start_ns, self._period_ns, self._tick, self._clock.now().mono_ns)
        if self._grabber is None or not self._waiter.wait_until(tick.due_ns):
            raise SourceError(4012, "The screen capture was stopped.")
        self._tick = tick.index
        at = self._clock.now()
        if at.mono_ns - self._layout_at_ns >= _LAYOUT_NS:
            self._connect(at)
        pixels, _driver = self._grab()
        self._seq += 1
        return Frame(Stream.SCREEN, self._seq, at, self._fit(pixels))

    def interrupt(self) -> None:
        self._waiter.interrupt()

    def close(self) -> None:
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None

    def _connect(self, now: Instant) -> None:
        """A fresh connection is mss's only way to learn of a changed monitor layout."""
        self.close()
        grabber = self._new_grabber()
        grabber.connect()
        self._grabber, self._layout_at_ns = grabber, now.mono_ns

    def _new_grabber(self) -> Grabber:
        if sys.platform == "linux" and self._display is None:
            if has_wayland(self._environment):
                return WaylandGrabber(self._environment)
            if self._environment.get("XDG_SESSION_TYPE") == "wayland":
                raise SourceError(
                    4011, "A Wayland desktop does not let the screen be recorded; log in to an X11 session."
                )
        return _MssGrabber(self._display)

    def _grab(self) -> tuple[NDArray[np.uint8], str]:
        if self._grabber is None:
            raise SourceError(4012, "The screen capture was stopped.")
        return self._grabber.grab(), self._grabber.driver

    def _fit(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        width, height = _size(pixels)
        size = fit_within(width, height, self._max_width_px, height)
        bgr = cv2.cvtColor(pixels, cv2.COLOR_BGRA2BGR)
        if size != (width, height):
            bgr = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
        return np.asarray(bgr, dtype=np.uint8)


class _MssGrabber:
    """X11, Windows and macOS."""

    driver = "mss"

    def __init__(self, display: str | None) -> None:
        self._display = display
        self._mss: mss.MSS | None = None

    def connect(self) -> None:
        try:
            self._mss = mss.MSS() if self._display is None else mss.MSS(display=self._display)
        except _GRAB_ERRORS as error:
            code = 4011 if sys.platform == "darwin" else 4013
            raise SourceError(code, f"The screen can't be captured: {_words(error)}.") from error

    def grab(self) -> NDArray[np.uint8]:
        if self._mss is None:
            raise SourceError(4012, "The screen capture was stopped.")
        try:
            shot = self._mss.grab(self._mss.monitors[0])
        except _GRAB_ERRORS as error:
            code = 4011 if sys.platform == "darwin" else 4012
            raise SourceError(code, f"The screen can't be captured: {_words(error)}.") from error
        return np.frombuffer(shot.raw, dtype=np.uint8).reshape(shot.height, shot.width, 4)

    def close(self) -> None:
        if self._mss is not None:
            with contextlib.suppress(*_GRAB_ERRORS):
                self._mss.close()
            self._mss = None


def _size(pixels: NDArray[np.uint8]) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    return width, height


def _words(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(". ") if str(error) else "the display is gone"
