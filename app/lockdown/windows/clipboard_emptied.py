"""The clipboard emptied, and its history and its way to other devices held off."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.types import Json
from app.lockdown.win32 import user32
from app.lockdown.windows.registry import Place, Registry, Root

_CLIPBOARD = r"Software\Microsoft\Clipboard"
SERVICES: Mapping[str, Place] = {
    "history": Place(Root.USER, _CLIPBOARD, "EnableClipboardHistory"),
    "cloud": Place(Root.USER, _CLIPBOARD, "CloudClipboardAutomaticUpload"),
}
_TRIES = 40
_PAUSE_S = 0.05


class ClipboardEmptied:
    """What was copied before the exam can't be pasted in it, and nothing of the exam afterwards. Contents are never read.

    Two seconds long it is tried again, as any program may have the clipboard open just now.
    """

    name = lockdown.CLIPBOARD

    def __init__(
        self,
        registry: Registry,
        empty: Callable[[], None] = user32.empty_clipboard,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._registry = registry
        self._empty = empty
        self._pause = pause

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        """``on``: which of the services are on, and so are switched off for the exam."""
        on: list[Json] = [name for name in SERVICES if self._is_on(name)]
        return {"on": on}

    def perform(self) -> None:
        for name, place in SERVICES.items():
            if self._is_on(name):
                self._registry.set_number(place, 0)
        self._emptied()

    def revert(self, before: Mapping[str, Json]) -> None:
        match before.get("on"):
            case list(names) if all(isinstance(name, str) and name in SERVICES for name in names):
                on = [str(name) for name in names]
            case _:
                raise LockdownError(
                    "The restore journal has no usable clipboard settings; see Settings, System, Clipboard."
                )
        self._emptied()
        for name in on:
            self._registry.set_number(SERVICES[name], 1)

    def _is_on(self, name: str) -> bool:
        place = SERVICES[name]
        return self._registry.number(place) == 1 and self._registry.may_write(place)

    def _emptied(self) -> None:
        for number in range(_TRIES):
            try:
                self._empty()
            except OSError as error:
                if number == _TRIES - 1:
                    raise LockdownError(
                        f"Another program keeps the clipboard open ({error}); close clipboard tools and try again."
                    ) from error
                self._pause(_PAUSE_S)
            else:
                return
