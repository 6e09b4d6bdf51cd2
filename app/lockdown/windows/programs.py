"""The running programs of a Windows machine: their names, the names their makers gave them, and who signed them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from app.lockdown.processes import Program
from app.lockdown.win32 import kernel32, version, wintrust


class WindowsPrograms:
    """Answers the port ``RunningPrograms``. A file is opened once, as long as it stays the same. One thread.

    The original name is what the file's maker built in (OriginalFilename): it stays when the file is renamed.
    """

    def __init__(self) -> None:
        self._running: dict[int, str] = {}
        self._original = _ByFile()
        self._signers = _ByFile()

    def pids(self) -> Collection[int]:
        self._running = {process.pid: process.name for process in kernel32.running()}
        return self._running.keys()

    def program(self, pid: int) -> Program | None:
        name = self._running.get(pid)
        if name is None:
            return None
        file = kernel32.program_file(pid)
        if not file:
            return Program((name,))
        original = self._original.known(file)
        if original is None:
            original = self._original.keep(file, version.original_name(file))
        return Program(tuple(filter(None, (name, file, original))), file)

    def signer(self, file: str) -> str:
        signer = self._signers.known(file)
        return self._signers.keep(file, wintrust.signer(file)) if signer is None else signer


class _ByFile:
    """What was found out about a file, until it changes."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[tuple[int, int] | None, str]] = {}

    def known(self, file: str) -> str | None:
        state, found = self._found.get(file, (None, ""))
        return found if state is not None and state == _state(file) else None

    def keep(self, file: str, found: str) -> str:
        self._found[file] = _state(file), found
        return found


def _state(file: str) -> tuple[int, int] | None:
    try:
        status = Path(file).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
