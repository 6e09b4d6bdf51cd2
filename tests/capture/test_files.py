"""Files in the place of devices: in real time, at their own pace, over and over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.capture.files import CHUNK_SAMPLES, FileCamera, FileMicrophone
from app.core.errors import SourceError
from app.core.types import NS_PER_MS, NS_PER_S, Frame, Instant
from tests.fakes.media import loudest_hertz, tone, write_video, write_wav
from tests.fakes.sources import JumpingWaiter, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def waiter(clock: ManualClock) -> JumpingWaiter:
    return JumpingWaiter(clock)


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Ten pictures, one each 100 ms, each with a grey of its own."""
    return write_video(tmp_path / "ten.mkv", 10, 10)


@pytest.fixture
def camera(clock: ManualClock, waiter: JumpingWaiter, video: Path) -> Iterator[FileCamera]:
    source = FileCamera(clock, video, 10, 64, 48, waiter=waiter)
    source.open()
    yield source
    source.close()


def number_of(frame: Frame) -> int:
    return round((float(frame.pixels.mean()) - 20) / 10)


def ms_since(start_ns: int, frame: Frame) -> int:
    return round((frame.at.mono_ns - start_ns) / NS_PER_MS)


def test_pictures_come_at_the_files_own_times(camera: FileCamera, clock: ManualClock) -> None:
    start = clock.mono_ns
    frames = [camera.read() for _ in range(10)]
    assert [number_of(f) for f in frames] == list(range(10))
    assert [ms_since(start, f) for f in frames] == [100 * n for n in range(10)]


def test_the_file_starts_again_where_it_ends(camera: FileCamera, clock: ManualClock) -> None:
    start = clock.mono_ns
    frames = [camera.read() for _ in range(22)]
    assert number_of(frames[10]) == number_of(frames[20]) == 0
    assert ms_since(start, frames[21]) == 2100


def test_each_opening_starts_at_the_files_beginning(camera: FileCamera, clock: ManualClock) -> None:
    for _ in range(4):
        camera.read()
    camera.open()
    reopened_at = clock.mono_ns
    frame = camera.read()
    assert number_of(frame) == 0
    assert frame.at.mono_ns == reopened_at


def test_a_file_with_more_pictures_than_wanted_is_thinned(
    clock: ManualClock, waiter: JumpingWaiter, video: Path
) -> None:
    camera = FileCamera(clock, video, 4, 64, 48, waiter=waiter)
    camera.open()
    frames = [camera.read() for _ in range(4)]
    camera.close()
    assert [number_of(f) for f in frames] == [0, 3, 5, 8]


def test_a_late_reader_misses_pictures_and_is_on_time_again(camera: FileCamera, clock: ManualClock) -> None:
    start = clock.mono_ns
    camera.read()
    clock.advance(450 * NS_PER_MS)
    frame = camera.read()
    assert number_of(frame) == 4
    assert ms_since(start, frame) == 400
    assert number_of(camera.read()) == 5


def test_after_a_long_sleep_the_file_goes_on_instead_of_catching_up(camera: FileCamera, clock: ManualClock) -> None:
    camera.read()
    clock.advance(3600 * NS_PER_S)
    frame = camera.read()
    assert number_of(frame) == 1
    assert frame.at.mono_ns == clock.mono_ns


class TiredClock(ManualClock):
    """Each look at the time takes longer than a picture lasts: a machine that can't keep up."""

    def now(self) -> Instant:
        self.advance(101 * NS_PER_MS)
        return super().now()


def test_a_machine_that_cannot_keep_up_still_sees_a_picture_each_half_second(video: Path) -> None:
    clock = TiredClock()
    camera = FileCamera(clock, video, 10, 64, 48, waiter=JumpingWaiter(clock))
    camera.open()
    shown_ns = [clock.mono_ns]
    for _ in range(20):
        camera.read()
        shown_ns.append(clock.mono_ns)
    camera.close()
    assert max(after - before for before, after in pairwise(shown_ns)) < 1000 * NS_PER_MS


