"""The exam left out of pictures and recordings that other programs take of the screen, as far as macOS still does so."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.ports import KioskWindow
from app.core.types import Json
from app.lockdown.repeating import Repeating

_HOLD_EVERY_S = 1.0


class CaptureExclusion:
    """Every window of this process, and those that come later within a second; so long as the process lives.

    ``share`` says for all our windows whether others may read them, and returns how many there are; it raises
    LockdownError where the main thread does not answer. ``share_later`` is the same without waiting. Apple calls the
    setting one that macOS no longer uses: from macOS 15 on, recorders of its newer kind see the windows all the same.
    """

    name = lockdown.CAPTURE_EXCLUSION

    def __init__(
        self, window: KioskWindow | None, share: Callable[[bool], int], share_later: Callable[[bool], None]
    ) -> None:
        self._window = window
        self._share = share
        self._holding = Repeating("capture-exclusion", lambda: share_later(False), _HOLD_EVERY_S)

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        if self._window is None or not self._share(False):
            raise LockdownError("The exam has no window yet that could be left out of captures; try again.")
        self._holding.start()

    def revert(self, before: Mapping[str, Json]) -> None:
        """Only this process can show its windows again; in any other there is nothing to undo."""
        del before
        if self._window is not None:
            self._holding.stop()
            self._share(True)
