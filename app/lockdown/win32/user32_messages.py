"""user32.dll: a window that is never shown and gets the system's messages, and the hook for events of other windows."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import POINTER, Structure, byref, c_byte, c_int, c_ssize_t, c_ubyte, c_uint32, c_ushort, c_void_p, sizeof
from ctypes.wintypes import BOOL, DWORD, HANDLE, HINSTANCE, HMODULE, HWND, LONG, LPARAM, LPCWSTR, MSG, UINT, WPARAM
from typing import Any

from app.lockdown.win32 import kernel32
from app.lockdown.win32.library import CALLBACK, Library, failure

WM_CLOSE = 0x0010
WM_ENDSESSION = 0x0016
WM_DISPLAYCHANGE = 0x007E
WM_POWERBROADCAST = 0x0218
WM_DEVICECHANGE = 0x0219
WM_WTSSESSION_CHANGE = 0x02B1
WM_CLIPBOARDUPDATE = 0x031D
WM_APP = 0x8000

PBT_APMSUSPEND = 0x4
PBT_APMRESUMESUSPEND = 0x7
PBT_APMRESUMEAUTOMATIC = 0x12

EVENT_SYSTEM_FOREGROUND = 0x0003
EVENT_OBJECT_SHOW = 0x8002
EVENT_OBJECT_UNCLOAKED = 0x8018
OBJID_WINDOW = 0
_WINEVENT_OUTOFCONTEXT = 0x0
_WINEVENT_SKIPOWNPROCESS = 0x2

_WS_POPUP = 0x80000000
_WS_EX_TOOLWINDOW = 0x00000080
_WS_EX_NOACTIVATE = 0x08000000
_DEVICE_NOTIFY_ALL_INTERFACE_CLASSES = 0x4
_DBT_DEVTYP_DEVICEINTERFACE = 5

WindowProcedure = CALLBACK(c_ssize_t, HWND, UINT, WPARAM, LPARAM)
WinEventProcedure = CALLBACK(None, HANDLE, DWORD, HWND, LONG, LONG, DWORD, DWORD)


class _WindowClass(Structure):
    """WNDCLASSEXW."""

    _fields_ = (
        ("size", UINT),
        ("style", UINT),
        ("procedure", WindowProcedure),
        ("class_extra", c_int),
        ("window_extra", c_int),
        ("instance", HINSTANCE),
        ("icon", HANDLE),
        ("cursor", HANDLE),
        ("background", HANDLE),
        ("menu", LPCWSTR),
        ("name", LPCWSTR),
        ("small_icon", HANDLE),
    )


class _Guid(Structure):
    _fields_ = (("data1", c_uint32), ("data2", c_ushort), ("data3", c_ushort), ("data4", c_ubyte * 8))


class _DeviceInterfaceFilter(Structure):
    """DEV_BROADCAST_DEVICEINTERFACE_W."""

    _fields_ = (
        ("size", DWORD),
        ("device_type", DWORD),
        ("reserved", DWORD),
        ("class_guid", _Guid),
        ("name", c_byte * 2),
    )


_user32 = Library("user32")
_RegisterClassExW = _user32.function("RegisterClassExW", c_ushort, POINTER(_WindowClass))
_UnregisterClassW = _user32.function("UnregisterClassW", BOOL, LPCWSTR, HINSTANCE)
_CreateWindowExW = _user32.function(
    "CreateWindowExW", HWND, DWORD, LPCWSTR, LPCWSTR, DWORD, c_int, c_int, c_int, c_int, HWND, HANDLE, HINSTANCE, c_void_p
)  # fmt: skip
_DestroyWindow = _user32.function("DestroyWindow", BOOL, HWND)
_DefWindowProcW = _user32.function("DefWindowProcW", c_ssize_t, HWND, UINT, WPARAM, LPARAM)
_GetMessageW = _user32.function("GetMessageW", c_int, POINTER(MSG), HWND, UINT, UINT)
_DispatchMessageW = _user32.function("DispatchMessageW", c_ssize_t, POINTER(MSG))
_PostQuitMessage = _user32.function("PostQuitMessage", None, c_int)
_AddClipboardFormatListener = _user32.function("AddClipboardFormatListener", BOOL, HWND)
_RemoveClipboardFormatListener = _user32.function("RemoveClipboardFormatListener", BOOL, HWND)
_RegisterDeviceNotificationW = _user32.function("RegisterDeviceNotificationW", HANDLE, HANDLE, c_void_p, DWORD)
_UnregisterDeviceNotification = _user32.function("UnregisterDeviceNotification", BOOL, HANDLE)
_RegisterSuspendResumeNotification = _user32.function("RegisterSuspendResumeNotification", HANDLE, HANDLE, DWORD)
_UnregisterSuspendResumeNotification = _user32.function("UnregisterSuspendResumeNotification", BOOL, HANDLE)
_SetWinEventHook = _user32.function(
    "SetWinEventHook", HANDLE, DWORD, DWORD, HMODULE, WinEventProcedure, DWORD, DWORD, DWORD
)
_UnhookWinEvent = _user32.function("UnhookWinEvent", BOOL, HANDLE)


def create_hidden_window(class_name: str, procedure: Any) -> int:
    """A top-level window that is never shown, of the calling thread: broadcasts reach it, which message-only windows
    don't get. ``procedure`` has to live as long as the window. Raises OSError."""
    instance = kernel32.this_program()
    window_class = _WindowClass(size=sizeof(_WindowClass), procedure=procedure, instance=instance, name=class_name)
    if not _RegisterClassExW(byref(window_class)):
        raise failure("The window for the system's messages can't be made")
    style = _WS_EX_TOOLWINDOW | _WS_EX_NOACTIVATE
    window = _CreateWindowExW(style, class_name, None, _WS_POPUP, 0, 0, 0, 0, None, None, instance, None)
    if not window:
        raise failure("The window for the system's messages can't be made")
    return int(window)


