"""A camera of this machine as a source of pictures, through OpenCV."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from app.capture.devices import DeviceName, cameras
from app.core.errors import SourceError
from app.core.pacing import fit_within, next_tick, period_ns
from app.core.ports import Clock, SourceInfo
from app.core.types import Frame, Json, Stream

_FIRST_PICTURE_TRIES = 5


def open_capture(index: int) -> cv2.VideoCapture:
    """OpenCV's capture of a camera by number, on the system's quickest interface, without its own messages."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2.VideoCapture(index, cv2.CAP_DSHOW if sys.platform == "win32" else cv2.CAP_ANY)


class DeviceCamera:
    """Pictures of a camera, BGR, at most ``width_px`` x ``height_px`` and about ``fps`` a second.

    ``device`` is a number, a name that the system check lists, or a path like /dev/video0; never a
    file or an address, so that a candidate can't show a recording. All calls from one thread.
    """

    def __init__(
        self,
        clock: Clock,
        device: int | str,
        width_px: int,
        height_px: int,
        fps: float,
        *,
        capture: Callable[[int], cv2.VideoCapture] = open_capture,
        names: Callable[[], list[DeviceName]] = cameras,
    ) -> None:
        self._clock = clock
        self._device = device
        self._size = (width_px, height_px)
        self._fps = fps
        self._period_ns = period_ns(fps)
        self._open_capture = capture
        self._names = names
        self._capture: cv2.VideoCapture | None = None
        self._start_ns = 0
        self._tick = -1
        self._seq = 0

    @property
    def stream(self) -> Stream:
        return Stream.CAMERA

    def open(self) -> SourceInfo:
        """Raises SourceError: 4010 when there is no such camera, 4008 when it gives no picture."""
        self.close()
        index, name = self._find()
        capture = self._open_capture(index)
        if not capture.isOpened():
            capture.release()
            if not self._names():
                raise SourceError(4010, "No camera was found; connect or enable one.")
            raise SourceError(4010, f"The {name} was not found; connect it, or choose another one.")
        self._capture = capture
        width, height = self._size
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        capture.set(cv2.CAP_PROP_FPS, self._fps)
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        if not any(capture.read()[0] for _ in range(_FIRST_PICTURE_TRIES)):
            self.close()
            raise SourceError(4008, f"The {name} gives no picture; close other programs that use it.")
        self._start_ns, self._tick = self._clock.now().mono_ns, -1
        facts: dict[str, Json] = {
            "width": int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            "height": int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            "fps": self._fps,
            "device_fps": float(capture.get(cv2.CAP_PROP_FPS)),
            "driver": capture.getBackendName(),
        }
        return SourceInfo(Stream.CAMERA, name, facts)

    def read(self) -> Frame:
        """Takes what the camera gives and returns the first picture that is due. Raises SourceError 4005."""
        if self._capture is None:
            raise SourceError(4005, "The camera is closed.")
        tick = next_tick(self._start_ns, self._period_ns, self._tick, self._clock.now().mono_ns)
        while True:
            grabbed = self._capture.grab()
            at = self._clock.now()
            if not grabbed:
                raise SourceError(4005, "The camera stopped giving pictures; unplug it and plug it in again.")
            if at.mono_ns >= tick.due_ns:
                break
        good, picture = self._capture.retrieve()
        if not good:
            raise SourceError(4005, "The camera stopped giving pictures; unplug it and plug it in again.")
        self._tick = tick.index
        self._seq += 1
        height, width = picture.shape[:2]
        size = fit_within(width, height, *self._size)
        if size != (width, height):
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        return Frame(Stream.CAMERA, self._seq, at, np.asarray(picture, dtype=np.uint8))

    def close(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None

    def _find(self) -> tuple[int, str]:
        """The number and the name of the wanted camera."""
        known = {camera.id: camera.name for camera in self._names()}
        wanted = str(self._device)
        if Path(wanted).parent == Path("/dev"):
            wanted = wanted.removeprefix("/dev/video")
        if not wanted.isdecimal():
            wanted = next((key for key, name in known.items() if name == wanted), wanted)
        if not wanted.isdecimal():
            raise SourceError(4010, f"No camera is called {self._device!r}; connect it, or choose another one.")
        return int(wanted), known.get(wanted, f"camera {wanted}")
