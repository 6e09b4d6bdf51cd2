"""The running programs of a Mac: their names, and what their bundles are called; and closing them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from app.core.errors import LockdownError
from app.lockdown.processes import ProcessCloser, Program, PsutilPrograms


@dataclass(frozen=True, slots=True)
class Application:
    """``bundle`` is its identifier (com.example.program), ``folder`` its path (/Applications/Program.app); empty for none."""

    bundle: str
    folder: str

    def names(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.bundle, PurePosixPath(self.folder).name.removesuffix(".app"))))


class MacPrograms:
    """Answers the port ``RunningPrograms``. An application goes by its bundle's names too, which stay when the file in it is
    renamed. Who signed a file is not looked up. One thread."""

    def __init__(self, applications: Callable[[], Mapping[int, Application]]) -> None:
        self._applications = applications
        self._running: Mapping[int, Application] = {}
        self._processes = PsutilPrograms()

    def pids(self) -> Collection[int]:
        self._running = self._applications()
        return self._processes.pids()

    def program(self, pid: int) -> Program | None:
        program = self._processes.program(pid)
        application = self._running.get(pid)
        if program is None or application is None:
            return program
        return Program((*program.names, *application.names()), program.file)

    def signer(self, file: str) -> str:
        return ""


class Applications(Protocol):
    """What AppKit can do with another program. Any thread. False where it did not take it, or there is none such."""

    def quit(self, pid: int) -> bool: ...

    def hide_owner_of(self, window: int) -> bool: ...


class MacCloser:
    """Answers the ``Closer`` port. macOS lets nobody close another program's window, so its program is asked to hide."""

    def __init__(self, applications: Applications) -> None:
        self._applications = applications
        self._processes = ProcessCloser()

    def ask_window(self, handle: int) -> None:
        if not self._applications.hide_owner_of(handle):
            raise LockdownError("A window of another program can't be put away on macOS; close it yourself.")

    def ask_process(self, pid: int) -> None:
        """An application is asked to quit, and may ask to save; anything else gets SIGTERM."""
        if not self._applications.quit(pid):
            self._processes.ask_process(pid)

    def end_process(self, pid: int) -> None:
        self._processes.end_process(pid)
