"""Asks the desktop and the login manager to leave the screen on. What they grant ends with the process that asked."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass

from jeepney import FileDescriptor

from app.core.errors import LockdownError
from app.lockdown.linux import dbus, logind

logger = logging.getLogger(__name__)

_WHO = "Invigil"
_WHY = "An exam is being taken."
_IDLE_FLAG = 8
"""Of GNOME's session manager: the session is not taken for idle. Sleep that a person asks for goes on working."""


@dataclass(frozen=True, slots=True)
class _Request:
    name: str
    path: str
    interface: str
    signature: str
    body: tuple[object, ...]


_OF_DESKTOPS = (
    _Request(
        "org.freedesktop.ScreenSaver",
        "/org/freedesktop/ScreenSaver",
        "org.freedesktop.ScreenSaver",
        "ss",
        (_WHO, _WHY),
    ),
    _Request(
        "org.gnome.SessionManager",
        "/org/gnome/SessionManager",
        "org.gnome.SessionManager",
        "susu",
        (_WHO, 0, _WHY, _IDLE_FLAG),
    ),
)
_OF_LOGIND = _Request(logind.NAME, logind.PATH, logind.MANAGER, "ssss", ("idle", _WHO, _WHY, "block"))


class Inhibition:
    """Held from ``hold()`` to ``release()``, or until this process ends. One thread at a time; never raises.

    Neither a closed lid nor sleep that a person asks for is held up. Where nobody grants anything, nothing is held.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._desktop = dbus.Bus(dbus.session_bus(environ))
        self._system = dbus.Bus(dbus.system_bus(environ), descriptors=True)
        self._held: FileDescriptor | None = None

    def hold(self) -> tuple[str, ...]:
        """The services that agreed. What was held before is released."""
        self.release()
        agreed = self._ask_desktop() + self._ask_logind()
        logger.info("asked to leave the screen on: %s", ", ".join(agreed) or "nobody answers")
        return agreed

    def release(self) -> None:
        self._desktop.close()
        if self._held is not None:
            self._held.close()
            self._held = None

    def _ask_desktop(self) -> tuple[str, ...]:
        """The connection stays open: its end is the end of what was granted."""
        try:
            self._desktop.connect()
            agreed = tuple(request.name for request in _OF_DESKTOPS if _ask(self._desktop, request) is not None)
        except LockdownError:
            return ()
        if not agreed:
            self._desktop.close()
        return agreed

    def _ask_logind(self) -> tuple[str, ...]:
        """It gives an open file whose end is the end of what was granted."""
        try:
            self._system.connect()
            answer = _ask(self._system, _OF_LOGIND)
        except LockdownError:
            return ()
        finally:
            self._system.close()
        match answer:
            case (FileDescriptor() as held,):
                self._held = held
                return (_OF_LOGIND.name,)
            case _:
                return ()


def _ask(bus: dbus.Bus, request: _Request) -> tuple[object, ...] | None:
    try:
        return bus.ask(request.name, request.path, request.interface, "Inhibit", request.signature, request.body)
    except dbus.Refused:
        return None
