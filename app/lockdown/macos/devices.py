"""Cameras, microphones and storage that are plugged in or out during the exam.

A small choice on purpose: what macOS lists in a call, without IOKit's registry. Keyboards, mice, loudspeakers and serial
ports are not watched; displays are by the watcher of displays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from app.core import lockdown
from app.core.types import NS_PER_S, Device, DeviceKind, DevicesChanged, Observation

_LOOK_EVERY_NS = 5 * NS_PER_S
_VOLUMES = PurePosixPath("/Volumes")
_OF_TIME_MACHINE = "com.apple.TimeMachine"


def storage_of(mounted: Iterable[tuple[str, str]]) -> dict[str, Device]:
    """By device, of pairs of device and mount point. A volume's name is the person's own and is not told.

    What macOS and its backups mount is no storage that was plugged in; a disk image that is opened can't be told from one.
    """
    return {
        device: Device(DeviceKind.STORAGE, "a volume")
        for device, point in mounted
        if PurePosixPath(point).parent == _VOLUMES and not PurePosixPath(point).name.startswith((".", _OF_TIME_MACHINE))
    }


class Devices:
    """Reports what came and went since the look before; what is there at the first is no change. One thread.

    ``present`` gives devices by a key that tells two of one model apart and stays inside this process.
    """

    name = lockdown.DEVICES

    def __init__(self, present: Callable[[], Mapping[str, Device]]) -> None:
        self._present = present
        self._seen: Mapping[str, Device] | None = None
        self._look_from_ns = 0

    def poll(self, now_ns: int) -> Sequence[Observation]:
        if self._seen is not None and now_ns < self._look_from_ns:
            return ()
        self._look_from_ns = now_ns + _LOOK_EVERY_NS
        before, self._seen = self._seen, self._present()
        if before is None:
            return ()
        added = _sorted(self._seen[key] for key in self._seen.keys() - before.keys())
        removed = _sorted(before[key] for key in before.keys() - self._seen.keys())
        return (DevicesChanged(now_ns, added, removed),) if added or removed else ()

    def listen(self, wake: Callable[[], None]) -> int | None:
        """Polled only."""
        return None

    def close(self) -> None:
        """Nothing is held."""


def _sorted(devices: Iterable[Device]) -> tuple[Device, ...]:
    return tuple(sorted(devices, key=lambda device: (device.kind, device.name)))
