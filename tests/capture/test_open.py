"""What a person may name as a device, and what the policy allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.capture.camera import DeviceCamera
from app.capture.files import FileCamera, FileMicrophone
from app.capture.microphone import DeviceMicrophone
from app.capture.open import audio_source, frame_source
from app.capture.screen import Screen
from app.core.errors import BadInput
from app.core.policy import Capture
from app.core.types import Stream
from tests.fakes.sources import ManualClock

EXAM = Capture()
PRACTICE = Capture(allow_file_sources=True)
CLOCK = ManualClock()


@pytest.mark.parametrize("spec", [None, "3", "USB Camera"])
def test_without_a_file_the_devices_are_used(spec: str | None) -> None:
    assert isinstance(frame_source(spec, Stream.CAMERA, EXAM, CLOCK), DeviceCamera)
    assert isinstance(audio_source(spec, EXAM, CLOCK), DeviceMicrophone)


def test_the_screen_needs_no_name() -> None:
    assert isinstance(frame_source(None, Stream.SCREEN, EXAM, CLOCK), Screen)
    with pytest.raises(BadInput, match="whole screen"):
        frame_source("1", Stream.SCREEN, EXAM, CLOCK)


def test_a_practice_exam_may_use_files(tmp_path: Path) -> None:
    path = tmp_path / "a: file.mp4"
    path.touch()
    camera = frame_source(f"file:{path}", Stream.CAMERA, PRACTICE, CLOCK)
    screen = frame_source(f"file:{path}", Stream.SCREEN, PRACTICE, CLOCK)
    assert isinstance(camera, FileCamera)
    assert isinstance(screen, FileCamera)
    assert (camera.stream, screen.stream) == (Stream.CAMERA, Stream.SCREEN)
    assert isinstance(audio_source(f"file:{path}", PRACTICE, CLOCK), FileMicrophone)


@pytest.mark.parametrize("stream", [Stream.CAMERA, Stream.SCREEN])
def test_a_real_exam_refuses_files(tmp_path: Path, stream: Stream) -> None:
    path = tmp_path / "recorded.mp4"
    path.touch()
    with pytest.raises(BadInput, match=rf"--{stream} file:.*does not allow files"):
        frame_source(f"file:{path}", stream, EXAM, CLOCK)
    with pytest.raises(BadInput, match=r"--microphone file:.*does not allow files"):
        audio_source(f"file:{path}", EXAM, CLOCK)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"there is no file .*gone\.mp4"):
        frame_source(f"file:{tmp_path / 'gone.mp4'}", Stream.CAMERA, PRACTICE, CLOCK)


def test_a_microphone_gives_no_pictures() -> None:
    with pytest.raises(BadInput, match="gives no pictures"):
        frame_source(None, Stream.MICROPHONE, EXAM, CLOCK)
