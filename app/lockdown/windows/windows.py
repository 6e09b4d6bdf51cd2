"""Windows of other programs that are over the exam, or that captures don't show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath

from app.core import lockdown
from app.core.lockdown import program_name
from app.core.types import NS_PER_S, ForeignWindow, Observation, WindowIs, WindowsSeen
from app.lockdown.win32 import dwmapi, kernel32, user32_windows
from app.lockdown.windows.listener import Ear, Listener, Topic

SHELL_CLASSES = frozenset(
    {
        "Progman",
        "WorkerW",
        "Shell_TrayWnd",
        "Shell_SecondaryTrayWnd",
        "NotifyIconOverflowWindow",
        "TopLevelWindowForOverflowTray",
        "Windows.UI.Core.CoreWindow",
        "XamlExplorerHostIslandWindow",
        "ForegroundStaging",
        "MultitaskingViewFrame",
        "TaskListThumbnailWnd",
        "EdgeUiInputTopWndClass",
        "NativeHWNDHost",
    }
)
"""Parts of Windows' own desktop: task bar, start menu, notifications, the emoji panel. Only where a program of Windows shows them."""
SMALL_CLASSES = frozenset({"tooltips_class32", "#32768", "IME", "MSCTFIME UI", "Default IME", "SysShadow"})
"""Tool tips, menus, shadows and input methods, which every program has."""
SMALL_SHARE = 0.05
"""A tool tip is smaller than this share of the exam window; a program may call any window a tool tip."""
THIN_PX = 16
"""What reaches over the exam by less shows nothing: a frame, a shadow, the edge of a hidden task bar."""
_LOOKS_PER_S = 20

Rectangle = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class TopLevel:
    """One window that is shown, in pixels of the screen. ``of_windows``: its program is a part of Windows.

    ``affinity``: not 0 when captures leave it out. ``clicks_pass``: it is layered and lets clicks through.
    """

    handle: int
    pid: int
    program: str
    class_name: str
    rectangle: Rectangle
    of_windows: bool = False
    affinity: int = 0
    clicks_pass: bool = False


def accused(
    uppermost_first: Iterable[TopLevel], ours: int, own_pids: Collection[int], allowed: Collection[str]
) -> tuple[ForeignWindow, ...]:
    """The windows that matter. None while the exam has no window. Pure.

    A window below the exam's that it covers can't be seen, so it is no accusation; neither is a part of Windows' desktop, a small tool tip or
    menu, or a layered window that clicks pass through, unless captures leave it out: otherwise recordings show it.
    """
    windows = list(uppermost_first)
    exam = next((window for window in windows if window.handle == ours), None)
    if exam is None:
        return ()
    found = []
    above = True
    for window in windows:
        if window.handle == ours:
            above = False
        elif window.pid not in own_pids and window.program not in allowed:
            why = _why(window, exam, above)
            if why is not None:
                found.append(ForeignWindow(window.program, why, window.handle, window.pid))
    return tuple(found)


def _why(window: TopLevel, exam: TopLevel, above: bool) -> WindowIs | None:
    common = _common(window.rectangle, exam.rectangle)
    if _area(window.rectangle) == 0:
        return None
    if window.of_windows and window.class_name in SHELL_CLASSES:
        return None
    if window.affinity:
        seen = above or _area(common) < _area(window.rectangle)
        return WindowIs.HIDDEN_FROM_CAPTURE if seen else None
    if not above or _is_thin(common) or window.clicks_pass:
        return None
    small = _area(window.rectangle) <= SMALL_SHARE * _area(exam.rectangle)
    return None if small and window.class_name in SMALL_CLASSES else WindowIs.ABOVE


def _common(one: Rectangle, other: Rectangle) -> Rectangle:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def _is_thin(rectangle: Rectangle) -> bool:
    left, top, right, bottom = rectangle
    return min(right - left, bottom - top) < THIN_PX


def _area(rectangle: Rectangle) -> int:
    left, top, right, bottom = rectangle
    return max(0, right - left) * max(0, bottom - top)


class ForeignWindows:
    """Reports the foreign windows at every change. One thread.

    Told by Windows when a window appears or comes to the front, and looked for at each poll: a window
    that another one uncovers is told by nobody. However often windows appear, 20 looks a second are the most.
    """

    name = lockdown.WINDOWS

    def __init__(
        self, listener: Listener, ours: Callable[[], int], own_pids: Collection[int], allowed: Collection[str]
    ) -> None:
        self._ear = Ear(listener, Topic.WINDOWS)
        self._ours = ours
        self._own_pids = frozenset(own_pids)
        self._allowed = frozenset(allowed)
        self._seen: tuple[ForeignWindow, ...] = ()
        self._second = -1
        self._looks = 0

    def poll(self, now_ns: int) -> Sequence[Observation]:
        told = self._ear.take()
        if now_ns // NS_PER_S != self._second:
            self._second, self._looks = now_ns // NS_PER_S, 0
        self._looks += 1
        if told and self._looks > _LOOKS_PER_S:
            return ()
        found = accused(shown_windows(), self._ours(), self._own_pids, self._allowed)
        if sorted(found, key=_order) == sorted(self._seen, key=_order):
            return ()
        self._seen = found
        return (WindowsSeen(now_ns, found),)

    def listen(self, wake: Callable[[], None]) -> int | None:
        self._ear.listen(wake)
        return None

    def close(self) -> None:
        self._ear.close()


def _order(window: ForeignWindow) -> tuple[int, str]:
    return window.handle, window.why


def shown_windows() -> list[TopLevel]:
    """The top-level windows that can be seen on this desktop, the uppermost first."""
    names: dict[int, str] = {}
    found = []
    for window in user32_windows.top_level_windows():
        if not user32_windows.is_visible(window) or dwmapi.is_cloaked(window):
            continue
        if user32_windows.is_fully_transparent(window):
            continue
        if not names:
            names = {running.pid: running.name for running in kernel32.running()}
        pid = user32_windows.process_of(window)
        found.append(_described(window, pid, program_name(names.get(pid, "")) or "unknown program"))
    return found


def _described(window: int, pid: int, program: str) -> TopLevel:
    style = user32_windows.extended_style(window)
    both = user32_windows.WS_EX_LAYERED | user32_windows.WS_EX_TRANSPARENT
    return TopLevel(
        window,
        pid,
        program,
        user32_windows.class_name(window),
        dwmapi.shown_rectangle(window) or user32_windows.rectangle(window),
        is_of_windows(kernel32.program_file(pid), kernel32.windows_folder()),
        user32_windows.display_affinity(window),
        style & both == both,
    )


def is_of_windows(file: str, windows_folder: str) -> bool:
    """Whether a program lies where only administrators can put one. Not all of Windows' folder: anyone may write to its Temp."""
    if not file or not windows_folder:
        return False
    path, root = PureWindowsPath(file), PureWindowsPath(windows_folder)
    return path.parent in {root, root / "System32"} or path.is_relative_to(root / "SystemApps")
