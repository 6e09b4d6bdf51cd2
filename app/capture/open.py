"""From what the command line and the policy say to a source."""

from __future__ import annotations

from pathlib import Path

from app.capture.camera import DeviceCamera
from app.capture.files import FileCamera, FileMicrophone
from app.capture.microphone import DeviceMicrophone
from app.capture.screen import Screen
from app.core.errors import BadInput
from app.core.policy import Capture
from app.core.ports import AudioSource, Clock, FrameSource
from app.core.types import Stream

_FILE = "file:"


def frame_source(spec: str | None, stream: Stream, capture: Capture, clock: Clock) -> FrameSource:
    """The camera or the screen. ``spec``: None = default, a number or name of a device, or ``file:PATH``.

    Raises BadInput for a file that is missing or that the policy does not allow, and for a screen by name.
    """
    path = _file(spec, stream, capture)
    if stream is Stream.SCREEN:
        if path is not None:
            height_px = capture.screen_max_width_px * 4
            return FileCamera(
                clock, path, capture.screen_fps, capture.screen_max_width_px, height_px, stream=Stream.SCREEN
            )
        if spec is not None:
            raise BadInput(f"--screen {spec} can't be used: the whole screen is recorded; leave the option out.")
        return Screen(clock, capture.screen_fps, capture.screen_max_width_px)
    if stream is not Stream.CAMERA:
        raise BadInput(f"The {stream} gives no pictures; choose the camera or the screen.")
    size = (capture.camera_width_px, capture.camera_height_px)
    if path is not None:
        return FileCamera(clock, path, capture.camera_fps, *size)
    return DeviceCamera(clock, 0 if spec is None else spec, *size, capture.camera_fps)


def audio_source(spec: str | None, capture: Capture, clock: Clock) -> AudioSource:
    """The microphone. ``spec`` as for ``frame_source``. Raises BadInput."""
    path = _file(spec, Stream.MICROPHONE, capture)
    if path is not None:
        return FileMicrophone(clock, path)
    return DeviceMicrophone(clock, int(spec) if spec is not None and spec.isdecimal() else spec)


def _file(spec: str | None, stream: Stream, capture: Capture) -> Path | None:
    if spec is None or not spec.startswith(_FILE):
        return None
    if not capture.allow_file_sources:
        raise BadInput(f"--{stream} {spec} can't be used: this exam does not allow files in the place of devices.")
    path = Path(spec.removeprefix(_FILE))
    if not path.is_file():
        raise BadInput(f"--{stream} {spec} can't be used: there is no file {path}.")
    return path
