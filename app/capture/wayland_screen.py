"""Pictures of a Wayland compositor's outputs, where it gives them to every program (wlr-screencopy).

Kiosk compositors such as cage do; desktops such as GNOME and KDE do not, and are told from them by what they offer.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from app.core.errors import BadInput, SourceError
from app.core.wayland_wire import Event, Events, Global, Registry, request

_ANSWER_WAIT_S = 5.0
_MANAGER = "zwlr_screencopy_manager_v1"
_CAPTURE_OUTPUT = 0
_FRAME_COPY, _FRAME_DESTROY = 0, 1
_FRAME_BUFFER, _FRAME_FLAGS, _FRAME_READY, _FRAME_FAILED = 0, 1, 2, 3
_Y_INVERTED = 1
_CREATE_POOL = 0
_POOL_CREATE_BUFFER, _POOL_DESTROY = 0, 1
_BUFFER_DESTROY = 0
_OUTPUT_GEOMETRY = 0
_MOST_PX = 16_384

_BGRX = frozenset({0, 1})
"""wl_shm's ARGB8888 and XRGB8888, named from the highest byte to the lowest."""
_RGBX = frozenset({0x34324241, 0x34324258})
"""ABGR8888 and XBGR8888."""


def has_wayland(environ: Mapping[str, str]) -> bool:
    """Whether Qt shows our windows through Wayland, whatever X server there is beside it."""
    return bool(environ.get("WAYLAND_DISPLAY")) and environ.get("QT_QPA_PLATFORM") != "xcb"


@dataclass
class _Copy:
    """One output's picture while it is made."""

    shape: tuple[int, int, int, int] | None = None
    flags: int = 0
    ended: int | None = None


@dataclass
class _Output:
    id: int
    x_px: int = 0


