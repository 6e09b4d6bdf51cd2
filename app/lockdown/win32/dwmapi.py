"""dwmapi.dll: what the compositor does with a window."""

from __future__ import annotations

from ctypes import byref, c_long, c_void_p, sizeof
from ctypes.wintypes import DWORD, HWND, RECT

from app.lockdown.win32.library import Library

_DWMWA_EXTENDED_FRAME_BOUNDS = 9
_DWMWA_CLOAKED = 14
_DwmGetWindowAttribute = Library("dwmapi").function("DwmGetWindowAttribute", c_long, HWND, DWORD, c_void_p, DWORD)


def is_cloaked(window: int) -> bool:
    """Visible by its style, but not shown: on another virtual desktop, or a suspended app."""
    cloaked = DWORD()
    return _DwmGetWindowAttribute(window, _DWMWA_CLOAKED, byref(cloaked), sizeof(cloaked)) == 0 and cloaked.value != 0


def shown_rectangle(window: int) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of what is drawn: a maximised window's own rectangle reaches into the next monitor."""
    rect = RECT()
    if _DwmGetWindowAttribute(window, _DWMWA_EXTENDED_FRAME_BOUNDS, byref(rect), sizeof(rect)) != 0:
        return None
    return int(rect.left), int(rect.top), int(rect.right), int(rect.bottom)
