"""kernel32.dll: what a process learns of itself: time awake, and whether a debugger is attached."""

from __future__ import annotations

from ctypes import POINTER, byref, c_ulonglong
from ctypes.wintypes import BOOL, HANDLE

from app.lockdown.win32.library import Library, failure

_kernel32 = Library("kernel32")
_CheckRemoteDebuggerPresent = _kernel32.function("CheckRemoteDebuggerPresent", BOOL, HANDLE, POINTER(BOOL))
_GetCurrentProcess = _kernel32.function("GetCurrentProcess", HANDLE)
_QueryUnbiasedInterruptTime = _kernel32.function("QueryUnbiasedInterruptTime", BOOL, POINTER(c_ulonglong))


def awake_ns() -> int:
    """Nanoseconds since Windows started, sleep left out. Raises OSError."""
    ticks = c_ulonglong()
    if not _QueryUnbiasedInterruptTime(byref(ticks)):
        raise failure("The time awake can't be read")
    return int(ticks.value) * 100


def debugged() -> bool:
    """Whether a debugger of another process is attached to this one. Raises OSError."""
    present = BOOL()
    if not _CheckRemoteDebuggerPresent(_GetCurrentProcess(), byref(present)):
        raise failure("Whether a debugger is attached can't be read")
    return bool(present.value)
