"""The exam left out of pictures and recordings that other programs take of the screen."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.ports import KioskWindow
from app.core.types import Json
from app.lockdown.repeating import Repeating
from app.lockdown.win32 import user32_placing, user32_windows

_HOLD_EVERY_S = 1.0


class CaptureExclusion:
    """Every window of this process that is shown, and those that come later within a second; so long as the process lives.

    Windows 10 from version 2004 on leaves them out; an older one shows them black.
    """

    name = lockdown.CAPTURE_EXCLUSION

    def __init__(self, window: KioskWindow | None) -> None:
        self._window = window
        self._affinity = user32_placing.WDA_EXCLUDEFROMCAPTURE
        self._holding = Repeating("capture-exclusion", self._hold, _HOLD_EVERY_S)

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        handle = 0 if self._window is None else self._window.handle()
        if not handle:
            raise LockdownError("The exam has no window yet that could be left out of captures; try again.")
        try:
            self._exclude(handle)
        except OSError as error:
            raise LockdownError(
                f"Windows can't leave the exam window out of screen captures ({error}), which this exam asks for; "
                f"ask whoever set the exam."
            ) from error
        self._hold()
        self._holding.start()

    def revert(self, before: Mapping[str, Json]) -> None:
        """Only this process can show its windows again; in any other there is nothing to undo."""
        del before
        if self._window is not None:
            self._holding.stop()
            for window in _own_windows():
                if user32_windows.display_affinity(window):
                    with _may_be_gone(window):
                        user32_placing.set_display_affinity(window, user32_placing.WDA_NONE)

    def _exclude(self, window: int) -> None:
        try:
            user32_placing.set_display_affinity(window, self._affinity)
        except OSError:
            if self._affinity == user32_placing.WDA_MONITOR:
                raise
            user32_placing.set_display_affinity(window, user32_placing.WDA_MONITOR)
            self._affinity = user32_placing.WDA_MONITOR

    def _hold(self) -> None:
        for window in _own_windows():
            if not user32_windows.display_affinity(window):
                with _may_be_gone(window):
                    self._exclude(window)


@contextlib.contextmanager
def _may_be_gone(window: int) -> Iterator[None]:
    """A menu or tool tip that has just closed keeps the other windows from nothing."""
    try:
        yield
    except OSError:
        if user32_windows.process_of(window) == os.getpid():
            raise


def _own_windows() -> list[int]:
    us = os.getpid()
    return [
        window
        for window in user32_windows.top_level_windows()
        if user32_windows.process_of(window) == us and user32_windows.is_visible(window)
    ]
