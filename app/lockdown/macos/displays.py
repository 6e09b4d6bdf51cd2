"""The displays of a Mac, mirrored ones one by one, and what may be a further one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.core import lockdown
from app.core.types import DisplayChanged, DisplaysSeen, Observation

UNKNOWN_VENDOR = 0x756E6B6E
"""What macOS says where a display does not tell its maker (IOKit, IODisplay: kDisplayVendorIDUnknown)."""
_SUSPECTED = "a display does not tell its maker, as AirPlay, Sidecar and displays that a program makes up may not"


@dataclass(frozen=True, slots=True)
class Display:
    """One display that is online: it shows something, mirrors another or is asleep. No serial number."""

    builtin: bool
    mirrors: bool
    vendor: int
    model: int


def names_of(displays: Sequence[Display]) -> tuple[str, ...]:
    return tuple(sorted(map(_name, displays)))


def suspected_of(displays: Sequence[Display]) -> tuple[str, ...]:
    """Only beside another one: an old projector or switch alone does not tell its maker either."""
    several = len(displays) > 1
    unknown = any(not display.builtin and display.vendor == UNKNOWN_VENDOR for display in displays)
    return (_SUSPECTED,) if several and unknown else ()


def _name(display: Display) -> str:
    mirrored = ", mirrored" if display.mirrors else ""
    if display.builtin:
        return f"display (built in{mirrored})"
    if display.vendor == UNKNOWN_VENDOR:
        return f"display (maker unknown{mirrored})"
    return f"display {display.vendor:04x}:{display.model:04x} (external{mirrored})"


class Displays:
    """Reports the displays at the first poll and at every change. One thread.

    ``tell`` has macOS call something at each change, and returns what ends that. A splitter in the cable is one display.
    """

    name = lockdown.MONITORS

    def __init__(
        self, online: Callable[[], Sequence[Display]], tell: Callable[[Callable[[], None]], Callable[[], None]]
    ) -> None:
        self._online = online
        self._tell = tell
        self._end: Callable[[], None] | None = None
        self._seen: tuple[tuple[str, ...], tuple[str, ...]] | None = None

    def poll(self, now_ns: int) -> Sequence[Observation]:
        displays = self._online()
        names, suspected = names_of(displays), suspected_of(displays)
        before, self._seen = self._seen, (names, suspected)
        if before == self._seen:
            return ()
        changes = [] if before is None else _changes(before[0], names)
        return (
            DisplaysSeen(now_ns, len(names), names, suspected),
            *(DisplayChanged(now_ns, detail) for detail in changes),
        )

    def listen(self, wake: Callable[[], None]) -> int | None:
        self._end = self._tell(wake)
        return None

    def close(self) -> None:
        if self._end is not None:
            self._end()
            self._end = None


def _changes(before: Sequence[str], now: Sequence[str]) -> list[str]:
    added, removed = Counter(now) - Counter(before), Counter(before) - Counter(now)
    words = [f"connected: {name}" for name in sorted(added.elements())]
    return words + [f"disconnected: {name}" for name in sorted(removed.elements())]