class WaylandGrabber:
    """``grab`` gives all outputs side by side, height x width x 4, BGR and a byte without meaning. One thread."""

    driver = "wlr-screencopy"

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._socket: socket.socket | None = None
        self._events = Events()
        self._registry = Registry()
        self._outputs: dict[int, _Output] = {}
        self._manager = self._shm = 0
        self._awaited = 0
        self._frame: tuple[int, _Copy] | None = None

    def connect(self) -> None:
        """Raises SourceError: 4013 when no compositor answers, 4011 when it lets no program see the screen."""
        path = Path(self._environment.get("XDG_RUNTIME_DIR", ""), self._environment.get("WAYLAND_DISPLAY", ""))
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(_ANSWER_WAIT_S)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self.close()
            raise SourceError(4013, f"The Wayland display does not answer ({error.strerror}).") from error
        self._send(self._registry.hello())
        self._round_trip()
        managers, shms = self._registry.all_of(_MANAGER), self._registry.all_of("wl_shm")
        if not managers or not shms:
            self.close()
            raise SourceError(
                4011,
                "This Wayland desktop does not let the screen be recorded; log in to an X11 session, "
                "or start with 'invigil take --kiosk-compositor'.",
            )
        self._manager, self._shm = self._bind(managers[0], 1), self._bind(shms[0], 1)
        self._round_trip()

    def grab(self) -> NDArray[np.uint8]:
        """Raises SourceError 4012 when there is no output or no answer."""
        self._round_trip()
        outputs = sorted(self._outputs.values(), key=lambda output: output.x_px)
        if not outputs:
            raise SourceError(4012, "The Wayland display has no screen that could be captured.")
        pictures = [self._grab_output(output) for output in outputs]
        height = max(picture.shape[0] for picture in pictures)
        padded = [np.pad(each, ((0, height - each.shape[0]), (0, 0), (0, 0))) for each in pictures]
        return padded[0] if len(padded) == 1 else np.concatenate(padded, axis=1)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    # ---- one output

    def _grab_output(self, output: _Output) -> NDArray[np.uint8]:
        copy, frame = _Copy(), self._registry.new_id()
        self._frame = (frame, copy)
        self._send(request(self._manager, _CAPTURE_OUTPUT, frame, 1, output.id))
        while copy.shape is None and copy.ended is None:
            self._receive()
        if copy.shape is None:
            raise SourceError(4012, "The Wayland display gave no picture of the screen.")
        try:
            return self._copied(frame, copy, copy.shape)
        finally:
            self._frame = None
            self._send(request(frame, _FRAME_DESTROY))

    def _copied(self, frame: int, copy: _Copy, shape: tuple[int, int, int, int]) -> NDArray[np.uint8]:
        layout, width, height, stride = shape
        if not (0 < width <= _MOST_PX and 0 < height <= _MOST_PX and width * 4 <= stride <= _MOST_PX * 4):
            raise SourceError(4012, f"The Wayland display offers pictures of {width}x{height}, which can't be read.")
        size = stride * height
        with _shared_memory(size) as memory:
            pool, buffer = self._registry.new_id(), self._registry.new_id()
            self._send(request(self._shm, _CREATE_POOL, pool, size), memory)
            self._send(request(pool, _POOL_CREATE_BUFFER, buffer, 0, width, height, stride, layout))
            self._send(request(pool, _POOL_DESTROY) + request(frame, _FRAME_COPY, buffer))
            while copy.ended is None:
                self._receive()
            self._send(request(buffer, _BUFFER_DESTROY))
            if copy.ended == _FRAME_FAILED:
                raise SourceError(4012, "The Wayland display gave no picture of the screen.")
            rows = np.frombuffer(os.pread(memory, size, 0), np.uint8).reshape(height, stride)
        pixels = _blue_first(rows[:, : width * 4].reshape(height, width, 4), layout)
        return pixels[::-1] if copy.flags & _Y_INVERTED else pixels

    # ---- the line to the compositor

    def _bind(self, what: Global, version: int) -> int:
        made, words = self._registry.bind(what, version)
        self._send(words)
        return made

    def _round_trip(self) -> None:
        """Until everything that was asked before is answered."""
        self._awaited, words = self._registry.sync()
        self._send(words)
        while self._awaited:
            self._receive()

    def _send(self, words: bytes, descriptor: int | None = None) -> None:
        with self._answering() as line:
            socket.send_fds(line, [words], [] if descriptor is None else [descriptor])

    def _receive(self) -> None:
        with self._answering() as line:
            data = line.recv(65536)
            if not data:
                raise SourceError(4012, "The Wayland display is gone.")
            for event in self._events.feed(data):
                self._take(event)

    @contextlib.contextmanager
    def _answering(self) -> Iterator[socket.socket]:
        if self._socket is None:
            raise SourceError(4012, "The screen capture was stopped.")
        try:
            yield self._socket
        except (OSError, BadInput) as error:
            raise SourceError(4012, f"The Wayland display does not answer: {error}.") from error

    def _take(self, event: Event) -> None:
        if self._registry.take(event):
            self._follow_outputs()
        elif self._frame is not None and event.sender == self._frame[0]:
            _take_frame(self._frame[1], event)
        elif event.sender == self._awaited:
            self._awaited = 0
        else:
            for output in self._outputs.values():
                if event.sender == output.id and event.number == _OUTPUT_GEOMETRY:
                    output.x_px = int(event.fields("i")[0])

    def _follow_outputs(self) -> None:
        offered = {each.name: each for each in self._registry.all_of("wl_output")}
        self._outputs = {name: output for name, output in self._outputs.items() if name in offered}
        for name, each in offered.items():
            if name not in self._outputs:
                self._outputs[name] = _Output(self._bind(each, 1))


@contextlib.contextmanager
def _shared_memory(size_bytes: int) -> Iterator[int]:
    """A file descriptor that the compositor writes the picture to."""
    descriptor = os.memfd_create("screen")
    try:
        os.ftruncate(descriptor, size_bytes)
        yield descriptor
    finally:
        os.close(descriptor)


def _take_frame(copy: _Copy, event: Event) -> None:
    if event.number == _FRAME_BUFFER:
        copy.shape = (event.number_at(0), event.number_at(1), event.number_at(2), event.number_at(3))
    elif event.number == _FRAME_FLAGS:
        copy.flags = event.number_at(0)
    elif event.number in (_FRAME_READY, _FRAME_FAILED):
        copy.ended = event.number


def _blue_first(pixels: NDArray[np.uint8], layout: int) -> NDArray[np.uint8]:
    if layout in _BGRX:
        return pixels
    if layout in _RGBX:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA), dtype=np.uint8)
    raise SourceError(4012, f"The Wayland display gives pictures in a form that can't be read (0x{layout:08x}).")