def test_pictures_are_scaled_down_to_fit_and_keep_their_shape(
    clock: ManualClock, waiter: JumpingWaiter, video: Path
) -> None:
    camera = FileCamera(clock, video, 10, 32, 48, waiter=waiter)
    info = camera.open()
    frame = camera.read()
    camera.close()
    assert frame.pixels.shape == (24, 32, 3)
    assert (info.facts["width"], info.facts["height"]) == (32, 24)


def test_colours_are_blue_green_red(clock: ManualClock, waiter: JumpingWaiter, tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    cv2.imwrite(str(path), np.full((48, 64, 3), (0, 0, 255), np.uint8))
    camera = FileCamera(clock, path, 10, 64, 48, waiter=waiter)
    camera.open()
    assert camera.read().pixels[20, 20].tolist() == [0, 0, 255]
    camera.close()


def test_a_single_image_is_a_camera_that_sees_nothing_move(
    clock: ManualClock, waiter: JumpingWaiter, tmp_path: Path
) -> None:
    path = tmp_path / "one.png"
    cv2.imwrite(str(path), np.full((48, 64, 3), 99, np.uint8))
    camera = FileCamera(clock, path, 10, 64, 48, waiter=waiter)
    camera.open()
    start = clock.mono_ns
    assert [ms_since(start, camera.read()) for _ in range(3)] == [0, 100, 200]
    camera.close()


@pytest.mark.parametrize(("content", "code"), [(b"", 4008), (b"no video at all" * 100, 4008)])
def test_a_file_that_is_no_video_is_refused(clock: ManualClock, tmp_path: Path, content: bytes, code: int) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"broken\.mp4") as caught:
        FileCamera(clock, path, 10, 64, 48).open()
    assert caught.value.code == code


def test_a_sound_file_is_no_camera_and_a_silent_video_no_microphone(
    clock: ManualClock, tmp_path: Path, video: Path
) -> None:
    sound = write_wav(tmp_path / "sound.wav", tone(0.2, 440, 8000), 8000)
    with pytest.raises(SourceError, match="no pictures") as no_pictures:
        FileCamera(clock, sound, 10, 64, 48).open()
    with pytest.raises(SourceError, match="no sound") as no_sound:
        FileMicrophone(clock, video).open()
    assert (no_pictures.value.code, no_sound.value.code) == (4008, 4007)


def test_sound_of_any_rate_is_heard_at_16_khz(clock: ManualClock, waiter: JumpingWaiter, tmp_path: Path) -> None:
    path = write_wav(tmp_path / "tone.wav", tone(2.0, 1000, 44100), 44100)
    microphone = FileMicrophone(clock, path, waiter=waiter)
    microphone.open()
    start = clock.mono_ns
    chunks = [microphone.read() for _ in range(15)]
    microphone.close()
    heard = np.concatenate([c.samples for c in chunks])
    assert loudest_hertz(heard, 16000) == pytest.approx(1000, abs=5)
    assert float(np.abs(heard).max()) == pytest.approx(0.5, abs=0.03)
    assert [c.at.mono_ns - start for c in chunks] == [n * NS_PER_S // 10 for n in range(15)]
    assert clock.mono_ns == start + 15 * NS_PER_S // 10


def test_sound_goes_on_without_a_hole_where_the_file_ends(
    clock: ManualClock, waiter: JumpingWaiter, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "short.wav", tone(0.25, 400, 16000), 16000)
    microphone = FileMicrophone(clock, path, waiter=waiter)
    microphone.open()
    heard = np.concatenate([microphone.read().samples for _ in range(10)])
    microphone.close()
    assert len(heard) == 10 * CHUNK_SAMPLES
    assert np.allclose(heard[: len(heard) - 4000], heard[4000:], atol=1e-3)


def test_a_stop_ends_the_playing(camera: FileCamera, clock: ManualClock, waiter: JumpingWaiter) -> None:
    camera.read()
    camera.interrupt()
    with pytest.raises(SourceError, match="stopped"):
        camera.read()
