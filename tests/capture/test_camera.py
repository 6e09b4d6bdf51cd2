"""A camera that is missing, silent, or torn out, with OpenCV's own capture over files in the kernel's place."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from app.capture.camera import DeviceCamera
from app.capture.devices import DeviceName, cameras, microphones
from app.core.errors import SourceError
from app.runtime.clock import SystemClock
from app.runtime.virtual_desktop import VirtualDesktop
from tests.fakes.media import write_video


def built_in() -> list[DeviceName]:
    return [DeviceName("2", "Built-in Camera")]


def camera(device: int | str, path: Path) -> DeviceCamera:
    return DeviceCamera(
        SystemClock(), device, 64, 48, 100_000, capture=lambda _: cv2.VideoCapture(str(path)), names=built_in
    )


def test_a_missing_camera_is_told_without_noise(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SourceError, match="found") as caught:
        DeviceCamera(SystemClock(), 63, 640, 480, 10).open()
    assert caught.value.code == 4010
    assert capfd.readouterr() == ("", "")


def test_a_camera_without_a_picture_is_not_readable(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.avi", 20, 10).read_bytes()
    header_only = tmp_path / "empty.avi"
    header_only.write_bytes(whole[: whole.index(b"movi") + 4])
    source = camera("Built-in Camera", header_only)
    with pytest.raises(SourceError, match="Built-in Camera gives no picture") as caught:
        source.open()
    assert caught.value.code == 4008


def test_a_camera_that_is_torn_out_is_a_hardware_error(tmp_path: Path) -> None:
    source = camera(0, write_video(tmp_path / "short.avi", 5, 100))
    source.open()
    with pytest.raises(SourceError, match="stopped giving pictures") as caught:
        list(iter(source.read, None))
    assert caught.value.code == 4005
    source.close()


@pytest.mark.parametrize("spec", [0, "0", "/dev/video0", "Built-in Camera"])
def test_a_camera_is_found_by_number_path_or_name(tmp_path: Path, spec: int | str) -> None:
    asked: list[int] = []
    path = write_video(tmp_path / "device.avi", 5, 10)

    def capture(index: int) -> cv2.VideoCapture:
        asked.append(index)
        return cv2.VideoCapture(str(path))

    source = DeviceCamera(
        SystemClock(), spec, 64, 48, 10, capture=capture, names=lambda: [DeviceName("0", "Built-in Camera")]
    )
    assert source.open().facts["width"] == 64
    source.close()
    assert asked == [0]


@pytest.mark.parametrize("spec", ["rtsp://example.org/a", "http://example.org/a.mjpg", "/dev/sda", "exam.mp4", "-1"])
def test_an_address_or_a_file_is_never_taken_for_a_camera(tmp_path: Path, spec: str) -> None:
    with pytest.raises(SourceError) as caught:
        camera(spec, write_video(tmp_path / "device.avi", 5, 10)).open()
    assert caught.value.code == 4010


def test_cameras_are_listed_without_their_metadata_nodes(tmp_path: Path) -> None:
    for number, name, index in [("10", "USB Camera", "0"), ("0", "Laptop", "0"), ("1", "Laptop", "1")]:
        folder = tmp_path / f"video{number}"
        folder.mkdir()
        (folder / "name").write_text(name + "\n")
        (folder / "index").write_text(index + "\n")
    (tmp_path / "video7").mkdir()
    assert cameras(tmp_path) == [
        DeviceName("0", "Laptop"),
        DeviceName("7", "camera 7"),
        DeviceName("10", "USB Camera"),
    ]


def test_a_machine_without_cameras_lists_none(tmp_path: Path) -> None:
    assert cameras(tmp_path / "none") == []


def test_microphones_are_listed_by_name(desktop: VirtualDesktop) -> None:
    assert "pulse" in [microphone.name for microphone in microphones()]
