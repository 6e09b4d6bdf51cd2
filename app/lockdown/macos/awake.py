"""The screen and the machine kept awake."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.core import lockdown
from app.core.types import Json


class KeepAwake:
    """Asks macOS not to sleep for idleness while the exam runs; the request ends with the process.

    ``begin`` makes the request and returns what ends it. A closed lid, an empty battery and a chosen sleep still put the
    machine to sleep. Once idle sleep of the display is held off, the screen saver does not start either.
    """

    name = lockdown.KEEP_AWAKE

    def __init__(self, begin: Callable[[], Callable[[], None]]) -> None:
        self._begin = begin
        self._end: Callable[[], None] | None = None

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        return {}

    def perform(self) -> None:
        if self._end is None:
            self._end = self._begin()

    def revert(self, before: Mapping[str, Json]) -> None:
        """Only this process holds the request; in any other there is nothing to undo."""
        del before
        if self._end is not None:
            self._end()
            self._end = None
