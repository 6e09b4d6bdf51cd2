"""user32.dll: the windows of all programs, without their titles."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, byref, c_int, c_ssize_t, create_unicode_buffer
from ctypes.wintypes import BOOL, BYTE, COLORREF, DWORD, HWND, LPARAM, LPWSTR, RECT, UINT

from app.lockdown.win32.library import CALLBACK, Library

GA_ROOT = 2
WS_EX_TRANSPARENT = 0x00000020
WS_EX_LAYERED = 0x00080000
_GWL_EXSTYLE = -20
_LWA_ALPHA = 0x2

_EnumProcedure = CALLBACK(BOOL, HWND, LPARAM)
_user32 = Library("user32")
_EnumWindows = _user32.function("EnumWindows", BOOL, _EnumProcedure, LPARAM)
_IsWindowVisible = _user32.function("IsWindowVisible", BOOL, HWND)
_IsIconic = _user32.function("IsIconic", BOOL, HWND)
_GetClassNameW = _user32.function("GetClassNameW", c_int, HWND, LPWSTR, c_int)
_GetWindowRect = _user32.function("GetWindowRect", BOOL, HWND, POINTER(RECT))
_GetWindowThreadProcessId = _user32.function("GetWindowThreadProcessId", DWORD, HWND, POINTER(DWORD))
_GetWindowLongPtrW = _user32.function("GetWindowLongPtrW", c_ssize_t, HWND, c_int)
_GetLayeredWindowAttributes = _user32.function(
    "GetLayeredWindowAttributes", BOOL, HWND, POINTER(COLORREF), POINTER(BYTE), POINTER(DWORD)
)
_GetWindowDisplayAffinity = _user32.function("GetWindowDisplayAffinity", BOOL, HWND, POINTER(DWORD))
_GetForegroundWindow = _user32.function("GetForegroundWindow", HWND)
_GetAncestor = _user32.function("GetAncestor", HWND, HWND, UINT)


def top_level_windows() -> list[int]:
    """Every top-level window of this desktop, the uppermost first."""
    found: list[int] = []

    def add(window: int | None, _: int) -> bool:
        if window:
            found.append(int(window))
        return True

    _EnumWindows(_EnumProcedure(add), 0)
    return found


def is_visible(window: int) -> bool:
    """Shown and not minimised; it may still be covered."""
    return bool(_IsWindowVisible(window)) and not _IsIconic(window)


def class_name(window: int) -> str:
    """The kind of window, as its program calls it; empty when it is gone."""
    name = create_unicode_buffer(257)
    return name.value if _GetClassNameW(window, name, 257) else ""


def rectangle(window: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of the screen; all 0 when it is gone."""
    rect = RECT()
    _GetWindowRect(window, byref(rect))
    return int(rect.left), int(rect.top), int(rect.right), int(rect.bottom)


def process_of(window: int) -> int:
    """The process that made it; 0 when it is gone."""
    pid = DWORD()
    _GetWindowThreadProcessId(window, byref(pid))
    return int(pid.value)


def extended_style(window: int) -> int:
    return int(_GetWindowLongPtrW(window, _GWL_EXSTYLE)) & 0xFFFFFFFF


def is_fully_transparent(window: int) -> bool:
    """A layered window with an opacity of nothing. Transparency by pixel is not told by Windows."""
    colour, alpha, flags = COLORREF(), ctypes.c_ubyte(), DWORD()
    told = _GetLayeredWindowAttributes(window, byref(colour), ctypes.cast(byref(alpha), POINTER(BYTE)), byref(flags))
    return bool(told) and bool(flags.value & _LWA_ALPHA) and alpha.value == 0


def display_affinity(window: int) -> int:
    """0 when captures show it, otherwise a WDA_ value; 0 where Windows does not tell."""
    value = DWORD()
    return int(value.value) if _GetWindowDisplayAffinity(window, byref(value)) else 0


def foreground_window() -> int:
    return int(_GetForegroundWindow() or 0)


def is_top_level(window: int) -> bool:
    return int(_GetAncestor(window, GA_ROOT) or 0) == window
