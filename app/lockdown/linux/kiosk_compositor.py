"""The compositor that shows one program only: where it is installed, and whether it is what shows us."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

NAME = "cage"
HOST = "INVIGIL_COMPOSITOR_HOST"
"""Names the process of ours that started the compositor."""
_FOLDERS = tuple(Path(folder) for folder in ("/usr/bin", "/usr/local/bin", "/bin", "/run/current-system/sw/bin"))


def installed(folders: tuple[Path, ...] = _FOLDERS) -> Path | None:
    """The system's own; one that a candidate put on PATH might show more than one program."""
    for folder in folders:
        if os.access(folder / NAME, os.X_OK):
            return folder / NAME
    return None


def is_ours(pid: int, environ: Mapping[str, str]) -> bool:
    """Whether this Wayland server is the installed kiosk compositor, started by us, and we are what it was started with."""
    path = installed()
    try:
        server = psutil.Process(pid)
        return (
            path is not None
            and Path(server.exe()) == path.resolve()
            and environ.get(HOST) == str(server.ppid())
            and server in psutil.Process().parents()
        )
    except (psutil.Error, OSError):
        return False


def is_nested(pid: int) -> bool:
    """Whether it is a window of another session itself. One that can't be asked counts as such."""
    try:
        return shown_by_another(psutil.Process(pid).environ())
    except (psutil.Error, OSError):
        return True


def shown_by_another(environ: Mapping[str, str]) -> bool:
    """Whether a compositor that is started with this environment becomes a window."""
    return bool(environ.get("WAYLAND_DISPLAY") or environ.get("DISPLAY"))
