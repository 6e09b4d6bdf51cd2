"""The compositor that shows one program only: where it is installed, and whether it is what shows us."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import psutil

NAME = "cage"
HOST = "INVIGIL_COMPOSITOR_HOST"
"""Names the process of ours that started the compositor."""
OPTIONS = ("-d", "--")
"""No frames around windows. Without ``-s``, cage's keys switch to no other console."""
_FOLDERS = tuple(Path(folder) for folder in ("/usr/bin", "/usr/local/bin", "/bin", "/run/current-system/sw/bin"))


def installed(folders: tuple[Path, ...] = _FOLDERS) -> Path | None:
    """The system's own; one that a candidate put on PATH might show more than one program."""
    for folder in folders:
        if os.access(folder / NAME, os.X_OK):
            return folder / NAME
    return None


def is_ours(pid: int, environ: Mapping[str, str]) -> bool:
    """Whether this Wayland server is the installed kiosk compositor as we start it, and shows us and nothing else.

    Between it and us is one process, of the same program as ours; so it was not started with a shell that may start more.
    """
    path = installed()
    try:
        server, own = psutil.Process(pid), psutil.Process()
        above = own.parents()
        return (
            path is not None
            and Path(server.exe()) == path.resolve()
            and server.cmdline()[1 : len(OPTIONS) + 1] == list(OPTIONS)
            and environ.get(HOST) == str(server.ppid())
            and above[1:2] == [server]
            and above[0].exe() == own.exe()
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
