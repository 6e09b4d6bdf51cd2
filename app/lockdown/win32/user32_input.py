"""user32.dll: low-level hooks, keys, and the messages of a thread.

Functions that are told to raise give OSError with Windows' own words. Source: learn.microsoft.com, Win32 API.
"""

from __future__ import annotations

from ctypes import POINTER, Structure, byref, c_int, c_ssize_t, c_ubyte, c_void_p, sizeof
from ctypes.wintypes import BOOL, DWORD, HHOOK, HINSTANCE, HWND, LPARAM, MSG, POINT, SHORT, UINT, WPARAM
from typing import Any

from app.lockdown.win32 import kernel32
from app.lockdown.win32.library import CALLBACK, Library, failure

_user32 = Library("user32")

# ---- the messages of a thread

WM_CLOSE = 0x10
WM_QUIT = 0x12
WM_KEYDOWN = 0x100
WM_KEYUP = 0x101
WM_SYSKEYDOWN = 0x104
WM_SYSKEYUP = 0x105
WM_TIMER = 0x113
WM_MOUSEMOVE = 0x200
MOUSE_PRESSES = frozenset({0x201, 0x204, 0x207, 0x20A, 0x20B, 0x20E})
"""The buttons going down, and the wheels turning: WM_LBUTTONDOWN and its like."""

_GetMessageW = _user32.function("GetMessageW", c_int, POINTER(MSG), HWND, UINT, UINT)
_PeekMessageW = _user32.function("PeekMessageW", BOOL, POINTER(MSG), HWND, UINT, UINT, UINT)
_DispatchMessageW = _user32.function("DispatchMessageW", c_ssize_t, POINTER(MSG))
_PostThreadMessageW = _user32.function("PostThreadMessageW", BOOL, DWORD, UINT, WPARAM, LPARAM)
_PostMessageW = _user32.function("PostMessageW", BOOL, HWND, UINT, WPARAM, LPARAM)
_SetTimer = _user32.function("SetTimer", c_void_p, HWND, c_void_p, UINT, c_void_p)
_KillTimer = _user32.function("KillTimer", BOOL, HWND, c_void_p)


def make_message_queue() -> None:
    """Gives this thread a message queue, so that messages can be posted to it."""
    _PeekMessageW(byref(MSG()), None, 0, 0, 0)


def next_message() -> tuple[int, int] | None:
    """Waits for this thread's next message, dispatches it, and returns its number and wParam; None for WM_QUIT."""
    message = MSG()
    if _GetMessageW(byref(message), None, 0, 0) <= 0:
        return None
    _DispatchMessageW(byref(message))
    return int(message.message), int(message.wParam)


def post_to_thread(thread_id: int, message: int) -> None:
    """Raises OSError when the thread is gone or has no message queue."""
    if not _PostThreadMessageW(thread_id, message, 0, 0):
        raise failure("PostThreadMessage")


def post_to_window(handle: int, message: int) -> None:
    """Raises OSError when the window is gone or belongs to a program with more rights."""
    if not _PostMessageW(handle, message, 0, 0):
        raise failure("PostMessage")


def start_timer(interval_ms: int) -> int:
    """WM_TIMER to this thread at an interval; returns the timer's number. Raises OSError."""
    timer = _SetTimer(None, None, interval_ms, None)
    if not timer:
        raise failure("SetTimer")
    return int(timer)


def stop_timer(timer: int) -> None:
    _KillTimer(None, timer)


# ---- hooks and keys

WH_KEYBOARD_LL = 13
WH_MOUSE_LL = 14
LLKHF_INJECTED = 0x10 | 0x02
"""By a program, or by one with fewer rights."""
LLMHF_INJECTED = 0x01 | 0x02
_OF_TOUCH_OR_PEN, _SIGNATURE = 0xFF515700, 0xFFFFFF00
"""learn.microsoft.com, System Events and Mouse Messages (Tablet PC)."""


class KeyboardHookData(Structure):
    """KBDLLHOOKSTRUCT."""

    _fields_ = (("vk", DWORD), ("scan", DWORD), ("flags", DWORD), ("time_ms", DWORD), ("extra", c_void_p))


class MouseHookData(Structure):
    """MSLLHOOKSTRUCT."""

    _fields_ = (("point", POINT), ("data", DWORD), ("flags", DWORD), ("time_ms", DWORD), ("extra", c_void_p))


def is_of_touch_or_pen(extra: int | None) -> bool:
    """Whether Windows made the mouse event of a touch or a pen, or a program says so: ``extra`` is anybody's to set."""
    return (extra or 0) & _SIGNATURE == _OF_TOUCH_OR_PEN


HookProcedure = CALLBACK(c_ssize_t, c_int, WPARAM, c_void_p)
"""(code, message, address of the data above) -> 1 to swallow, else what ``next_hook`` gives. Keep a reference."""


class _LastInput(Structure):
    _fields_ = (("size", UINT), ("time_ms", DWORD))


_SetWindowsHookExW = _user32.function("SetWindowsHookExW", HHOOK, c_int, HookProcedure, HINSTANCE, DWORD)
_UnhookWindowsHookEx = _user32.function("UnhookWindowsHookEx", BOOL, HHOOK)
_CallNextHookEx = _user32.function("CallNextHookEx", c_ssize_t, HHOOK, c_int, WPARAM, c_void_p)
_GetAsyncKeyState = _user32.function("GetAsyncKeyState", SHORT, c_int)
_GetLastInputInfo = _user32.function("GetLastInputInfo", BOOL, POINTER(_LastInput))
_keybd_event = _user32.function("keybd_event", None, c_ubyte, c_ubyte, DWORD, c_void_p)
_mouse_event = _user32.function("mouse_event", None, DWORD, DWORD, DWORD, DWORD, c_void_p)


def set_hook(kind: int, procedure: Any) -> int:
    """A low-level hook that is called on this thread while it waits for messages. Raises OSError."""
    hook = _SetWindowsHookExW(kind, procedure, kernel32.this_program(), 0)
    if not hook:
        raise failure("SetWindowsHookEx")
    return int(hook)


def remove_hook(hook: int) -> bool:
    """False when it was removed already, as Windows does with one that answered too late."""
    return bool(_UnhookWindowsHookEx(hook))


def next_hook(code: int, message: int, data: int) -> int:
    return int(_CallNextHookEx(None, code, message, data))


def key_is_down(vk: int) -> bool:
    """Whether the key is held, as the system sees it; a swallowed key never is."""
    return bool(_GetAsyncKeyState(vk) & 0x8000)


def last_input_ms() -> int:
    """When this session's last input came, on the clock of ``tick_count_ms``."""
    last = _LastInput(sizeof(_LastInput), 0)
    if not _GetLastInputInfo(byref(last)):
        raise failure("GetLastInputInfo")
    return int(last.time_ms)


def make_key_event(vk: int, *, up: bool = False) -> None:
    """A key as a program makes it."""
    _keybd_event(vk, 0, 2 if up else 0, None)


def make_mouse_event(flags: int, extra: int = 0) -> None:
    """A movement or click as a program makes it (MOUSEEVENTF_)."""
    _mouse_event(flags, 0, 0, 0, extra)
