"""Devices that are plugged in or out during the exam, as the kernel lists them.

Names are those of makers and models. Serial numbers, and names that a person gave a device, are not read.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core import lockdown
from app.core.types import NS_PER_S, Device, DeviceKind, DevicesChanged, Observation
from app.lockdown.linux import drm

ROOT = Path("/")
SETTLED_NS = 3 * NS_PER_S
"""A hub that starts again takes its devices with it for a moment, and a stick is a device before it is a disk."""
_CAMERAS = "sys/class/video4linux"
_SOUND = "sys/class/sound"
_DISKS = "sys/block"
_USB = "sys/bus/usb/devices"
_DRM = "sys/class/drm"
_INPUT = "proc/bus/input/devices"
_FOLDERS = (_CAMERAS, _SOUND, _DISKS, _USB)
_NO_DISKS = re.compile(r"(loop|ram|zram|dm-|md|nbd|fd)\d*")
_CARD = re.compile(r"card\d+")
_USB_DEVICE = re.compile(r"\d+-\d+(\.\d+)*")
_USB_NOT_TOLD = frozenset({"09", "e0"})
"""Hubs, and wireless adapters: networks are normal life."""
_TYPING_KEYS = 0x3FFFFFFE
"""The first 29 keys after KEY_RESERVED, Esc to left Ctrl (linux/input-event-codes.h): only keyboards have them all."""
_NAME_LIMIT = 80


@dataclass(frozen=True, slots=True)
class Present:
    """``place``: where it is in the kernel's tree. ``wireless``: it comes and goes by itself to save its battery."""

    device: Device
    place: str
    wireless: bool = False


class Devices:
    """Reports what came and went; what is there at the first poll is no change. One thread.

    Told is what has been so for 3 s. Wireless keyboards and mice that fall asleep and wake are not told of. The lists
    are compared at each poll, and the devices looked at only where one changed.
    """

    name = lockdown.DEVICES

    def __init__(self, root: Path = ROOT) -> None:
        self._root = root
        self._lists: object = None
        self._present: tuple[Present, ...] = ()
        self._changes: Changes | None = None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        lists = _lists(self._root)
        if lists != self._lists:
            self._lists, self._present = lists, tuple(present_devices(self._root))
        if self._changes is None:
            self._changes = Changes(self._present)
        change = self._changes.seen(self._present, now_ns)
        return () if change is None else (change,)

    def listen(self, wake: Callable[[], None]) -> int | None:
        del wake
        return None

    def close(self) -> None:
        return


class Changes:
    """What came and went for good, out of what is there at each look. Pure."""

    def __init__(self, there: Iterable[Present]) -> None:
        self._told = dict(_counted(there))
        self._known = set(self._told)
        self._since_ns: dict[tuple[Device, int], int] = {}

    def seen(self, there: Iterable[Present], now_ns: int) -> DevicesChanged | None:
        now = dict(_counted(there))
        differing = now.keys() ^ self._told.keys()
        self._since_ns = {key: self._since_ns.get(key, now_ns) for key in differing}
        settled = [key for key, since_ns in self._since_ns.items() if now_ns - since_ns >= SETTLED_NS]
        self._since_ns = {key: since_ns for key, since_ns in self._since_ns.items() if key not in settled}
        added = [key for key in settled if key in now]
        removed = [key for key in settled if key not in now]
        told_added = [key for key in added if not (now[key].wireless and key in self._known)]
        told_removed = [key for key in removed if not self._told[key].wireless]
        for key in added:
            self._told[key] = now[key]
        for key in removed:
            del self._told[key]
        self._known.update(added)
        if not told_added and not told_removed:
            return None
        return DevicesChanged(now_ns, _in_order(told_added), _in_order(told_removed))


def _counted(there: Iterable[Present]) -> Iterator[tuple[tuple[Device, int], Present]]:
    """Each with its number among those of the same kind and name: names of the kernel's own change as devices return."""
    count: Counter[Device] = Counter()
    for each in there:
        yield (each.device, count[each.device]), each
        count[each.device] += 1


def _in_order(keys: Iterable[tuple[Device, int]]) -> tuple[Device, ...]:
    return tuple(sorted((device for device, _ in keys), key=lambda device: (device.kind, device.name)))


def present_devices(root: Path = ROOT) -> list[Present]:
    """What is there now. Other USB devices are those that none of the rest is a part of."""
    found = [*_cameras(root), *_sound_devices(root), *_disks(root), *_input_devices(root), *_displays(root)]
    return found + list(_other_usb(root, [each.place for each in found]))


