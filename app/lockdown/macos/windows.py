"""Windows of other programs that are over the exam, or that captures don't show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from app.core import lockdown
from app.core.types import ForeignWindow, Observation, WindowIs, WindowsSeen

STATUS_LEVEL = 25
"""Where the small windows in the menu bar are (CoreGraphics, kCGStatusWindowLevelKey), one for each program that has one."""
_STATUS_HEIGHT_PT = 44
_THIN_PT = 16
_SYSTEM = PurePosixPath("/System/Library")
_APPLICATIONS_OF_SYSTEM = PurePosixPath("/System/Library/CoreServices/Applications")
_FINDER = "finder"

Frame = tuple[float, float, float, float]
"""x, y, width and height in points from the main display's upper left corner."""


@dataclass(frozen=True, slots=True)
class TopLevel:
    """One window that is on a screen. ``shared``: others may read it. ``program`` is the file's name, not the window's word."""

    number: int
    pid: int
    program: str
    layer: int
    frame: Frame
    alpha: float = 1.0
    shared: bool = True
    of_macos: bool = False


def accused(
    uppermost_first: Sequence[TopLevel], own_pids: Collection[int], allowed: Collection[str]
) -> tuple[ForeignWindow, ...]:
    """The windows that matter; none while the exam has no window. Pure.

    The exam's is our largest. A window below it that it covers can't be seen, so it is no accusation; neither is a part of
    macOS (menu bar, Dock, notifications, input methods), an item in the menu bar, or what shows nothing.
    """
    ours = [window for window in uppermost_first if window.pid in own_pids]
    if not ours:
        return ()
    exam = max(ours, key=lambda window: _area(window.frame))
    found = []
    above = True
    for window in uppermost_first:
        if window is exam:
            above = False
        elif window.pid not in own_pids and window.program not in allowed:
            why = _why(window, exam, above)
            if why is not None:
                found.append(ForeignWindow(window.program, why, window.number, window.pid))
    return tuple(found)


def _why(window: TopLevel, exam: TopLevel, above: bool) -> WindowIs | None:
    common = _common(window.frame, exam.frame)
    if window.of_macos or window.alpha <= 0 or _is_thin(window.frame) or _is_menu_item(window):
        return None
    if not window.shared:
        seen = above or _area(common) < _area(window.frame)
        return WindowIs.HIDDEN_FROM_CAPTURE if seen else None
    return WindowIs.ABOVE if above and not _is_thin(common) else None


def _is_menu_item(window: TopLevel) -> bool:
    return window.layer == STATUS_LEVEL and window.frame[3] <= _STATUS_HEIGHT_PT


def _common(one: Frame, other: Frame) -> Frame:
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right = min(one[0] + one[2], other[0] + other[2])
    bottom = min(one[1] + one[3], other[1] + other[3])
    return left, top, max(0.0, right - left), max(0.0, bottom - top)


def _is_thin(frame: Frame) -> bool:
    return min(frame[2], frame[3]) < _THIN_PT


def _area(frame: Frame) -> float:
    return frame[2] * frame[3]


def is_of_macos(file: str) -> bool:
    """Whether a program lies where macOS lets nobody write, and is no application for people (Finder is one)."""
    path = PurePosixPath(file)
    if ".." in path.parts or not path.is_relative_to(_SYSTEM):
        return False
    return not path.is_relative_to(_APPLICATIONS_OF_SYSTEM) and path.name.lower() != _FINDER


class ForeignWindows:
    """Reports the foreign windows at every change. One thread. Polled only: macOS tells nobody of others' windows."""

    name = lockdown.WINDOWS

    def __init__(
        self, shown: Callable[[], Sequence[TopLevel]], own_pids: Collection[int], allowed: Collection[str]
    ) -> None:
        self._shown = shown
        self._own_pids = frozenset(own_pids)
        self._allowed = frozenset(allowed)
        self._seen: frozenset[ForeignWindow] = frozenset()

    def poll(self, now_ns: int) -> Sequence[Observation]:
        found = accused(self._shown(), self._own_pids, self._allowed)
        if frozenset(found) == self._seen:
            return ()
        self._seen = frozenset(found)
        return (WindowsSeen(now_ns, found),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        return None

    def close(self) -> None:
        """Nothing is held."""
