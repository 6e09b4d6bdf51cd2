"""wtsapi32.dll: the login session."""

from __future__ import annotations

from ctypes import POINTER, Structure, byref, c_int, c_int64, c_void_p, c_wchar, cast
from ctypes.wintypes import BOOL, DWORD, HANDLE, HWND, LONG, ULONG

from app.lockdown.win32.library import Library

WTS_CONSOLE_CONNECT = 1
WTS_CONSOLE_DISCONNECT = 2
WTS_REMOTE_CONNECT = 3
WTS_REMOTE_DISCONNECT = 4
WTS_SESSION_LOCK = 7
WTS_SESSION_UNLOCK = 8

STATE_ACTIVE = 0
STATE_DISCONNECTED = 4
_FLAG_LOCKED = 0
_CURRENT_SESSION = 0xFFFFFFFF
_SESSION_INFO_EX = 25


class SessionInfo(Structure):
    """WTSINFOEX_LEVEL1_W behind WTSINFOEXW's level, which its alignment makes 8 bytes."""

    _fields_ = (
        ("level", DWORD),
        ("padding", DWORD),
        ("session", ULONG),
        ("state", c_int),
        ("flags", LONG),
        ("station", c_wchar * 33),
        ("user", c_wchar * 21),
        ("domain", c_wchar * 18),
        ("times", c_int64 * 5),
        ("counts", DWORD * 6),
    )


_wtsapi32 = Library("wtsapi32")
_WTSRegisterSessionNotification = _wtsapi32.function("WTSRegisterSessionNotification", BOOL, HWND, DWORD)
_WTSUnRegisterSessionNotification = _wtsapi32.function("WTSUnRegisterSessionNotification", BOOL, HWND)
_WTSQuerySessionInformationW = _wtsapi32.function(
    "WTSQuerySessionInformationW", BOOL, HANDLE, DWORD, c_int, POINTER(c_void_p), POINTER(DWORD)
)
_WTSFreeMemory = _wtsapi32.function("WTSFreeMemory", None, c_void_p)


def listen_to_session(window: int) -> bool:
    """WM_WTSSESSION_CHANGE for the session of this process."""
    return bool(_WTSRegisterSessionNotification(window, 0))


def ignore_session(window: int) -> None:
    _WTSUnRegisterSessionNotification(window)


def session_state() -> tuple[int, bool] | None:
    """The connection's state (``STATE_``) and whether the screen is locked; None where Windows does not tell."""
    buffer, size = c_void_p(), DWORD()
    if not _WTSQuerySessionInformationW(None, _CURRENT_SESSION, _SESSION_INFO_EX, byref(buffer), byref(size)):
        return None
    try:
        if not buffer.value or size.value < 20:
            return None
        info = cast(buffer, POINTER(SessionInfo)).contents
        return int(info.state), int(info.flags) == _FLAG_LOCKED
    finally:
        _WTSFreeMemory(buffer)
