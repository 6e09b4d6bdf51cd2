"""kernel32.dll: this thread's part in keeping awake, and starting and ending processes."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, Structure, byref, c_int, c_void_p, create_unicode_buffer, sizeof
from ctypes.wintypes import BOOL, DWORD, HANDLE, LPCWSTR, LPWSTR, UINT, WORD

from app.lockdown.win32.library import Library, failure

_kernel32 = Library("kernel32")

ES_CONTINUOUS = 0x80000000
ES_SYSTEM_REQUIRED = 0x1
ES_DISPLAY_REQUIRED = 0x2
_THREAD_PRIORITY_HIGHEST = 2

_GetCurrentThreadId = _kernel32.function("GetCurrentThreadId", DWORD)
_GetCurrentThread = _kernel32.function("GetCurrentThread", HANDLE)
_SetThreadPriority = _kernel32.function("SetThreadPriority", BOOL, HANDLE, c_int)
_GetTickCount = _kernel32.function("GetTickCount", DWORD)
_SetThreadExecutionState = _kernel32.function("SetThreadExecutionState", DWORD, DWORD)
_CloseHandle = _kernel32.function("CloseHandle", BOOL, HANDLE)


def current_thread_id() -> int:
    return int(_GetCurrentThreadId())


def raise_thread_priority() -> None:
    """This thread goes before others of this process and of most programs."""
    _SetThreadPriority(_GetCurrentThread(), _THREAD_PRIORITY_HIGHEST)


def tick_count_ms() -> int:
    """Since the machine started, on the clock of input events; anew from 0 every 49.7 days."""
    return int(_GetTickCount())


def set_thread_execution_state(state: int) -> int:
    """ES_ values for this thread, in force as long as it lives; returns those before. Raises OSError."""
    before = int(_SetThreadExecutionState(state))
    if not before:
        raise failure("SetThreadExecutionState")
    return before


# ---- starting a process on a desktop

WAIT_OBJECT_0 = 0
WAIT_TIMEOUT = 0x102
INFINITE_MS = 0xFFFFFFFF
_CREATE_UNICODE_ENVIRONMENT = 0x400
_CREATE_NO_WINDOW = 0x08000000
"""Without a console: one of the guardian's is on another desktop."""


class _StartupInfo(Structure):
    """STARTUPINFOW."""

    _fields_ = (
        ("size", DWORD), ("reserved", LPWSTR), ("desktop", LPWSTR), ("title", LPWSTR),
        ("x_px", DWORD), ("y_px", DWORD), ("width_px", DWORD), ("height_px", DWORD),
        ("columns", DWORD), ("rows", DWORD), ("fill", DWORD), ("flags", DWORD),
        ("show_window", WORD), ("reserved2_size", WORD), ("reserved2", c_void_p),
        ("stdin", HANDLE), ("stdout", HANDLE), ("stderr", HANDLE),
    )  # fmt: skip


class _ProcessInformation(Structure):
    _fields_ = (("process", HANDLE), ("thread", HANDLE), ("pid", DWORD), ("thread_id", DWORD))


_CreateProcessW = _kernel32.function(
    "CreateProcessW", BOOL,
    LPCWSTR, LPWSTR, c_void_p, c_void_p, BOOL, DWORD, c_void_p, LPCWSTR,
    POINTER(_StartupInfo), POINTER(_ProcessInformation),
)  # fmt: skip
_WaitForSingleObject = _kernel32.function("WaitForSingleObject", DWORD, HANDLE, DWORD)
_GetExitCodeProcess = _kernel32.function("GetExitCodeProcess", BOOL, HANDLE, POINTER(DWORD))
_TerminateProcess = _kernel32.function("TerminateProcess", BOOL, HANDLE, UINT)


def create_process(command_line: str, desktop: str, environment: str) -> tuple[int, int]:
    """Starts a program with its windows on a desktop of this window station; returns its handle and its id.

    ``environment`` is the block of ``NAME=value`` lines, each ended by a NUL. Nothing is inherited. Close the handle.
    Raises OSError.
    """
    startup = _StartupInfo(size=sizeof(_StartupInfo), desktop=desktop)
    made = _ProcessInformation()
    line, block = create_unicode_buffer(command_line), ctypes.create_unicode_buffer(environment)
    flags = _CREATE_UNICODE_ENVIRONMENT | _CREATE_NO_WINDOW
    if not _CreateProcessW(None, line, None, None, False, flags, block, None, byref(startup), byref(made)):
        raise failure("CreateProcess")
    _CloseHandle(made.thread)
    return int(made.process), int(made.pid)


def wait_for_process(handle: int, timeout_ms: int) -> bool:
    """Whether it has ended within the time. Raises OSError."""
    result = int(_WaitForSingleObject(handle, timeout_ms))
    if result not in {WAIT_OBJECT_0, WAIT_TIMEOUT}:
        raise failure("WaitForSingleObject")
    return result == WAIT_OBJECT_0


def exit_code(handle: int) -> int:
    """Of a process that has ended. Raises OSError."""
    code = DWORD(0)
    if not _GetExitCodeProcess(handle, byref(code)):
        raise failure("GetExitCodeProcess")
    return int(code.value)


def terminate_process(handle: int, code: int = 1) -> None:
    """Ends it at once. Raises OSError, also when it has ended already."""
    if not _TerminateProcess(handle, code):
        raise failure("TerminateProcess")


def close_handle(handle: int) -> None:
    _CloseHandle(handle)
