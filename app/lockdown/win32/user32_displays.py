"""user32.dll: which monitors show something, and how they are connected (Connecting and Configuring Displays API)."""

from __future__ import annotations

from ctypes import POINTER, Structure, byref, c_byte, c_int32, c_long, c_uint16, c_uint32, c_uint64, c_wchar, sizeof
from ctypes.wintypes import UINT
from dataclasses import dataclass
from enum import IntEnum

from app.lockdown.win32.library import Library
from app.lockdown.win32.user32 import SM_CMONITORS, system_metric

_QDC_ONLY_ACTIVE_PATHS = 0x2
_GET_TARGET_NAME = 2
_ERROR_ACCESS_DENIED = 5
_ERROR_INSUFFICIENT_BUFFER = 122
_TRIES = 3


class Connector(IntEnum):
    """DISPLAYCONFIG_VIDEO_OUTPUT_TECHNOLOGY: the values that we tell apart; all others are ``OTHER``."""

    OTHER = -1
    VGA = 0
    DVI = 4
    HDMI = 5
    LVDS = 6
    DISPLAYPORT = 10
    DISPLAYPORT_INSIDE = 11
    MIRACAST = 15
    INDIRECT = 16
    INDIRECT_VIRTUAL = 17
    INTERNAL = 0x80000000

    @classmethod
    def _missing_(cls, value: object) -> Connector:
        del value
        return cls.OTHER


class _AdapterId(Structure):
    """LUID."""

    _fields_ = (("low", c_uint32), ("high", c_int32))


class _Source(Structure):
    """DISPLAYCONFIG_PATH_SOURCE_INFO."""

    _fields_ = (("adapter", _AdapterId), ("id", c_uint32), ("mode", c_uint32), ("status", c_uint32))


class _Target(Structure):
    """DISPLAYCONFIG_PATH_TARGET_INFO."""

    _fields_ = (
        ("adapter", _AdapterId),
        ("id", c_uint32),
        ("mode", c_uint32),
        ("technology", c_uint32),
        ("rotation", c_uint32),
        ("scaling", c_uint32),
        ("refresh_numerator", c_uint32),
        ("refresh_denominator", c_uint32),
        ("scan_lines", c_uint32),
        ("available", c_uint32),
        ("status", c_uint32),
    )


class _Path(Structure):
    """DISPLAYCONFIG_PATH_INFO."""

    _fields_ = (("source", _Source), ("target", _Target), ("flags", c_uint32))


class _Mode(Structure):
    """DISPLAYCONFIG_MODE_INFO. What it holds is not read."""

    _fields_ = (("kind", c_uint32), ("id", c_uint32), ("adapter", _AdapterId), ("content", c_uint64 * 6))


class _TargetName(Structure):
    """DISPLAYCONFIG_TARGET_DEVICE_NAME with its header."""

    _fields_ = (
        ("type", c_uint32),
        ("size", c_uint32),
        ("adapter", _AdapterId),
        ("id", c_uint32),
        ("flags", c_uint32),
        ("technology", c_uint32),
        ("manufacturer", c_uint16),
        ("product", c_uint16),
        ("connector_instance", c_uint32),
        ("friendly_name", c_wchar * 64),
        ("device_path", c_byte * 256),
    )


_user32 = Library("user32")
_GetDisplayConfigBufferSizes = _user32.function(
    "GetDisplayConfigBufferSizes", c_long, c_uint32, POINTER(UINT), POINTER(UINT)
)
_QueryDisplayConfig = _user32.function(
    "QueryDisplayConfig", c_long, c_uint32, POINTER(UINT), POINTER(_Path), POINTER(UINT), POINTER(_Mode), POINTER(c_uint32)
)  # fmt: skip
_DisplayConfigGetDeviceInfo = _user32.function("DisplayConfigGetDeviceInfo", c_long, POINTER(_TargetName))


@dataclass(frozen=True, slots=True)
class ActiveTarget:
    """A monitor that is given a picture. Those with the same ``source`` show the same one."""

    source: tuple[int, int, int]
    connector: Connector
    name: str


def monitor_count() -> int:
    """The areas of the desktop; mirrored monitors count once."""
    return system_metric(SM_CMONITORS)


def active_targets() -> list[ActiveTarget]:
    """Mirrored ones are listed one by one. Raises OSError where Windows does not tell."""
    for _ in range(_TRIES):  # a monitor may come between the two calls
        paths, modes = UINT(), UINT()
        _checked(_GetDisplayConfigBufferSizes(_QDC_ONLY_ACTIVE_PATHS, byref(paths), byref(modes)))
        path_list, mode_list = (_Path * max(1, paths.value))(), (_Mode * max(1, modes.value))()
        code = _QueryDisplayConfig(_QDC_ONLY_ACTIVE_PATHS, byref(paths), path_list, byref(modes), mode_list, None)
        if code != _ERROR_INSUFFICIENT_BUFFER:
            _checked(code)
            return [_target(path) for path in path_list[: paths.value]]
    raise OSError("The monitors changed each time they were read.")


def _checked(code: int) -> None:
    if code:
        raise OSError(f"Windows does not tell how the monitors are connected (error {code}).")


def _target(path: _Path) -> ActiveTarget:
    target, source = path.target, path.source
    asked = _TargetName(type=_GET_TARGET_NAME, size=sizeof(_TargetName), adapter=target.adapter, id=target.id)
    code = int(_DisplayConfigGetDeviceInfo(byref(asked)))
    if code == _ERROR_ACCESS_DENIED:  # another desktop came to be shown between the calls
        _checked(code)
    return ActiveTarget(
        (int(source.adapter.low), int(source.adapter.high), int(source.id)),
        Connector(int(target.technology)),
        "" if code else str(asked.friendly_name),
    )
