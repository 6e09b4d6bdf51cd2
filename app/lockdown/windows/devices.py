"""Devices that are plugged in or out during the exam."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from app.core import lockdown
from app.core.types import NS_PER_S, Device, DeviceKind, DevicesChanged, Observation
from app.lockdown.win32.setupapi import PresentDevice, present_devices
from app.lockdown.windows.listener import Ear, Listener, Topic

_KINDS = {
    "camera": DeviceKind.CAMERA,
    "image": DeviceKind.CAMERA,
    "audioendpoint": DeviceKind.SOUND,
    "monitor": DeviceKind.DISPLAY,
    "diskdrive": DeviceKind.STORAGE,
    "cdrom": DeviceKind.STORAGE,
    "wpd": DeviceKind.STORAGE,
    "keyboard": DeviceKind.KEYBOARD,
    "mouse": DeviceKind.KEYBOARD,
    "ports": DeviceKind.OTHER,
    "modem": DeviceKind.OTHER,
}
"""By Windows' setup class. One class per kind of thing, as a headset alone makes some six devices; networks are normal life."""
_LOOK_EVERY_NS = 10 * NS_PER_S
_SETTLING_NS = 3 * NS_PER_S
"""A device that was just plugged in gets its parts and its name one after the other."""


def of_interest(devices: Iterable[PresentDevice]) -> dict[str, Device]:
    """By instance, which tells two of one model apart and stays inside this process: it may hold a serial number."""
    found = {}
    for device in devices:
        kind = _KINDS.get(device.class_name.lower())
        if kind is not None and device.instance:
            found[device.instance] = Device(kind, device.name or "without a name")
    return found


class Devices:
    """Reports what came and went since the poll before; what is there at the first poll is no change. One thread.

    Looks when Windows tells, for some seconds after, and every 10 s.
    """

    name = lockdown.DEVICES

    def __init__(self, listener: Listener) -> None:
        self._ear = Ear(listener, Topic.DEVICES)
        self._seen: Mapping[str, Device] | None = None
        self._look_from_ns = 0
        self._settling_until_ns = 0

    def poll(self, now_ns: int) -> Sequence[Observation]:
        if self._ear.take():
            self._settling_until_ns = now_ns + _SETTLING_NS
        if self._seen is not None and now_ns < self._look_from_ns and now_ns >= self._settling_until_ns:
            return ()
        self._look_from_ns = now_ns + _LOOK_EVERY_NS
        before, self._seen = self._seen, of_interest(present_devices())
        change = None if before is None else change_of(now_ns, before, self._seen)
        return () if change is None else (change,)

    def listen(self, wake: Callable[[], None]) -> int | None:
        self._ear.listen(wake)
        return None

    def close(self) -> None:
        self._ear.close()


def change_of(now_ns: int, before: Mapping[str, Device], now: Mapping[str, Device]) -> DevicesChanged | None:
    """None when nothing came or went; a device that is only called otherwise is the same one."""
    added = tuple(sorted((now[key] for key in now.keys() - before.keys()), key=_order))
    removed = tuple(sorted((before[key] for key in before.keys() - now.keys()), key=_order))
    return DevicesChanged(now_ns, added, removed) if added or removed else None


def _order(device: Device) -> tuple[str, str]:
    return device.kind, device.name
