"""Our window as the only one on an X server, with every key."""

from __future__ import annotations

from collections.abc import Mapping

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.lockdown import allowed_windows
from app.core.policy import Policy
from app.core.ports import KioskWindow
from app.core.types import Json
from app.lockdown.linux.x11 import display_problem
from app.lockdown.linux.x11_windows import KeptAbove


class KioskWindowOperation:
    """Our window full-screen and above all others, kept there past the window manager. Without a window (in the
    guardian) there is nothing to undo: the X server drops a client's windows with the client."""

    name = lockdown.KIOSK

    def __init__(self, window: KioskWindow | None, policy: Policy | None = None) -> None:
        self._window = window
        self._kept = KeptAbove(window, frozenset() if policy is None else allowed_windows(policy))

    def check(self) -> str | None:
        return display_problem()

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        _needed(self._window).set_kiosk(True)
        self._kept.start()

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        self._kept.stop()
        if self._window is not None:
            self._window.set_kiosk(False)


class KeyboardGrab:
    """Every key goes to our window, past the window manager. Ends with the client if nobody reverts it."""

    name = lockdown.KEYBOARD

    def __init__(self, window: KioskWindow | None) -> None:
        self._window = window

    def check(self) -> str | None:
        return display_problem()

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        if not _needed(self._window).grab_keyboard(True):
            raise LockdownError(
                "Another program holds the keyboard, so the exam can't be locked; close open menus and screen lockers."
            )

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        if self._window is not None:
            self._window.grab_keyboard(False)


def _needed(window: KioskWindow | None) -> KioskWindow:
    if window is None:
        raise LockdownError("The exam window is locked by the client only; start the exam with 'invigil take'.")
    return window
