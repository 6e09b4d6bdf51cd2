"""user32.dll: desktops of this window station.

Functions that are told to raise give OSError with Windows' own words. Source: learn.microsoft.com, Win32 API.
"""

from __future__ import annotations

from ctypes import POINTER, byref, c_int, c_void_p, create_unicode_buffer, sizeof
from ctypes.wintypes import BOOL, DWORD, HANDLE, LPARAM, LPCWSTR, LPWSTR

from app.lockdown.win32.library import CALLBACK, Library, failure

_user32 = Library("user32")

GENERIC_ALL = 0x10000000
DESKTOP_SWITCHDESKTOP = 0x100
DESKTOP_READOBJECTS = 0x1
_UOI_NAME = 2
_EnumDesktopProcedure = CALLBACK(BOOL, LPWSTR, LPARAM)

_CreateDesktopW = _user32.function("CreateDesktopW", HANDLE, LPCWSTR, c_void_p, c_void_p, DWORD, DWORD, c_void_p)
_OpenDesktopW = _user32.function("OpenDesktopW", HANDLE, LPCWSTR, DWORD, BOOL, DWORD)
_OpenInputDesktop = _user32.function("OpenInputDesktop", HANDLE, DWORD, BOOL, DWORD)
_SwitchDesktop = _user32.function("SwitchDesktop", BOOL, HANDLE)
_CloseDesktop = _user32.function("CloseDesktop", BOOL, HANDLE)
_GetThreadDesktop = _user32.function("GetThreadDesktop", HANDLE, DWORD)
_GetProcessWindowStation = _user32.function("GetProcessWindowStation", HANDLE)
_EnumDesktopsW = _user32.function("EnumDesktopsW", BOOL, HANDLE, _EnumDesktopProcedure, LPARAM)
_GetUserObjectInformationW = _user32.function(
    "GetUserObjectInformationW", BOOL, HANDLE, c_int, c_void_p, DWORD, POINTER(DWORD)
)


def create_desktop(name: str) -> int:
    """A new desktop of this window station, or the one of that name; close the handle. Raises OSError."""
    handle = _CreateDesktopW(name, None, None, 0, GENERIC_ALL, None)
    if not handle:
        raise failure("CreateDesktop")
    return int(handle)


def open_desktop(name: str, access: int) -> int:
    """Close the handle. Raises OSError when there is none of that name."""
    handle = _OpenDesktopW(name, 0, False, access)
    if not handle:
        raise failure("OpenDesktop")
    return int(handle)


def switch_desktop(handle: int) -> None:
    """Shows the desktop and gives it the input. Raises OSError."""
    if not _SwitchDesktop(handle):
        raise failure("SwitchDesktop")


def close_desktop(handle: int) -> None:
    """A desktop without handles and without programs on it is gone."""
    _CloseDesktop(handle)


def desktop_names() -> list[str]:
    """The desktops of this window station."""
    found: list[str] = []

    def note(name: str, _: int) -> int:
        found.append(name)
        return 1

    _EnumDesktopsW(_GetProcessWindowStation(), _EnumDesktopProcedure(note), 0)
    return found


def thread_desktop_name(thread_id: int) -> str:
    """The desktop that a thread's windows are on. Raises OSError."""
    return _object_name(int(_GetThreadDesktop(thread_id) or 0))


def input_desktop_name() -> str:
    """The desktop that is shown; ``Winlogon`` while the system asks for a password. Raises OSError when not told."""
    handle = _OpenInputDesktop(0, False, DESKTOP_READOBJECTS)
    if not handle:
        raise failure("OpenInputDesktop")
    try:
        return _object_name(int(handle))
    finally:
        _CloseDesktop(handle)


def _object_name(handle: int) -> str:
    name = create_unicode_buffer(256)
    if not _GetUserObjectInformationW(handle, _UOI_NAME, name, sizeof(name), byref(DWORD(0))):
        raise failure("GetUserObjectInformation")
    return name.value
