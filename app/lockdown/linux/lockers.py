"""Whether the desktop's own screen locker covers the screen, as it says on the session bus."""

from __future__ import annotations

import time
from collections.abc import Mapping

from jeepney import HeaderFields, Message

from app.core.errors import LockdownError
from app.core.types import NS_PER_S
from app.lockdown.linux import dbus

PATHS: Mapping[str, str] = {
    "org.freedesktop.ScreenSaver": "/org/freedesktop/ScreenSaver",
    "org.gnome.ScreenSaver": "/org/gnome/ScreenSaver",
    "org.cinnamon.ScreenSaver": "/org/cinnamon/ScreenSaver",
    "org.mate.ScreenSaver": "/org/mate/ScreenSaver",
    "org.xfce.ScreenSaver": "/org/xfce/ScreenSaver",
}
"""The desktops' screen savers by name, which is their interface's too, and where each answers."""
_AGAIN_NS = 300 * NS_PER_S
_PATIENCE_S = 3.0
"""Whoever is examined may run a bus of their own that answers slowly: it may not keep us from watching."""


class DesktopLockers:
    """Asks once, and then hears of changes. One thread; never raises: a desktop without a locker on the bus has none."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._bus = dbus.Bus(dbus.session_bus(environ))
        self._owners: dict[str, str] = {}
        self._active: set[str] = set()
        self._try_from_ns: int | None = None

    def locked(self, now_ns: int) -> bool:
        try:
            if self._bus.connected:
                for message in self._bus.signals():
                    self._take(message)
            elif self._try_from_ns is None or now_ns >= self._try_from_ns:
                self._try_from_ns = now_ns + _AGAIN_NS
                self._connect()
        except LockdownError:
            self.close()
        return bool(self._active)

    def close(self) -> None:
        self._bus.close()
        self._owners.clear()
        self._active.clear()

    def _connect(self) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        self._bus.connect()
        for name, path in PATHS.items():
            if time.monotonic() > deadline_s:
                raise LockdownError("The session bus is too slow.")
            self._bus.follow_owner(name)
            self._bus.follow(sender=name, interface=name, member="ActiveChanged")
            owner = self._bus.owner(name)
            if owner:
                self._owners[name] = owner
                self._ask(name, path)

    def _ask(self, name: str, path: str) -> None:
        try:
            if self._bus.ask(name, path, name, "GetActive") == (True,):
                self._active.add(name)
        except dbus.Refused:  # it only keeps the screen awake
            return

    def _take(self, message: Message) -> None:
        sender, member = dbus.word(message, HeaderFields.sender), dbus.word(message, HeaderFields.member)
        if sender == dbus.BUS and member == "NameOwnerChanged":
            match message.body:
                case (str(known), str(), str(owner)) if known in PATHS:
                    self._owners[known] = owner
                    self._active.discard(known)
            return
        name = dbus.word(message, HeaderFields.interface)
        if member != "ActiveChanged" or not sender or self._owners.get(name) != sender:
            return
        if message.body == (True,):
            self._active.add(name)
        else:
            self._active.discard(name)
