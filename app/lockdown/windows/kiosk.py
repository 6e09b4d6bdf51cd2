"""Our window full-screen and above all others."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.lockdown import allowed_windows
from app.core.policy import Policy
from app.core.ports import KioskWindow
from app.core.types import Json, WindowIs
from app.lockdown.repeating import Repeating
from app.lockdown.win32 import user32_placing, user32_windows
from app.lockdown.win32.dwmapi import is_cloaked
from app.lockdown.windows.windows import accused, shown_windows

_HOLD_EVERY_S = 0.5


class KioskWindowOperation:
    """The toolkit makes the window full-screen and topmost; here it is put above again what another program put there.

    What the policy allows stays above it: on-screen keyboards, magnifiers, capture tools; and so do menus, tool tips and
    input methods. Without a window (in the guardian) there is nothing to undo: a window ends with its program.
    """

    name = lockdown.KIOSK

    def __init__(self, window: KioskWindow | None, policy: Policy | None) -> None:
        self._window = window
        self._allowed = frozenset() if policy is None else allowed_windows(policy)
        self._holding = Repeating("kiosk-on-top", self._hold, _HOLD_EVERY_S)

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        if self._window is None:
            raise LockdownError("The exam window is locked by the client only; start the exam with 'invigil take'.")
        self._window.set_kiosk(True)
        self._holding.start()

    def revert(self, before: Mapping[str, Json]) -> None:
        del before
        self._holding.stop()
        if self._window is not None:
            self._window.set_kiosk(False)

    def _hold(self) -> None:
        ours = 0 if self._window is None else self._window.handle()
        if not ours or not _is_anything_above(ours):
            return
        above = accused(shown_windows(), ours, {os.getpid()}, self._allowed)
        if any(window.why is WindowIs.ABOVE for window in above):
            with contextlib.suppress(OSError):  # the window is just being made anew
                user32_placing.put_on_top(ours)


def _is_anything_above(ours: int) -> bool:
    """A quick look, that seldom needs a second one: whether another program's window is shown before ours."""
    us = os.getpid()
    for window in user32_windows.top_level_windows():
        if window == ours:
            return False
        if user32_windows.process_of(window) != us and user32_windows.is_visible(window) and not is_cloaked(window):
            return True
    return False