def destroy_hidden_window(window: int, class_name: str) -> None:
    """On the thread that made it."""
    _DestroyWindow(window)
    _UnregisterClassW(class_name, kernel32.this_program())


def default_answer(window: int, message: int, wparam: int, lparam: int) -> int:
    return int(_DefWindowProcW(window, message, wparam, lparam))


def pump() -> None:
    """Delivers this thread's messages until ``end_pump``, or until any program posts WM_QUIT."""
    message = MSG()
    while _GetMessageW(byref(message), None, 0, 0) > 0:
        _DispatchMessageW(byref(message))


def end_pump() -> None:
    """On the pumping thread."""
    _PostQuitMessage(0)


def listen_to_clipboard(window: int) -> bool:
    return bool(_AddClipboardFormatListener(window))


def ignore_clipboard(window: int) -> None:
    _RemoveClipboardFormatListener(window)


def listen_to_devices(window: int) -> int:
    """WM_DEVICECHANGE for devices of every kind; 0 where Windows does not let us."""
    wanted = _DeviceInterfaceFilter(size=sizeof(_DeviceInterfaceFilter), device_type=_DBT_DEVTYP_DEVICEINTERFACE)
    return int(_RegisterDeviceNotificationW(window, byref(wanted), _DEVICE_NOTIFY_ALL_INTERFACE_CLASSES) or 0)


def ignore_devices(handle: int) -> None:
    _UnregisterDeviceNotification(handle)


def listen_to_sleep(window: int) -> int:
    """WM_POWERBROADCAST on machines with modern standby too, where it is not broadcast; 0 where Windows does not let us."""
    return int(_RegisterSuspendResumeNotification(window, 0) or 0)


def ignore_sleep(handle: int) -> None:
    _UnregisterSuspendResumeNotification(handle)


def listen_to_events(event: int, procedure: Any) -> int:
    """Calls ``procedure`` on this thread, from its pump, for that event of other processes' windows; 0 where it can't."""
    flags = _WINEVENT_OUTOFCONTEXT | _WINEVENT_SKIPOWNPROCESS
    return int(_SetWinEventHook(event, event, None, procedure, 0, 0, flags) or 0)


def ignore_events(hook: int) -> None:
    _UnhookWinEvent(hook)


def window_procedure(answer: Callable[[int, int, int, int], int]) -> Any:
    return WindowProcedure(lambda *values: answer(*(int(value or 0) for value in values)))


def event_procedure(told: Callable[[int, int], None]) -> Any:
    """``told(event, window)`` for whole windows; parts of windows (carets, list entries) are left out."""

    def procedure(_hook: object, event: int, window: int | None, part: int, child: int, *_: object) -> None:
        if part == OBJID_WINDOW and child == 0 and window:
            told(int(event), int(window))

    return WinEventProcedure(procedure)
