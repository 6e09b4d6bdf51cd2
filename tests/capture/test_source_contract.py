"""What every camera, screen, microphone, file and fake promises to who reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.capture.camera import DeviceCamera
from app.capture.devices import DeviceName
from app.capture.files import FileCamera, FileMicrophone
from app.capture.microphone import DeviceMicrophone
from app.capture.screen import Screen
from app.capture.waiting import Interruptible
from app.core.errors import SourceError
from app.core.ports import AudioSource, FrameSource
from app.core.types import NS_PER_MS, NS_PER_S, AudioChunk, Frame, Stream
from app.runtime.clock import SystemClock
from app.runtime.virtual_desktop import VirtualDesktop
from tests.fakes.compositor import shared_cage
from tests.fakes.media import tone, write_video, write_wav
from tests.fakes.sources import FakeCamera, FakeMicrophone

CLOCK = SystemClock()


@dataclass
class Case:
    """A source that works, and one of its kind whose device is not there."""

    working: FrameSource | AudioSource
    missing: FrameSource | AudioSource


def file_camera(folder: Path, _: VirtualDesktop) -> Case:
    path = write_video(folder / "camera.mkv", 30, 50)
    return Case(FileCamera(CLOCK, path, 50, 64, 48), FileCamera(CLOCK, folder / "none.mkv", 10, 64, 48))


def device_camera(folder: Path, _: VirtualDesktop) -> Case:
    """OpenCV's own capture, with a file of pictures where the kernel's device would be."""
    path = write_video(folder / "device.mkv", 200, 50)

    def capture(index: int) -> cv2.VideoCapture:
        return cv2.VideoCapture(str(path)) if index == 0 else cv2.VideoCapture(index)

    def names() -> list[DeviceName]:
        return [DeviceName("0", "Built-in")]

    return Case(
        DeviceCamera(CLOCK, "Built-in", 64, 48, 100_000, capture=capture, names=names),
        DeviceCamera(CLOCK, 63, 64, 48, 100),
    )


def screen(_: Path, __: VirtualDesktop) -> Case:
    return Case(Screen(CLOCK, 50, 640), Screen(CLOCK, 50, 640, display=":6553"))


def wayland_screen(_: Path, __: VirtualDesktop) -> Case:
    nobody = {"XDG_RUNTIME_DIR": "/nonexistent", "WAYLAND_DISPLAY": "wayland-0"}
    return Case(
        Screen(CLOCK, 50, 640, environment=shared_cage().environment), Screen(CLOCK, 50, 640, environment=nobody)
    )


def fake_camera(_: Path, __: VirtualDesktop) -> Case:
    missing = FakeCamera(CLOCK)
    missing.plugged = False
    return Case(FakeCamera(CLOCK), missing)


def file_microphone(folder: Path, _: VirtualDesktop) -> Case:
    path = write_wav(folder / "sound.wav", tone(0.25, 440, 8000), 8000)
    return Case(FileMicrophone(CLOCK, path), FileMicrophone(CLOCK, folder / "none.wav"))


def device_microphone(_: Path, __: VirtualDesktop) -> Case:
    return Case(DeviceMicrophone(CLOCK, None), DeviceMicrophone(CLOCK, "no such microphone"))


def fake_microphone(_: Path, __: VirtualDesktop) -> Case:
    missing = FakeMicrophone(CLOCK)
    missing.plugged = False
    return Case(FakeMicrophone(CLOCK), missing)


PICTURES = [file_camera, device_camera, screen, wayland_screen, fake_camera]
SOUNDS = [file_microphone, device_microphone, fake_microphone]


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path, desktop: VirtualDesktop) -> Iterator[Case]:
    make: Callable[[Path, VirtualDesktop], Case] = request.param
    made = make(tmp_path, desktop)
    yield made
    made.working.close()
    made.missing.close()


pictures = pytest.mark.parametrize("case", PICTURES, indirect=True)
sounds = pytest.mark.parametrize("case", SOUNDS, indirect=True)
every = pytest.mark.parametrize("case", [*PICTURES, *SOUNDS], indirect=True)


@pictures
def test_pictures_are_what_was_announced(case: Case) -> None:
    info = case.working.open()
    frame = case.working.read()
    assert info.stream is frame.stream is case.working.stream
    assert info.name
    assert isinstance(frame, Frame)
    assert frame.pixels.shape == (info.facts["height"], info.facts["width"], 3)
    assert frame.pixels.dtype == np.uint8


@pictures
def test_pictures_are_numbered_and_in_the_order_of_time(case: Case) -> None:
    case.working.open()
    frames = [case.working.read() for _ in range(4)]
    assert all(later.seq == earlier.seq + 1 for earlier, later in pairwise(frames))
    assert all(later.at.mono_ns > earlier.at.mono_ns for earlier, later in pairwise(frames))
    assert frames[-1].at.mono_ns <= CLOCK.now().mono_ns


@sounds
def test_sound_is_mono_float_in_chunks_of_100_ms(case: Case) -> None:
    info = case.working.open()
    chunk = case.working.read()
    assert info.stream is chunk.stream is Stream.MICROPHONE
    assert isinstance(chunk, AudioChunk)
    assert info.facts["rate_hz"] == chunk.rate_hz == 16000
    assert chunk.samples.shape == (1600,)
    assert chunk.samples.dtype == np.float32
    assert float(np.abs(chunk.samples).max()) <= 1.0


@sounds
def test_chunks_of_sound_lie_next_to_each_other(case: Case) -> None:
    case.working.open()
    chunks = [case.working.read() for _ in range(4)]
    assert all(later.seq == earlier.seq + 1 for earlier, later in pairwise(chunks))
    spacings = [later.at.mono_ns - earlier.at.mono_ns for earlier, later in pairwise(chunks)]
    assert all(abs(spacing - NS_PER_S // 10) < 90 * NS_PER_MS for spacing in spacings)
    assert chunks[-1].at.mono_ns < CLOCK.now().mono_ns


@every
def test_a_missing_device_is_a_sentence_with_a_code(case: Case) -> None:
    with pytest.raises(SourceError) as caught:
        case.missing.open()
    assert caught.value.code in {4009, 4010, 4013}
    assert str(caught.value).endswith(".")
    case.missing.close()


@every
def test_a_source_can_be_closed_twice_and_opened_again(case: Case) -> None:
    case.working.close()
    case.working.open()
    case.working.read()
    case.working.close()
    case.working.close()
    case.working.open()
    case.working.read()


@every
def test_a_closed_source_says_so(case: Case) -> None:
    with pytest.raises(SourceError):
        case.working.read()
    case.working.open()
    case.working.close()
    with pytest.raises(SourceError):
        case.working.read()


@pytest.mark.parametrize("case", [make for make in [*PICTURES, *SOUNDS] if make is not device_camera], indirect=True)
def test_a_waiting_read_can_be_ended(case: Case) -> None:
    source = case.working
    assert isinstance(source, Interruptible)
    case.working.open()
    source.interrupt()
    with pytest.raises(SourceError):
        case.working.read()
    case.working.open()
    case.working.read()
