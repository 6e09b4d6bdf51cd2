"""The entry that gives the machine back at the next login, should power or every process be lost meanwhile.

An XDG autostart file (freedesktop.org, Desktop Application Autostart Specification), run by the desktop environment.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import Json

_NAME = re.compile(r"invigil-restore-[0-9a-f]{12}\.desktop")
_RESERVED = re.compile(r"[\"`$\\]")


class AutostartEntry:
    """Written and synced before anything else is changed, removed after everything else was given back."""

    name = lockdown.AUTOSTART

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        """The folder too: whoever restores may have another environment."""
        return {"file": self._path().name, "folder": str(_folder().absolute())}

    def perform(self) -> None:
        path = self._path()
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _sync(path.parent.parent)
            part = path.with_suffix(".part")
            with part.open("w", encoding="utf-8") as file:
                file.write(_entry(self._command))
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            _sync(path.parent)
        except OSError as error:
            raise LockdownError(
                f"The autostart entry {path} can't be written ({error.strerror}); free the disk or its permissions."
            ) from error

    def revert(self, before: Mapping[str, Json]) -> None:
        name = before.get("file")
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise LockdownError("The restore journal has no usable autostart entry; remove invigil-restore-* by hand.")
        for folder in dict.fromkeys((_folder().absolute(), *_folder_then(before))):
            path = folder / name
            if path.is_file():
                path.unlink(missing_ok=True)
                _sync(folder)

    def _path(self) -> Path:
        """One per restore journal, so that two programs with different journals don't remove each other's."""
        digest = hashlib.sha256("\0".join(self._command).encode()).hexdigest()[:12]
        return _folder() / f"invigil-restore-{digest}.desktop"


def _folder() -> Path:
    return platformdirs.user_config_path() / "autostart"


def _folder_then(before: Mapping[str, Json]) -> tuple[Path, ...]:
    """Where the entry was written. Of another place than a folder for such entries nothing is removed."""
    match before.get("folder"):
        case str(text) if Path(text).is_absolute() and Path(text).name == "autostart" and "\0" not in text:
            return (Path(text),)
    return ()


def _entry(command: tuple[str, ...]) -> str:
    line = " ".join(_quoted(word) for word in command)
    return (
        "[Desktop Entry]\nType=Application\nName=Invigil: give the machine back\n"
        "Comment=Undoes what an exam changed, if it was cut off\n"
        f"Exec={line}\nTerminal=false\nNoDisplay=true\nX-GNOME-Autostart-enabled=true\n"
    )


def _quoted(word: str) -> str:
    """As the Desktop Entry Specification quotes arguments, and then strings."""
    inner = _RESERVED.sub(lambda found: "\\" + found[0], word).replace("%", "%%")
    return '"' + inner.replace("\\", "\\\\") + '"'


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
