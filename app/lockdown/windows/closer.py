"""Closing other programs on Windows."""

from __future__ import annotations

from app.core.errors import LockdownError
from app.lockdown.win32 import kernel32, user32_windows
from app.lockdown.win32.user32_input import WM_CLOSE, post_to_window
from app.lockdown.win32.user32_placing import is_shown


class WindowsCloser:
    """Answers the ``Closer`` port. A program without windows can't be asked: it has to be ended."""

    def ask_window(self, handle: int) -> None:
        try:
            post_to_window(handle, WM_CLOSE)
        except PermissionError as error:
            raise LockdownError(
                "A window belongs to a program with administrator rights, so it can't be closed from here; close it yourself."
            ) from error
        except OSError:
            return  # it is gone already

    def ask_process(self, pid: int) -> None:
        for window in user32_windows.top_level_windows():
            if user32_windows.process_of(window) == pid and is_shown(window):
                self.ask_window(window)

    def end_process(self, pid: int) -> None:
        try:
            kernel32.end_process(pid)
        except PermissionError as error:
            raise LockdownError(
                f"This user may not close the program with process number {pid}; close it yourself, or ask whoever runs the machine."
            ) from error
        except OSError as error:
            raise LockdownError(
                f"The program with process number {pid} can't be closed ({error}); close it yourself."
            ) from error
