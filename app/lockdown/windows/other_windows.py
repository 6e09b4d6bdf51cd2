"""The windows of other programs put away for the exam, and the task bar hidden."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import psutil

from app.core import lockdown
from app.core.errors import LockdownError
from app.core.lockdown import allowed_windows
from app.core.policy import Policy
from app.core.types import Json
from app.lockdown.win32 import user32_placing as user32
from app.lockdown.win32 import user32_windows
from app.lockdown.windows.windows import SHELL_CLASSES, shown_windows

TASK_BARS = ("Shell_TrayWnd", "Shell_SecondaryTrayWnd")
_AT_THE_EDGE = user32.WS_EX_TOOLWINDOW | user32.WS_EX_NOACTIVATE
_MOST_WINDOWS = 1000
_SAME_START_S = 1.0


@dataclass(frozen=True, slots=True)
class PutAway:
    """A window as the journal knows it: Windows uses numbers of windows and processes again."""

    handle: int
    pid: int
    started_s: float
    maximised: bool

    def is_still_there(self) -> bool:
        return user32_windows.process_of(self.handle) == self.pid and _is_same(_started_s(self.pid), self.started_s)


class OtherWindows:
    """Minimises what the task switcher would show, but for our windows and allowed programs'; brings back just these.

    Nothing is closed. What the person minimised before stays minimised, and a window that its program or person brought
    back meanwhile is left as it is. A program with administrator rights does not obey; the watcher reports it if it shows.
    """

    name = lockdown.OTHER_WINDOWS

    def __init__(self, policy: Policy | None) -> None:
        self._allowed: Collection[str] = frozenset() if policy is None else allowed_windows(policy)
        self._away: tuple[PutAway, ...] = ()

    def check(self) -> str | None:
        return None

    def before(self) -> dict[str, Json]:
        self._away = tuple(self._to_put_away())
        windows: list[Json] = [[window.handle, window.pid, window.started_s, window.maximised] for window in self._away]
        return {"windows": windows, "task_bar": any(user32.is_shown(bar) for bar in _task_bars())}

    def perform(self) -> None:
        for window in self._away:
            user32.show(window.handle, user32.SW_SHOWMINNOACTIVE)
        for bar in _task_bars():
            user32.show(bar, user32.SW_HIDE)

    def revert(self, before: Mapping[str, Json]) -> None:
        windows, task_bar = _checked(before)
        for window in windows:
            if window.is_still_there() and user32.is_minimised(window.handle):
                # SW_SHOWNOACTIVATE would bring one back that filled its monitor in its normal size
                user32.show(window.handle, user32.SW_RESTORE if window.maximised else user32.SW_SHOWNOACTIVATE)
        if task_bar:
            for bar in _task_bars():
                user32.show(bar, user32.SW_SHOWNA)

    def _to_put_away(self) -> Iterator[PutAway]:
        """Back to front, so that bringing them back in this order gives the same order on the screen."""
        for window in reversed(shown_windows()[:_MOST_WINDOWS]):
            if window.pid == os.getpid() or window.program in self._allowed:
                continue
            if (window.of_windows and window.class_name in SHELL_CLASSES) or not _is_of_the_task_switcher(
                window.handle
            ):
                continue
            started_s = _started_s(window.pid)
            if started_s is not None:
                yield PutAway(window.handle, window.pid, started_s, user32.is_maximised(window.handle))


def _task_bars() -> list[int]:
    return [bar for name in TASK_BARS for bar in user32.windows_of_class(name)]


def _is_of_the_task_switcher(window: int) -> bool:
    style = user32_windows.extended_style(window)
    if style & user32.WS_EX_APPWINDOW:
        return True
    return not style & _AT_THE_EDGE and not user32.owner_of(window)


def _started_s(pid: int) -> float | None:
    """When the process started, in seconds since the epoch; None when it is gone or not ours to ask."""
    try:
        return psutil.Process(pid).create_time()
    except (psutil.Error, ValueError):
        return None


def _is_same(one_s: float | None, other_s: float) -> bool:
    return one_s is not None and abs(one_s - other_s) < _SAME_START_S


def _checked(before: Mapping[str, Json]) -> tuple[list[PutAway], bool]:
    windows, task_bar = before.get("windows"), before.get("task_bar")
    if isinstance(windows, list) and isinstance(task_bar, bool):
        found = [window for entry in windows if (window := _window(entry)) is not None]
        if len(found) == len(windows) <= _MOST_WINDOWS:
            return found, task_bar
    raise LockdownError("The restore journal has no usable list of windows; bring them back from the task bar.")


def _window(entry: Json) -> PutAway | None:
    match entry:
        case [int(handle), int(pid), int() | float() as started_s, bool(maximised)] if not isinstance(
            handle, bool | float
        ):
            if 0 < handle < 2**63 and 0 < pid < 2**32 and not isinstance(pid, bool):
                return PutAway(handle, pid, float(started_s), maximised)
    return None
