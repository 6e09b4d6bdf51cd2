"""The entry that gives the machine back at the next login, should power or every process be lost meanwhile.

A launch agent of the user (launchd.plist(5)): macOS reads the folder at login only, so writing the file starts nothing.
"""

from __future__ import annotations

import hashlib
import os
import plistlib
import re
from collections.abc import Mapping
from pathlib import Path

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import Json

_NAME = re.compile(r"invigil\.restore\.[0-9a-f]{12}\.plist")


class AutostartEntry:
    """Written and synced before anything else is changed, removed after everything else was given back."""

    name = lockdown.AUTOSTART

    def __init__(self, command: tuple[str, ...], folder: Path | None = None) -> None:
        self._command = command
        self._folder = folder

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {"file": f"{self._label()}.plist"}

    def perform(self) -> None:
        folder = self._agents()
        path = folder / f"{self._label()}.plist"
        try:
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                _sync(folder.parent)
            part = path.with_suffix(".part")  # launchd reads what ends in .plist only
            with part.open("wb") as file:
                plistlib.dump(self._entry(), file)
                file.flush()
                os.fsync(file.fileno())
            part.chmod(0o600)
            part.replace(path)
            _sync(folder)
        except OSError as error:
            raise LockdownError(
                f"The launch agent {path} can't be written ({error.strerror}); free the disk or its permissions."
            ) from error

    def revert(self, before: Mapping[str, Json]) -> None:
        name = before.get("file")
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise LockdownError("The restore journal has no usable launch agent; remove invigil.restore.* by hand.")
        folder = self._agents()
        (folder / name).unlink(missing_ok=True)
        if folder.is_dir():
            _sync(folder)

    def _entry(self) -> dict[str, object]:
        return {
            "Label": self._label(),
            "ProgramArguments": list(self._command),
            "RunAtLoad": True,
            "LimitLoadToSessionType": "Aqua",
        }

    def _label(self) -> str:
        """One per restore journal, so that two programs with different journals don't remove each other's."""
        digest = hashlib.sha256("\0".join(self._command).encode()).hexdigest()[:12]
        return f"invigil.restore.{digest}"

    def _agents(self) -> Path:
        return Path.home() / "Library" / "LaunchAgents" if self._folder is None else self._folder


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
