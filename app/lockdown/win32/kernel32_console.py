"""kernel32.dll: what Windows tells a program with a console, and when it ends the program at the end of a session."""

from __future__ import annotations

from collections.abc import Callable
from ctypes.wintypes import BOOL, DWORD
from typing import Any

from app.lockdown.win32.library import CALLBACK, Library, failure

CTRL_C_EVENT = 0
CTRL_BREAK_EVENT = 1
CTRL_CLOSE_EVENT = 2
CTRL_LOGOFF_EVENT = 5
CTRL_SHUTDOWN_EVENT = 6

_HandlerRoutine = CALLBACK(BOOL, DWORD)
_kernel32 = Library("kernel32")
_SetConsoleCtrlHandler = _kernel32.function("SetConsoleCtrlHandler", BOOL, _HandlerRoutine, BOOL)
_SetProcessShutdownParameters = _kernel32.function("SetProcessShutdownParameters", BOOL, DWORD, DWORD)


def console_handler(answer: Callable[[int], bool]) -> Any:
    """``answer`` is called with a CTRL_ value on a thread of Windows' own; False lets others answer. Keep a reference."""
    return _HandlerRoutine(lambda event: int(answer(int(event))))


def add_console_handler(handler: Any) -> None:
    """It is asked before those that were added earlier, Python's among them. Raises OSError."""
    if not _SetConsoleCtrlHandler(handler, True):
        raise failure("SetConsoleCtrlHandler")


def remove_console_handler(handler: Any) -> None:
    _SetConsoleCtrlHandler(handler, False)


def set_shutdown_level(level: int) -> None:
    """At the end of a session programs are ended from high to low; 0x280 unless they say otherwise. Raises OSError."""
    if not _SetProcessShutdownParameters(level, 0):
        raise failure("SetProcessShutdownParameters")