def _cameras(root: Path) -> Iterator[Present]:
    """One camera has several nodes, for pictures and what belongs to them."""
    parents: dict[str, str] = {}
    for node in _entries(root / _CAMERAS):
        place = str(Path(os.path.realpath(node)).parent.parent)
        virtual = "/devices/virtual/" in place
        parents.setdefault(os.path.realpath(node) if virtual else place, _text(node / "name"))
    for place, name in parents.items():
        yield Present(_device(DeviceKind.CAMERA, name), place)


def _sound_devices(root: Path) -> Iterator[Present]:
    for card in _entries(root / _SOUND):
        if _CARD.fullmatch(card.name):
            place = os.path.realpath(card)
            yield Present(_device(DeviceKind.SOUND, _usb_name(place) or _text(card / "id")), place)


def _disks(root: Path) -> Iterator[Present]:
    """A reader without a card in it, or a drive without a disc, has no size."""
    for disk in _entries(root / _DISKS):
        if not _NO_DISKS.fullmatch(disk.name) and _text(disk / "size") not in ("", "0"):
            maker = _text(disk / "device" / "vendor")
            words = ("" if maker.startswith("0x") else maker, _text(disk / "device" / "model"))  # a number is no name
            name = " ".join(filter(None, words))
            place = os.path.realpath(disk)
            yield Present(
                _device(DeviceKind.STORAGE, name or _text(disk / "device" / "name") or _usb_name(place)), place
            )


def _input_devices(root: Path) -> Iterator[Present]:
    """Keyboards and pointers; not power buttons, lids, jacks and the buttons of cameras and headsets."""
    for block in _text(root / _INPUT).split("\n\n"):
        lines = block.splitlines()
        facts = {line[:1]: line[3:] for line in lines if line[:3] in ("I: ", "N: ", "S: ", "H: ")}
        keys = next((line.removeprefix("B: KEY=") for line in lines if line.startswith("B: KEY=")), "")
        handlers = facts.get("H", "").removeprefix("Handlers=").split()
        if not (_can_type(keys) or any(re.fullmatch(r"mouse\d+", each) for each in handlers)):
            continue
        wireless = facts.get("I", "").startswith("Bus=0005")
        place = str(root / "sys" / facts.get("S", "").removeprefix("Sysfs=").lstrip("/"))
        # what Bluetooth calls a device, its owner chose
        name = "wireless keyboard or mouse" if wireless else facts.get("N", "").removeprefix("Name=").strip('"')
        yield Present(_device(DeviceKind.KEYBOARD, name), place, wireless)


def _can_type(keys: str) -> bool:
    """The last of the words is the lowest keys'."""
    last = keys.split()[-1:] or ["0"]
    return re.fullmatch(r"[0-9a-f]+", last[0]) is not None and int(last[0], 16) & _TYPING_KEYS == _TYPING_KEYS


def _displays(root: Path) -> Iterator[Present]:
    for connector in drm.plugged_in(root / _DRM):
        yield Present(Device(DeviceKind.DISPLAY, connector), "")


def _other_usb(root: Path, places: Iterable[str]) -> Iterator[Present]:
    covered = {part for place in places for part in place.split("/")}
    for entry in _entries(root / _USB):
        if not _USB_DEVICE.fullmatch(entry.name) or entry.name in covered:
            continue
        if _text(entry / "bDeviceClass") not in _USB_NOT_TOLD:
            yield Present(_device(DeviceKind.OTHER, _text(entry / "product")), os.path.realpath(entry))


def _usb_name(place: str) -> str:
    """What the USB device that this is a part of is called; empty where it is none."""
    path = Path(place)
    for parent in path.parents:
        if _USB_DEVICE.fullmatch(parent.name):
            return _text(parent / "product")
    return ""


def _device(kind: DeviceKind, name: str) -> Device:
    printable = "".join(letter if letter.isprintable() else " " for letter in name[:_NAME_LIMIT])
    return Device(kind, " ".join(printable.split()) or "without a name")


def _lists(root: Path) -> object:
    """Differs from the one before where a device came, went or was replaced by another one of the same name."""
    names = tuple((folder, _names(root / folder)) for folder in _FOLDERS)
    sizes = tuple(_text(disk / "size") for disk in _entries(root / _DISKS) if not _NO_DISKS.fullmatch(disk.name))
    return names, sizes, _text(root / _INPUT), drm.plugged_in(root / _DRM)


def _names(folder: Path) -> Mapping[str, int]:
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry.inode() for entry in entries}
    except OSError:
        return {}


def _entries(folder: Path) -> list[Path]:
    return [folder / name for name in sorted(_names(folder))]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
