"""The cameras and microphones of this machine, by name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from app.capture.portaudio import input_devices


@dataclass(frozen=True, slots=True)
class DeviceName:
    """``id`` is what ``--camera`` or ``--microphone`` takes, ``name`` what a person knows it by."""

    id: str
    name: str


def cameras(class_dir: Path = Path("/sys/class/video4linux")) -> list[DeviceName]:
    """The cameras that the system names, by number; on other systems than Linux only the default one is known."""
    if sys.platform != "linux":
        return [DeviceName("0", "default camera")]
    found = []
    for folder in class_dir.glob("video*"):
        number = folder.name.removeprefix("video")
        # A camera has further nodes for its metadata: their index is not 0.
        if number.isdecimal() and _text(folder / "index", "0") == "0":
            found.append(DeviceName(number, _text(folder / "name", f"camera {number}")))
    return sorted(found, key=lambda camera: int(camera.id))


def microphones() -> list[DeviceName]:
    """The devices that can record. Raises SourceError 4009 when the sound library is missing."""
    return [DeviceName(str(number), name) for number, name in input_devices()]


def _text(path: Path, default: str) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or default
    except OSError:
        return default
