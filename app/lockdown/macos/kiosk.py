"""Our window as the only one: over everything, without Dock and menu bar, with no way to another program."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.lockdown import allowed_windows
from app.core.policy import Policy
from app.core.ports import KioskWindow
from app.core.types import Json
from app.lockdown.repeating import Repeating

_HOLD_EVERY_S = 0.5

OPTIONS = {
    "HideDock": 1 << 1,
    "HideMenuBar": 1 << 3,
    "DisableAppleMenu": 1 << 4,
    "DisableProcessSwitching": 1 << 5,
    "DisableForceQuit": 1 << 6,
    "DisableSessionTermination": 1 << 7,
    "DisableHideApplication": 1 << 8,
}
"""NSApplicationPresentationOptions (AppKit, NSApplication.h) that an exam sets. They hold while our program is active."""
KIOSK_OPTIONS = sum(OPTIONS.values())


class Presentation(Protocol):
    """How macOS presents our program. Any thread; ends with the program."""

    def enter(self, *, over_everything: bool) -> None:
        """Raises LockdownError where macOS does not do it. ``over_everything``: above every window of other programs."""

    def hold(self) -> None:
        """Does again what another program or our toolkit undid; does not wait."""

    def leave(self) -> None:
        """As it was before. Safe to call without ``enter``."""


class KioskWindowOperation:
    """The toolkit makes the window cover the screen; macOS hides all else.

    ``presentation`` is Apple's assessment mode where that is granted, otherwise the presentation options and the window's
    level. Without a window (in the guardian) there is nothing to undo: all of it ends with the program.
    """

    name = lockdown.KIOSK

    def __init__(self, window: KioskWindow | None, policy: Policy | None, presentation: Presentation) -> None:
        self._window = window
        self._policy = policy
        self._presentation = presentation
        self._holding = Repeating("kiosk-on-top", presentation.hold, _HOLD_EVERY_S)

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        if self._window is None or self._policy is None:
            raise LockdownError("The exam window is locked by the client only; start the exam with 'invigil take'.")
        self._window.set_kiosk(True)
        self._presentation.enter(over_everything=covers_everything(self._policy))
        self._holding.start()

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        if self._window is not None:
            self._holding.stop()
            self._presentation.leave()
            self._window.set_kiosk(False)


def covers_everything(policy: Policy) -> bool:
    """Whether no window of another program may be seen: not where one is allowed, or helps the person."""
    return not allowed_windows(policy) and not policy.accessibility.screen_reader


def problems_of(options: Mapping[str, int]) -> list[str]:
    """What Apple forbids of a combination (NSApplication.PresentationOptions); macOS raises an exception for each."""
    on = set(options)
    dock = on & {"HideDock", "AutoHideDock"}
    found = []
    if len(dock) == 2:
        found.append("HideDock and AutoHideDock exclude each other.")
    if {"HideMenuBar", "AutoHideMenuBar"} <= on:
        found.append("HideMenuBar and AutoHideMenuBar exclude each other.")
    if "HideMenuBar" in on and "HideDock" not in on:
        found.append("HideMenuBar needs HideDock.")
    if "AutoHideMenuBar" in on and not dock:
        found.append("AutoHideMenuBar needs HideDock or AutoHideDock.")
    needing = ("DisableProcessSwitching", "DisableForceQuit", "DisableSessionTermination", "DisableMenuBarTransparency")
    return found + [f"{name} needs HideDock or AutoHideDock." for name in needing if name in on and not dock]
