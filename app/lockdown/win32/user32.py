"""user32.dll: metrics, settings of the session, and the clipboard.

Functions that are told to raise give OSError with Windows' own words. Source: learn.microsoft.com, Win32 API.
"""

from __future__ import annotations

from ctypes import byref, c_int, c_void_p
from ctypes.wintypes import BOOL, DWORD, HANDLE, HWND, UINT
from typing import Any

from app.lockdown.win32.library import Library, failure

_user32 = Library("user32")

SM_CXSCREEN = 0
SM_CYSCREEN = 1
SM_CMONITORS = 80
SM_DIGITIZER = 94
SM_REMOTESESSION = 0x1000
SM_SHUTTINGDOWN = 0x2000
SM_REMOTECONTROL = 0x2001

SPI_GETSCREENSAVEACTIVE = 0x10
SPI_SETSCREENSAVEACTIVE = 0x11
SPI_GETFILTERKEYS = 0x32
SPI_SETFILTERKEYS = 0x33
SPI_GETTOGGLEKEYS = 0x34
SPI_SETTOGGLEKEYS = 0x35
SPI_GETSTICKYKEYS = 0x3A
SPI_SETSTICKYKEYS = 0x3B

_GetSystemMetrics = _user32.function("GetSystemMetrics", c_int, c_int)
_SystemParametersInfoW = _user32.function("SystemParametersInfoW", BOOL, UINT, UINT, c_void_p, UINT)


def system_metric(index: int) -> int:
    """One of the SM_ values."""
    return int(_GetSystemMetrics(index))


def has_touch_or_pen() -> bool:
    """Whether a touch screen or a pen is there, built in or plugged in."""
    return bool(system_metric(SM_DIGITIZER) & 0x0F)


def system_parameter(action: int, number: int, data: Any = None) -> None:
    """Reads or sets a setting of this session (SPI_); nothing is written to the person's profile. Raises OSError."""
    if not _SystemParametersInfoW(action, number, None if data is None else byref(data), 0):
        raise failure("SystemParametersInfo")


# ---- the clipboard

_OpenClipboard = _user32.function("OpenClipboard", BOOL, HWND)
_EmptyClipboard = _user32.function("EmptyClipboard", BOOL)
_CloseClipboard = _user32.function("CloseClipboard", BOOL)
_CountClipboardFormats = _user32.function("CountClipboardFormats", c_int)
_GetClipboardOwner = _user32.function("GetClipboardOwner", HWND)
_GetClipboardSequenceNumber = _user32.function("GetClipboardSequenceNumber", DWORD)
_SetClipboardData = _user32.function("SetClipboardData", HANDLE, UINT, HANDLE)
CF_UNICODETEXT = 13


def empty_clipboard() -> None:
    """Raises OSError, mostly because another program has it open just now."""
    if not _OpenClipboard(None):
        raise failure("OpenClipboard")
    try:
        if not _EmptyClipboard():
            raise failure("EmptyClipboard")
    finally:
        _CloseClipboard()


def clipboard_formats() -> int:
    """In how many formats there is something in it; 0 when it is empty."""
    return int(_CountClipboardFormats())


def offer_to_clipboard(owner: int, format_: int) -> None:
    """Says that a window of ours has something to paste in a format, without any data. Raises OSError."""
    if not _OpenClipboard(owner):
        raise failure("OpenClipboard")
    try:
        _EmptyClipboard()
        _SetClipboardData(format_, None)
    finally:
        _CloseClipboard()


def clipboard_owner() -> int:
    """The window that put in what is there; 0 when it is gone, or nothing is there."""
    return int(_GetClipboardOwner() or 0)


def clipboard_changes() -> int:
    """Counts up at every change of the clipboard."""
    return int(_GetClipboardSequenceNumber())
