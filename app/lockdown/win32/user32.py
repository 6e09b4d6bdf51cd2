"""user32.dll: windows, input, the clipboard, desktops, displays."""

from __future__ import annotations

from ctypes import c_int

from app.lockdown.win32.library import Library

SM_CXSCREEN = 0
SM_CYSCREEN = 1

_user32 = Library("user32")
_GetSystemMetrics = _user32.function("GetSystemMetrics", c_int, c_int)


def system_metric(index: int) -> int:
    """GetSystemMetrics: one of the SM_ values."""
    return int(_GetSystemMetrics(index))
