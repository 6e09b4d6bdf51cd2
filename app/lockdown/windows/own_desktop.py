"""A desktop of the exam's own: no task bar, no start menu, no other program's windows, and Alt+Tab finds nothing else.

The guardian changes to it and back, as a desktop outlives no program on it: a client that is to be there ends with a code
that says so, and the guardian starts it anew on the desktop (``OwnDesktop.start``). The client has nothing to perform.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import Json
from app.lockdown.journal import RestoreJournal
from app.lockdown.sequence import perform_all
from app.lockdown.win32 import kernel32_processes as kernel32
from app.lockdown.win32 import user32_desktops as user32

_PREFIX = "InvigilExam-"
_EVERYBODYS = "Default"
_NAME = re.compile(r"[A-Za-z0-9 ._-]{1,64}")
_TRIES = 40
_PAUSE_S = 0.25
_KILLED = 1


def on_own_desktop() -> bool:
    """Whether this process's windows are on a desktop that an exam made."""
    try:
        return user32.thread_desktop_name(kernel32.current_thread_id()).startswith(_PREFIX)
    except OSError:
        return False


class OwnDesktop:
    """The operation, for the guardian. Its desktop stays until ``revert`` in the same process, or until that has ended.

    ``revert`` shows the desktop again that was shown before, in any process. While Windows asks for a password nobody may
    change the desktop: it is tried for 10 s, then it stays in the journal.
    """

    name = lockdown.DESKTOP

    def __init__(self, pause: Callable[[float], None] = time.sleep) -> None:
        self._pause = pause
        self._desktop = 0

    @property
    def desktop(self) -> str:
        """The name of this process's exam desktop."""
        return f"{_PREFIX}{os.getpid()}"

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        try:
            shown = user32.thread_desktop_name(kernel32.current_thread_id())
        except OSError:
            shown = _EVERYBODYS
        return {"shown": shown if _NAME.fullmatch(shown) else _EVERYBODYS}

    def perform(self) -> None:
        try:
            if not self._desktop:
                self._desktop = user32.create_desktop(self.desktop)
            user32.switch_desktop(self._desktop)
        except OSError as error:
            raise LockdownError(
                f"Windows does not let the exam have a desktop of its own ({error}); ask whoever set the exam."
            ) from error

    def revert(self, before: Mapping[str, Json]) -> None:
        shown = before.get("shown")
        if not isinstance(shown, str) or _NAME.fullmatch(shown) is None or shown.startswith(_PREFIX):
            raise LockdownError("The restore journal has no usable desktop; press Ctrl+Alt+Del and sign out.")
        self._show(shown)
        if self._desktop:
            user32.close_desktop(self._desktop)
            self._desktop = 0

    def _show(self, name: str) -> None:
        for number in range(_TRIES):
            try:
                _switch_to(name)
            except OSError as error:
                if number == _TRIES - 1:
                    raise LockdownError(
                        f"The desktop can't be shown again ({error}); unlock the screen and start Invigil again, "
                        f"or press Ctrl+Alt+Del and sign out."
                    ) from error
                self._pause(_PAUSE_S)
            else:
                return


def _switch_to(name: str) -> None:
    """The desktop of that name, or everybody's when it is gone. Raises OSError."""
    try:
        desktop = user32.open_desktop(name, user32.DESKTOP_SWITCHDESKTOP)
    except FileNotFoundError:
        desktop = user32.open_desktop(_EVERYBODYS, user32.DESKTOP_SWITCHDESKTOP)
    try:
        user32.switch_desktop(desktop)
    finally:
        user32.close_desktop(desktop)


class StartOnOwnDesktop:
    """The guardian's way to start the client there: changes to the desktop first, written down like any other change."""

    def __init__(self, operation: OwnDesktop, journal: RestoreJournal) -> None:
        self._operation = operation
        self._journal = journal

    def __call__(self, command: Sequence[str], environ: Mapping[str, str]) -> DesktopProcess:
        """Raises LockdownError when Windows refuses the desktop, OSError when the program can't be started."""
        perform_all([self._operation], self._journal)
        return start_on(self._operation.desktop, command, environ)


class DesktopProcess:
    """A process on a desktop, with what the guardian needs of ``subprocess.Popen``. One thread."""

    def __init__(self, handle: int, pid: int, command: Sequence[str]) -> None:
        self._handle = handle
        self._command = tuple(command)
        self._code: int | None = None
        self.pid = pid

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired. Looks up at times, as a signal is only heard between two waits."""
        until_s = None if timeout is None else time.monotonic() + timeout
        while (code := self._ended(100)) is None:
            if until_s is not None and timeout is not None and time.monotonic() >= until_s:
                raise subprocess.TimeoutExpired(self._command, timeout)
        return code

    def terminate(self) -> None:
        """At once: Windows has no way to ask a process without a console."""
        if self.poll() is None:
            kernel32.terminate_process(self._handle, _KILLED)

    def kill(self) -> None:
        self.terminate()

    def _ended(self, timeout_ms: int) -> int | None:
        if self._code is None and kernel32.wait_for_process(self._handle, timeout_ms):
            self._code = kernel32.exit_code(self._handle)
            kernel32.close_handle(self._handle)
        return self._code


def start_on(desktop: str, command: Sequence[str], environ: Mapping[str, str]) -> DesktopProcess:
    """Starts a program with its windows on that desktop; it inherits nothing but the environment. Raises OSError."""
    # Windows wants them in order and without regard to case
    block = "".join(f"{name}={environ[name]}\0" for name in sorted(environ, key=str.upper))
    handle, pid = kernel32.create_process(subprocess.list2cmdline(command), desktop, block)
    return DesktopProcess(handle, pid, command)
