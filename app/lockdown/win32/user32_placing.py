"""user32.dll: making, showing, hiding and raising windows, and keeping ours out of captures.

Functions that are told to raise give OSError with Windows' own words. Source: learn.microsoft.com, Win32 API.
"""

from __future__ import annotations

from ctypes import c_int, c_void_p
from ctypes.wintypes import BOOL, DWORD, HANDLE, HINSTANCE, HWND, LPCWSTR, UINT

from app.lockdown.win32.library import Library, failure

_user32 = Library("user32")

SW_HIDE = 0
SW_MAXIMIZE = 3
SW_SHOWNOACTIVATE = 4
SW_SHOWMINNOACTIVE = 7
SW_SHOWNA = 8
SW_RESTORE = 9
WS_OVERLAPPEDWINDOW = 0x00CF0000
WS_VISIBLE = 0x10000000
WS_EX_TOPMOST = 0x8
WS_EX_TOOLWINDOW = 0x80
WS_EX_APPWINDOW = 0x40000
WS_EX_NOACTIVATE = 0x08000000
WDA_NONE = 0x0
WDA_MONITOR = 0x1
WDA_EXCLUDEFROMCAPTURE = 0x11
_GW_OWNER = 4
_HWND_TOPMOST = -1
_SWP_NOSIZE_NOMOVE_NOACTIVATE = 0x1 | 0x2 | 0x10
_SWP_ASYNCWINDOWPOS = 0x4000

_GetWindow = _user32.function("GetWindow", HWND, HWND, UINT)
_IsIconic = _user32.function("IsIconic", BOOL, HWND)
_IsWindowVisible = _user32.function("IsWindowVisible", BOOL, HWND)
_IsZoomed = _user32.function("IsZoomed", BOOL, HWND)
_ShowWindowAsync = _user32.function("ShowWindowAsync", BOOL, HWND, c_int)
_SetWindowPos = _user32.function("SetWindowPos", BOOL, HWND, HWND, c_int, c_int, c_int, c_int, UINT)
_SetForegroundWindow = _user32.function("SetForegroundWindow", BOOL, HWND)
_FindWindowExW = _user32.function("FindWindowExW", HWND, HWND, HWND, LPCWSTR, LPCWSTR)
_SetWindowDisplayAffinity = _user32.function("SetWindowDisplayAffinity", BOOL, HWND, DWORD)
_CreateWindowExW = _user32.function(
    "CreateWindowExW", HWND,
    DWORD, LPCWSTR, LPCWSTR, DWORD, c_int, c_int, c_int, c_int, HWND, HANDLE, HINSTANCE, c_void_p,
)  # fmt: skip
_DestroyWindow = _user32.function("DestroyWindow", BOOL, HWND)


def owner_of(window: int) -> int:
    """The window that it belongs to, as a dialog does; 0 for none."""
    return int(_GetWindow(window, _GW_OWNER) or 0)


def is_minimised(window: int) -> bool:
    return bool(_IsIconic(window))


def is_maximised(window: int) -> bool:
    return bool(_IsZoomed(window))


def is_shown(window: int) -> bool:
    """Visible or minimised; it may be covered."""
    return bool(_IsWindowVisible(window))


def show(window: int, how: int) -> None:
    """One of the SW_ ways, without waiting for the window's program; one with more rights does not obey."""
    _ShowWindowAsync(window, how)


def put_on_top(window: int) -> None:
    """Above all others, and to stay so, without taking the focus; without waiting for the window's thread, which may be
    waiting for ours. Raises OSError."""
    flags = _SWP_NOSIZE_NOMOVE_NOACTIVATE | _SWP_ASYNCWINDOWPOS
    if not _SetWindowPos(window, _HWND_TOPMOST, 0, 0, 0, 0, flags):
        raise failure("SetWindowPos")


def set_foreground_window(window: int) -> bool:
    """Windows refuses it to programs that the person is not using."""
    return bool(_SetForegroundWindow(window))


def windows_of_class(name: str) -> list[int]:
    """Top-level windows of a class, shown or not, front to back."""
    found: list[int] = []
    window = _FindWindowExW(None, None, name, None)
    while window:
        found.append(int(window))
        window = _FindWindowExW(None, window, name, None)
    return found


def set_display_affinity(window: int, affinity: int) -> None:
    """One of the WDA_ values; for windows of this process only. Raises OSError."""
    if not _SetWindowDisplayAffinity(window, affinity):
        raise failure("SetWindowDisplayAffinity")


def create_window(class_name: str, style: int, place_px: tuple[int, int, int, int], extended_style: int = 0) -> int:
    """A window of this thread without a title, at left, top, width, height. Raises OSError."""
    window = _CreateWindowExW(extended_style, class_name, None, style, *place_px, None, None, None, None)
    if not window:
        raise failure("CreateWindowEx")
    return int(window)


def destroy_window(window: int) -> None:
    """On the thread that made it."""
    _DestroyWindow(window)
