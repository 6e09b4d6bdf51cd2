"""The entry that gives the machine back at the next login, should power or every process be lost meanwhile."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Mapping

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import Json
from app.lockdown.windows.registry import Place, Registry, Root

RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
_NAME = re.compile(r"InvigilRestore-[0-9a-f]{12}")
_LONGEST_COMMAND = 260
"""Windows runs no longer ones from there (learn.microsoft.com, Run and RunOnce Registry Keys)."""


class AutostartEntry:
    """On the disk before anything else is changed, removed after everything else was given back."""

    name = lockdown.AUTOSTART

    def __init__(self, registry: Registry, command: tuple[str, ...]) -> None:
        self._registry = registry
        self._command = command

    def check(self) -> str | None:
        if len(self._line()) <= _LONGEST_COMMAND:
            return None
        return (
            "The command that gives the machine back is longer than Windows' 260 characters for a start entry; "
            "install Invigil in a folder with a shorter path."
        )

    def before(self) -> dict[str, Json]:
        return {"value": self._place().name}

    def perform(self) -> None:
        self._registry.set_text(self._place(), self._line())

    def revert(self, before: Mapping[str, Json]) -> None:
        name = before.get("value")
        if not isinstance(name, str) or _NAME.fullmatch(name) is None:
            raise LockdownError(
                "The restore journal has no usable start entry; remove InvigilRestore-* from Run by hand."
            )
        self._registry.delete(Place(Root.USER, RUN, name))

    def _line(self) -> str:
        return subprocess.list2cmdline(self._command)

    def _place(self) -> Place:
        """One per restore journal, so that two programs with different journals don't remove each other's."""
        digest = hashlib.sha256("\0".join(self._command).encode()).hexdigest()[:12]
        return Place(Root.USER, RUN, f"InvigilRestore-{digest}")
