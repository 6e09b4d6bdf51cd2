"""setupapi.dll: the devices that are plugged in or built in now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_size_t,
    c_ubyte,
    c_uint16,
    c_uint32,
    c_void_p,
    create_unicode_buffer,
    sizeof,
)
from ctypes.wintypes import BOOL, DWORD, HANDLE, HWND, LPCWSTR, LPWSTR
from dataclasses import dataclass

from app.lockdown.win32.library import Library, failure

_PRESENT = 0x2
_ALL_CLASSES = 0x4
_DESCRIPTION = 0x0
_HARDWARE_IDS = 0x1
_CLASS = 0x7
_FRIENDLY_NAME = 0xC
_INVALID_HANDLE = c_void_p(-1).value
_ROOM = 2048


class _Guid(Structure):
    _fields_ = (("data1", c_uint32), ("data2", c_uint16), ("data3", c_uint16), ("data4", c_ubyte * 8))


class _DeviceInfo(Structure):
    """SP_DEVINFO_DATA."""

    _fields_ = (("size", DWORD), ("class_guid", _Guid), ("instance", DWORD), ("reserved", c_size_t))


_setupapi = Library("setupapi")
_SetupDiGetClassDevsW = _setupapi.function("SetupDiGetClassDevsW", HANDLE, POINTER(_Guid), LPCWSTR, HWND, DWORD)
_SetupDiEnumDeviceInfo = _setupapi.function("SetupDiEnumDeviceInfo", BOOL, HANDLE, DWORD, POINTER(_DeviceInfo))
_SetupDiDestroyDeviceInfoList = _setupapi.function("SetupDiDestroyDeviceInfoList", BOOL, HANDLE)
_SetupDiGetDeviceInstanceIdW = _setupapi.function(
    "SetupDiGetDeviceInstanceIdW", BOOL, HANDLE, POINTER(_DeviceInfo), LPWSTR, DWORD, POINTER(DWORD)
)
_SetupDiGetDeviceRegistryPropertyW = _setupapi.function(
    "SetupDiGetDeviceRegistryPropertyW",
    BOOL, HANDLE, POINTER(_DeviceInfo), DWORD, POINTER(DWORD), c_void_p, DWORD, POINTER(DWORD),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PresentDevice:
    """``instance`` tells devices of one model apart and may hold a serial number: never to be shown or stored.

    ``hardware_id`` names bus, maker and model.
    """

    instance: str
    class_name: str
    name: str
    hardware_id: str


def present_devices() -> list[PresentDevice]:
    """Raises OSError where Windows does not tell."""
    with _device_list() as devices:
        return [
            PresentDevice(
                _instance(devices, info),
                _property(devices, info, _CLASS),
                _property(devices, info, _FRIENDLY_NAME) or _property(devices, info, _DESCRIPTION),
                _property(devices, info, _HARDWARE_IDS),
            )
            for info in _each(devices)
        ]


@contextmanager
def _device_list() -> Iterator[int]:
    devices = _SetupDiGetClassDevsW(None, None, None, _PRESENT | _ALL_CLASSES)
    if devices in (None, _INVALID_HANDLE):
        raise failure("The devices can't be listed")
    try:
        yield int(devices)
    finally:
        _SetupDiDestroyDeviceInfoList(devices)


def _each(devices: int) -> Iterator[_DeviceInfo]:
    index = 0
    info = _DeviceInfo(size=sizeof(_DeviceInfo))
    while _SetupDiEnumDeviceInfo(devices, index, byref(info)):
        yield info
        index += 1


def _instance(devices: int, info: _DeviceInfo) -> str:
    name = create_unicode_buffer(_ROOM)
    return name.value if _SetupDiGetDeviceInstanceIdW(devices, byref(info), name, _ROOM, None) else ""


def _property(devices: int, info: _DeviceInfo, which: int) -> str:
    """The first text of a property, empty without one."""
    text = create_unicode_buffer(_ROOM)
    got = _SetupDiGetDeviceRegistryPropertyW(devices, byref(info), which, None, text, sizeof(text), None)
    return text.value.strip() if got else ""
